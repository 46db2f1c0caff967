"""What a file is, and the one sentence for what it is not."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from broadcast.errors import MediaError
from broadcast.ffmpeg import find_ffmpeg
from broadcast.media import probe


def make(path: Path, *options: str) -> Path:
    subprocess.run([find_ffmpeg().path, "-v", "error", "-y", *options, path], check=True)
    return path


PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=322x180:rate=25:duration=4")
SOUND = ("-f", "lavfi", "-i", "sine=440:duration=4")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    return make(
        folder / "film.mp4",
        *PICTURE,
        *SOUND,
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "25",
        "-c:a",
        "aac",
    )


def test_a_film_is_described(film: Path) -> None:
    media = probe(film)
    assert (media.width, media.height, media.rotation) == (322, 180, 0)
    assert media.duration == pytest.approx(4.0, abs=0.1)
    assert media.fps == pytest.approx(25)
    assert (media.video_codec, media.audio_codec, media.channels) == ("h264", "aac", 1)


def test_a_film_on_its_side_is_seen_upright(film: Path, tmp_path: Path) -> None:
    turned = make(tmp_path / "turned.mp4", "-i", str(film), "-c", "copy", "-metadata:s:v", "rotate=90")
    media = probe(turned)
    assert (media.width, media.height) == (180, 322)
    assert media.rotation in (90, 270)


def test_it_is_quick(film: Path) -> None:
    probe(film)
    start = time.monotonic()
    probe(film)
    assert time.monotonic() - start < 1.0


def refusal(path: Path) -> str:
    with pytest.raises(MediaError) as caught:
        probe(path)
    assert caught.value.permanent
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


def test_nothing_there(tmp_path: Path) -> None:
    assert "finns inte" in refusal(tmp_path / "borta.mp4")


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "tom.mp4").touch()
    assert "tom (0 byte)" in refusal(tmp_path / "tom.mp4")


def test_a_picture_named_as_a_film(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "bild.png")
    (tmp_path / "bild.png").rename(tmp_path / "bild.mp4")
    assert "ingen videofil" in refusal(tmp_path / "bild.mp4")


def test_text_named_as_a_film(tmp_path: Path) -> None:
    (tmp_path / "protokoll.mp4").write_text("Protokoll fört vid sammanträde. " * 300)
    assert "ingen videofil" in refusal(tmp_path / "protokoll.mp4")


def test_cut_off_before_its_index(film: Path, tmp_path: Path) -> None:
    short = tmp_path / "kort.mp4"
    short.write_bytes(film.read_bytes()[:-3000])
    assert "avhuggen" in refusal(short)


def test_cut_off_within_its_pictures(film: Path, tmp_path: Path) -> None:
    front = make(tmp_path / "front.mp4", "-i", str(film), "-c", "copy", "-movflags", "+faststart")
    short = tmp_path / "kort.mp4"
    short.write_bytes(front.read_bytes()[: front.stat().st_size // 2])
    assert "avhuggen" in refusal(short)


def test_cut_off_matroska(film: Path, tmp_path: Path) -> None:
    whole = make(tmp_path / "hel.mkv", "-stream_loop", "7", "-i", str(film), "-c", "copy")
    assert probe(whole).duration > 25
    short = tmp_path / "kort.mkv"
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert "avhuggen" in refusal(short)


def test_without_sound(tmp_path: Path) -> None:
    assert "inget ljud" in refusal(make(tmp_path / "stum.mp4", *PICTURE))


def test_without_picture(tmp_path: Path) -> None:
    assert "ingen bild" in refusal(make(tmp_path / "radio.m4a", *SOUND))


def test_a_cover_is_no_picture(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "omslag.png")
    song = make(
        tmp_path / "sang.mp3", *SOUND, "-i", str(tmp_path / "omslag.png"), "-map", "0", "-map", "1",
        "-c:v", "copy", "-disposition:v", "attached_pic",
    )  # fmt: skip
    assert "ingen bild" in refusal(song)


def test_not_allowed(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "hemlig.mp4"
    secret.write_bytes(film.read_bytes())
    secret.chmod(0)
    try:
        secret.read_bytes()
    except PermissionError:
        assert "får inte läsas" in refusal(secret)
    else:  # root reads everything; what a refused open becomes is tried by another user's eyes
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--clear-groups", "cat", str(secret)],
            capture_output=True,
            check=False,
        )
        assert done.returncode != 0
        monkeypatch.setattr(Path, "open", _refuse)
        assert "får inte läsas" in refusal(secret)


def _refuse(*_args: object, **_options: object) -> None:
    raise PermissionError(13, "Permission denied")
