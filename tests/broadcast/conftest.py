"""What the engine's tests share: a small fast picture, the ffmpeg of this machine, a broadcast to try."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broadcast.encoder_arguments import Encoding
from broadcast.ffmpeg import Ffmpeg, find_ffmpeg
from broadcast.onair import Broadcast, Plan
from broadcast.platforms import LivePlatform
from broadcast.platforms.local import LocalPlatform
from broadcast.slate import Slate, SlateText
from broadcast.source import PictureFormat, Source

SMALL = PictureFormat(width=320, height=180, fps=25)


@pytest.fixture(scope="session")
def ffmpeg_binary() -> Ffmpeg:
    return find_ffmpeg()


@pytest.fixture
def make_broadcast(tmp_path: Path, ffmpeg_binary: Ffmpeg) -> Iterator[Callable[..., Broadcast]]:
    """Starts a broadcast of the test picture (or another source) in `folder`; stops what is still on air at the end."""
    running: list[Broadcast] = []

    def make(
        *,
        source: Source | None = None,
        folder: Path | None = None,
        ballast_bytes: int = 1 << 20,
        elsewhere: tuple[LivePlatform, ...] = (),
    ) -> Broadcast:
        plan = Plan(
            folder=folder or tmp_path / "recording",
            source=source or Source(kind="test"),
            picture=SMALL,
            encoding=Encoding(video_kbit=400, audio_kbit=96),
            slates={slate: SlateText(heading=slate.value) for slate in Slate},
            platforms=(LocalPlatform("local", tmp_path / "live"), *elsewhere),
            ballast_bytes=ballast_bytes,
        )
        broadcast = Broadcast(plan, ffmpeg_binary)
        broadcast.start(now=datetime.now(UTC))
        running.append(broadcast)
        return broadcast

    yield make
    for broadcast in running:
        broadcast.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 120 MB that the test may fill: a tmpfs, which takes root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here (it takes root)")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)
