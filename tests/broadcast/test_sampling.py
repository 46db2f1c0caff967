"""A source is looked at and listened to by the real ffmpeg; each way to fail has its own sentence."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import pytest

from broadcast.abilities import NEEDED, WANTED, listed, missing
from broadcast.errors import SourceError
from broadcast.ffmpeg import find_ffmpeg
from broadcast.sampling import Sample, sample
from broadcast.source import PictureFormat, Source
from tests.standins.camera import Camera
from tests.standins.films import make_film
from tests.standins.sockets import run_answering, unused_port

FFMPEG = find_ffmpeg()
SMALL = PictureFormat(width=320, height=180, fps=25)


def take(timeout: float = 10, **source: object) -> Sample:
    return sample(Source(**source), FFMPEG, seconds=1, timeout=timeout, picture=SMALL)  # type: ignore[arg-type]


def refusal(timeout: float = 10, **source: object) -> str:
    with pytest.raises(SourceError) as caught:
        take(timeout, **source)
    return str(caught.value)


def film(path: Path, picture: str, sound: str | None) -> Path:
    heard = ["-f", "lavfi", "-i", sound] if sound else []
    video = ["-t", "2", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    command = [
        str(FFMPEG.path),
        "-v",
        "error",
        "-nostdin",
        "-f",
        "lavfi",
        "-i",
        picture,
        *heard,
        *video,
        str(path),
    ]
    subprocess.run(command, check=True)
    return path


def await_udp(port: int) -> None:
    """Wait until somebody listens: the camera's ffmpeg takes a moment, and SRT gives up after three seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return
        time.sleep(0.05)
    raise AssertionError("the camera did not start")


def test_the_test_picture() -> None:
    taken = take(kind="test")
    assert (taken.width, taken.height, taken.fps, taken.audio) == (320, 180, 25, True)
    assert 80 < taken.luma_mean < 160
    assert taken.luma_std > 30
    assert -30 < taken.loudness < -10
    assert -20 < taken.peak < -5


def test_a_camera_on_the_network() -> None:
    camera = Camera()
    try:
        camera.start()
        await_udp(camera.port)
        taken = take(kind="srt", address=camera.address)
    finally:
        camera.close()
    assert (taken.width, taken.height) == (320, 180)
    assert taken.luma_std > 5
    assert taken.loudness > -60


def test_a_black_and_silent_film(tmp_path: Path) -> None:
    path = film(tmp_path / "black.mkv", "color=black:size=160x90:rate=25", "anullsrc=r=48000:cl=mono")
    taken = take(kind="file", address=str(path))
    assert taken.luma_mean == pytest.approx(16, abs=1)
    assert taken.luma_std < 1
    assert taken.loudness < -100
    assert taken.peak == -120
    assert taken.audio


def test_loudness_is_that_of_ebu_tech_3341(tmp_path: Path) -> None:
    # Its first case: a 1 kHz stereo sine at -23 dBFS reads -23 LUFS.
    sine = "aevalsrc='0.0708*sin(2*PI*1000*t)|0.0708*sin(2*PI*1000*t)':s=48000"
    taken = take(kind="file", address=str(film(tmp_path / "sine.mkv", "testsrc2=size=160x90", sine)))
    assert taken.loudness == pytest.approx(-23, abs=0.3)
    assert taken.peak == pytest.approx(-23, abs=1)  # a lossy codec rounds the tops


def test_no_sound_track(tmp_path: Path) -> None:
    taken = take(kind="file", address=str(make_film(tmp_path / "mute.mp4", seconds=2, sound=False)))
    assert (taken.audio, taken.loudness, taken.width) == (False, -120, 320)


def test_only_sound(tmp_path: Path) -> None:
    path = tmp_path / "radio.wav"
    subprocess.run([FFMPEG.path, "-v", "error", "-f", "lavfi", "-i", "sine", "-t", "1", path], check=True)
    assert "ger ingen bild" in refusal(kind="file", address=str(path))


def test_nobody_there() -> None:
    for kind in ("rtsp", "rtmp"):
        assert "tar inte emot" in refusal(
            kind=kind, address=f"{kind}://u:hemligt@127.0.0.1:{unused_port()}/x"
        )
    assert "namntjänsten" in refusal(kind="rtsp", address="rtsp://kamera.invalid/x")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [("401 Unauthorized", "rätta användare och lösenord"), ("404 Not Found", "ingen sådan ström"),
     ("403 Forbidden", "nekar åtkomst")],
)  # fmt: skip
def test_what_a_camera_answers(status: str, sentence: str) -> None:
    answer = f'RTSP/1.0 {status}\r\nCSeq: 1\r\nWWW-Authenticate: Basic realm="k"\r\n\r\n'.encode()
    with run_answering(answer) as port:
        said = refusal(kind="rtsp", address=f"rtsp://kamera:hemligt@127.0.0.1:{port}/strom")
    assert sentence in said
    assert "hemligt" not in said
    assert "strom" not in said.replace("ström", "")


def test_a_camera_that_says_nothing() -> None:
    with run_answering(None) as port:
        assert "svarar inte inom 1 sekunder" in refusal(1, kind="rtsp", address=f"rtsp://127.0.0.1:{port}/x")


def test_a_sender_that_does_not_call() -> None:
    said = refusal(1, kind="rtmp", address=f"rtmp://127.0.0.1:{unused_port()}/x/y", listen=True)
    assert said.startswith("Ingen sändare kopplade upp sig på 1 sekunder:")


def test_no_such_device_file_or_film(tmp_path: Path) -> None:
    assert "finns inte" in refusal(kind="v4l2", address="/dev/video97")
    assert "finns inte" in refusal(kind="file", address=str(tmp_path / "none.mp4"))
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 100)
    assert "inget som går att läsa" in refusal(kind="file", address=str(tmp_path / "noise.mp4"))


def test_this_ffmpeg_can_what_is_needed_and_not_what_there_is_not() -> None:
    assert missing(FFMPEG, NEEDED) == []
    assert missing(FFMPEG, WANTED) == []
    assert missing(FFMPEG, {"encoders": ("libx264", "no-such"), "filters": ("none",)}) == ["no-such", "none"]
    assert "mp4" in listed(FFMPEG, "demuxers")  # one of several names on one line
