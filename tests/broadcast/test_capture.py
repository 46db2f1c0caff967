"""Sources over real sockets and from real files, as the program takes them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from broadcast.capture import Capture, Moment
from broadcast.ffmpeg import Ffmpeg, run
from broadcast.source import Source
from tests.broadcast.conftest import SMALL
from tests.standins.camera import Camera, real_clip
from tests.standins.ports import free_tcp_port


@pytest.fixture
def capture_of(ffmpeg_binary: Ffmpeg) -> Iterator[Callable[[Source], Capture]]:
    started: list[Capture] = []

    def start(source: Source) -> Capture:
        capture = Capture(ffmpeg_binary, source, SMALL)
        capture.start()
        started.append(capture)
        return capture

    yield start
    for capture in started:
        capture.stop()


def take(capture: Capture, count: int, seconds: float = 20) -> list[Moment]:
    until = time.monotonic() + seconds
    taken: list[Moment] = []
    while len(taken) < count and time.monotonic() < until:
        moment = capture.take()
        if moment is None:
            time.sleep(0.005)
        else:
            taken.append(moment)
    assert len(taken) == count, f"{len(taken)} of {count} frames: {capture.reason}"
    return taken


def loudest(moments: list[Moment]) -> int:
    return max(int(np.abs(np.frombuffer(m.sound, "<i2").astype(np.int32)).max()) for m in moments)


def test_a_file_is_played_as_a_camera_would_send_it(capture_of: Callable[[Source], Capture]) -> None:
    capture = capture_of(Source(kind="file", address=str(real_clip())))
    take(capture, 10)
    begun = time.monotonic()
    moments = take(capture, 50)
    assert time.monotonic() - begun == pytest.approx(2.0, abs=0.7), (
        "in real time, not as fast as it can be read"
    )
    assert {len(m.picture.data) for m in moments} == {SMALL.frame_bytes}
    assert {len(m.sound) for m in moments} == {SMALL.sound_bytes}
    assert len({bytes(m.picture.data) for m in moments}) > 40


def test_an_encoder_may_send_to_us_by_rtmp(
    capture_of: Callable[[Source], Capture], ffmpeg_binary: Ffmpeg
) -> None:
    address = f"rtmp://127.0.0.1:{free_tcp_port()}/live/hall"
    capture = capture_of(Source(kind="rtmp", address=address, listen=True))
    time.sleep(1)  # ffmpeg's sender does not try again; a hardware encoder does
    send: list[str | Path] = [
        ffmpeg_binary.path, "-v", "error", "-re", "-stream_loop", "-1", "-i", real_clip(),
        "-vf", "scale=320:180", "-c:v", "libx264", "-preset",
        "ultrafast", "-g", "25", "-c:a", "aac", "-ac", "2", "-t", "8", "-f", "flv", address,
    ]  # fmt: skip
    sender = subprocess.Popen(send)
    try:
        assert loudest(take(capture, 50)) > 0
    finally:
        sender.kill()
        sender.wait()


def test_a_camera_that_was_away_is_found_again(capture_of: Callable[[Source], Capture]) -> None:
    camera = Camera()
    camera.start()
    try:
        capture = capture_of(Source(kind="srt", address=camera.address))
        assert loudest(take(capture, 50)) > 500
        camera.pull_the_plug()
        time.sleep(1)
        while capture.take() is not None:
            pass
        camera.start()
        take(capture, 25)
    finally:
        camera.close()


def test_a_source_without_sound_is_shown_in_silence(
    capture_of: Callable[[Source], Capture], ffmpeg_binary: Ffmpeg, tmp_path: Path
) -> None:
    film = tmp_path / "mute.mp4"
    run(
        ffmpeg_binary,
        ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-t", "3", "-c:v", "libx264", str(film)],
    )
    capture = capture_of(Source(kind="file", address=str(film)))
    assert loudest(take(capture, 25)) == 0


def test_what_was_seen_before_a_moment_is_forgotten(capture_of: Callable[[Source], Capture]) -> None:
    capture = capture_of(Source(kind="test"))
    take(capture, 5)
    time.sleep(0.5)
    now = time.monotonic()
    capture.drop_older(now)
    assert take(capture, 1)[0].arrived >= now


def test_an_address_is_in_no_repr() -> None:
    assert "secret" not in repr(Source(kind="rtsp", address="rtsp://user:secret@camera/1"))
