"""A pusher whose process cannot even be started goes on trying, and leaves nothing open."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from broadcast.feed import Feed
from broadcast.ffmpeg import Ffmpeg
from broadcast.platforms.local import LocalPlatform
from broadcast.pusher import Pusher


def test_a_program_that_is_away_for_a_moment_is_waited_for(tmp_path: Path, ffmpeg_binary: Ffmpeg) -> None:
    program = tmp_path / "ffmpeg"
    told: list[tuple[str, dict[str, Any]]] = []
    feed = Feed()
    pusher = Pusher(
        Ffmpeg(program, (6, 0), bundled=False), LocalPlatform("local", tmp_path / "live"), feed,
        lambda kind, what: told.append((kind, what)),
    )  # fmt: skip
    open_before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    pusher.start()
    until = time.monotonic() + 10
    while not told and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1.5)  # several tries
    assert len(os.listdir("/proc/self/fd")) <= open_before  # noqa: PTH208
    assert [(kind, what["permanent"]) for kind, what in told] == [("lost", False)]
    assert "No such file" in told[0][1]["reason"]
    program.symlink_to(ffmpeg_binary.path)
    while pusher.child is None and time.monotonic() < until:
        time.sleep(0.05)
    assert pusher.child is not None
    feed.end()
    pusher.stop()
