"""A recording is believed only after it has been looked at."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from broadcast.errors import MediaError
from broadcast.ffmpeg import find_ffmpeg
from broadcast.ledger import LEDGER_NAME, RECORDING_NAME, read_ledger
from broadcast.progress import Progress
from broadcast.recording_check import Verified, verify
from broadcast.rendition import render
from tests.standins.films import make_film
from tests.standins.recorder import Scene, record


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("check") / "recording", [Scene(6), Scene(2, "gap"), Scene(6)])


@pytest.fixture
def recording(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "recording"))


def found(original: Path) -> Verified:
    steps = list(verify(original))
    percents = [step.percent for step in steps if isinstance(step, Progress)]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    last = steps[-1]
    assert isinstance(last, Verified)
    return last


def end_with(recording: Path, sha256: str | None) -> None:
    """Write the ledger's last line anew, with a checksum."""
    path = recording / LEDGER_NAME
    lines = path.read_text().splitlines()
    lines[-1] = json.dumps(json.loads(lines[-1]) | {"sha256": sha256})
    path.write_text("\n".join(lines) + "\n")


def test_a_whole_recording(recording: Path) -> None:
    file = recording / RECORDING_NAME
    result = found(recording)
    assert result.duration == pytest.approx(14.0)
    assert result.size == file.stat().st_size
    assert result.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert result.gaps == ({"at": "2026-09-30T16:00:06+00:00", "seconds": 2.0},)
    assert result.unexplained == 0


def test_the_checksum_it_ended_with_is_passed_on_and_proved_by_rendering(
    recording: Path, tmp_path: Path
) -> None:
    file = recording / RECORDING_NAME
    film = tmp_path / "film.mp4"
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    end_with(recording, checksum)
    assert found(recording).sha256 == checksum
    list(render(recording, cuts=[], chapters=[], out=film, ffmpeg=find_ffmpeg()))
    film.unlink()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(MediaError, match="har ändrats"):
        list(render(recording, cuts=[], chapters=[], out=film, ffmpeg=find_ffmpeg()))
    assert not film.exists()


def test_shorter_than_it_was(recording: Path) -> None:
    file = recording / RECORDING_NAME
    file.write_bytes(file.read_bytes()[:-50_000])
    with pytest.raises(MediaError, match="kortare än när den avslutades"):
        found(recording)


def test_a_killed_recording_is_counted_to_its_torn_end(tmp_path: Path) -> None:
    folder = record(tmp_path / "recording", [Scene(7)], ended=False)
    assert read_ledger(folder).end_frame == 150
    assert 6.8 <= found(folder).duration <= 7.0


def test_rubbish_within_is_found(recording: Path) -> None:
    file = recording / RECORDING_NAME
    data = bytearray(file.read_bytes())
    third = len(data) // 3
    data[third : 2 * third] = bytes(third)
    file.write_bytes(data)
    with pytest.raises(MediaError, match="kan inte avkodas vid 0:0"):
        found(recording)


def test_nothing_was_recorded(recording: Path) -> None:
    (recording / RECORDING_NAME).write_bytes(b"")
    with pytest.raises(MediaError, match="tom"):
        found(recording)


@pytest.mark.parametrize("ledger", [None, "", "{}\n", "no json\n"])
def test_a_ledger_that_is_lost_or_broken(recording: Path, ledger: str | None) -> None:
    if ledger is None:
        (recording / LEDGER_NAME).unlink()
    else:
        (recording / LEDGER_NAME).write_text(ledger)
    with pytest.raises(MediaError, match="liggare"):
        found(recording)


def test_a_film(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4")
    result = found(film)
    assert result.duration == pytest.approx(5, abs=0.1)
    assert result.sha256 == hashlib.sha256(film.read_bytes()).hexdigest()
    assert result.gaps == ()


def test_a_film_without_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="inget ljud"):
        found(make_film(tmp_path / "film.mp4", sound=False))
