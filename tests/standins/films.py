"""Short films made by the real ffmpeg."""

from __future__ import annotations

import subprocess
from pathlib import Path

from broadcast.ffmpeg import find_ffmpeg


def make_film(path: Path, *, seconds: int = 5, sound: bool = True) -> Path:
    """A moving test picture, 320×180 at 25 frames a second, H.264, with a 440 Hz tone in AAC."""
    picture = ["-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=25:duration={seconds}"]
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}"]
    video = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p"]
    subprocess.run(
        [
            find_ffmpeg().path, "-y", "-nostdin", "-loglevel", "error", *picture, *(tone if sound else ()), *video,
            *(["-c:a", "aac", "-ac", "2"] if sound else ()), "-movflags", "+faststart", path,
        ],
        check=True,
    )  # fmt: skip
    return path
