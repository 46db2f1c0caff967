"""Poster, sprite, waveform and chapters: of a meeting from what was gathered live, of a film by looking."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from broadcast.cuts import Chapter, automatic_cuts
from broadcast.ffmpeg import find_ffmpeg
from broadcast.ledger import PICTURES_NAME, read_ledger
from broadcast.pictures import Pictures, chapters_vtt, make_pictures
from broadcast.rendition import Rendered, render
from tests.standins.recorder import Scene, read_number, record

SCENES = (Scene(5, "waiting"), Scene(20), Scene(6, "adjourned"), Scene(14), Scene(5, "over"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rendered]:
    folder = tmp_path_factory.mktemp("pictures")
    recording = record(folder / "recording", SCENES)
    *_, result = render(
        recording, cuts=automatic_cuts(read_ledger(recording)), chapters=[Chapter(8, "Val")], out=folder / "film.mp4",
        ffmpeg=find_ffmpeg(),
    )  # fmt: skip
    assert isinstance(result, Rendered)
    return recording, result


def pictures(result: Rendered, original: Path, out: Path) -> Pictures:
    ledger = read_ledger(original) if original.is_dir() else None
    cuts = automatic_cuts(ledger) if ledger is not None else ()
    *_, last = make_pictures(
        result.path, out=out, original=original, ledger=ledger, cuts=cuts, chapters=result.chapters
    )
    assert isinstance(last, Pictures)
    return last


def numbers(image: Image.Image) -> int:
    return read_number(np.asarray(image.convert("L")))


def cues(vtt: Path) -> list[tuple[str, str, str]]:
    return re.findall(r"(\S+) --> (\S+)\n(.+)", vtt.read_text())


def check(result: Rendered, files: Pictures) -> None:
    with Image.open(files.poster) as poster:
        number = numbers(poster)
        assert poster.size == (320, 180)
        assert 125 <= number < 625 or 775 <= number < 1125, "the poster shows the room"
    lines = cues(files.sprite_vtt)
    assert lines[0][0] == "00:00:00.000"
    assert len(lines) == -(-int(result.duration) // 10)
    with Image.open(files.sprite) as sprite:
        for _, _, target in lines:
            x, y, width, height = map(int, target.removeprefix("sprite.jpg#xywh=").split(","))
            assert x + width <= sprite.width
            assert y + height <= sprite.height
            tile = sprite.crop((x, y, x + width, y + height))
            assert np.asarray(tile.convert("L")).std() > 20, "a tile shows the room, no slate"
    waveform = json.loads(files.waveform.read_text())
    assert waveform["duration"] == pytest.approx(result.duration, abs=0.05)
    assert 200 < len(waveform["peaks"]) <= 2000
    assert max(waveform["peaks"]) == 1
    assert min(waveform["peaks"]) >= 0


def test_of_a_meeting(made: tuple[Path, Rendered], tmp_path: Path) -> None:
    recording, result = made
    files = pictures(result, recording, tmp_path)
    check(result, files)
    assert cues(files.chapters_vtt)[0][2] == "Val"


def test_of_a_film(made: tuple[Path, Rendered], tmp_path: Path) -> None:
    _, result = made
    check(result, pictures(result, result.path, tmp_path))


def test_torn_pictures_are_passed_over(made: tuple[Path, Rendered], tmp_path: Path) -> None:
    recording, result = made
    whole = sorted((recording / PICTURES_NAME).glob("*.jpg"))[1]
    data = whole.read_bytes()
    try:
        whole.write_bytes(data[: len(data) // 2])
        check(result, pictures(result, recording, tmp_path))
    finally:
        whole.write_bytes(data)


def test_twice_gives_the_same(made: tuple[Path, Rendered], tmp_path: Path) -> None:
    recording, result = made
    first = {file.name: file.read_bytes() for file in _files(pictures(result, recording, tmp_path))}
    second = {file.name: file.read_bytes() for file in _files(pictures(result, recording, tmp_path))}
    assert first == second
    assert set(first) == {"poster.jpg", "sprite.jpg", "sprite.vtt", "waveform.json", "chapters.vtt"}


def _files(made: Pictures) -> list[Path]:
    return [made.poster, made.sprite, made.sprite_vtt, made.waveform, made.chapters_vtt]


def test_chapters_are_web_vtt() -> None:
    text = chapters_vtt([Chapter(0, "Val & <justering>"), Chapter(3725.5, "Budget\n2027")], 4000)
    assert text.startswith("WEBVTT\n")
    assert "00:00:00.000 --> 01:02:05.500\nVal &amp; &lt;justering&gt;\n" in text
    assert "01:02:05.500 --> 01:06:40.000\nBudget 2027\n" in text
    assert chapters_vtt([], 10) == "WEBVTT\n"
