"""A process that uploads is killed, and another one goes on: one video, and nothing acknowledged is sent again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.standins.youtube import YouTube
from tests.uploader.delivery import Ledger, make_bytes, sha256, sign_on_to
from uploader.resumable import BLOCK

SIZE, CHUNK = 12 * BLOCK + 17, 4 * BLOCK


def _start(
    youtube: YouTube, folder: Path, *, bytes_per_second: float | None = None
) -> subprocess.Popen[bytes]:
    order = folder / "order.json"
    video, ledger = folder / "film.mp4", folder / "ledger.json"
    order.write_text(
        json.dumps(
            {
                "url": youtube.url, "sign_on": sign_on_to(youtube), "video": str(video), "ledger": str(ledger),
                "chunk_bytes": CHUNK, "bytes_per_second": bytes_per_second,
            }
        )
    )  # fmt: skip
    return subprocess.Popen([sys.executable, "-m", "tests.uploader.uploading", order])


def _kill_when(child: subprocess.Popen[bytes], happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert child.poll() is None, "the child ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    child.kill()
    child.wait()


def _received(youtube: YouTube) -> int:
    return sum(session.received for session in youtube.uploads.sessions.values())


def test_killed_in_the_middle_of_a_chunk(youtube: YouTube, tmp_path: Path) -> None:
    video = make_bytes(tmp_path / "film.mp4", SIZE)
    child = _start(youtube, tmp_path, bytes_per_second=4 * BLOCK)
    _kill_when(child, lambda: _received(youtube) > 5 * BLOCK)
    assert youtube.videos == {}
    assert _start(youtube, tmp_path).wait(30) == 0
    [made] = youtube.videos.values()
    assert made.sha256 == sha256(video)
    assert youtube.bytes_sent_twice <= CHUNK
    assert len(youtube.uploads.sessions) == 1
    assert Ledger(tmp_path / "ledger.json").address == made.id


def test_killed_after_the_last_byte(youtube: YouTube, tmp_path: Path) -> None:
    """The video is made; its id never reaches the process that made it."""
    video = make_bytes(tmp_path / "film.mp4", SIZE)
    youtube.faults.add("youtube.videos.insert#chunk", "cut", "after", skip=3)
    youtube.faults.add("youtube.videos.insert#status", "slow", seconds=2)
    child = _start(youtube, tmp_path)
    _kill_when(child, lambda: len(youtube.videos) == 1)
    assert Ledger(tmp_path / "ledger.json").address == ""
    assert _start(youtube, tmp_path).wait(30) == 0
    [made] = youtube.videos.values()
    assert made.sha256 == sha256(video)
    assert youtube.bytes_sent_twice == 0
    assert Ledger(tmp_path / "ledger.json").address == made.id
