"""The real engine sends over RTMPS to the stand-in's real ingest, primary and backup, from `waiting` to `complete`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broadcast.encoder_arguments import Encoding
from broadcast.events import BroadcastSeen, Event, LinkLost, LinkUp, NotTaken, Taken
from broadcast.ffmpeg import Ffmpeg
from broadcast.onair import Broadcast, Plan
from broadcast.platforms.local import LocalPlatform
from broadcast.platforms.youtube import YouTubePlatform
from broadcast.platforms.youtube.calls import Calls
from broadcast.platforms.youtube.director import Clients, Known
from broadcast.platforms.youtube.plan import BroadcastPlan
from broadcast.slate import Slate, SlateText
from broadcast.source import Source
from tests.broadcast.conftest import SMALL
from tests.broadcast.platforms.stage import MARKER
from tests.broadcast.test_onair import has, wait_for
from tests.standins.conftest import OverRequests, credentials_of, service
from tests.standins.youtube import YouTube
from tests.standins.youtube_ingest import find_nginx


@pytest.fixture
def ingesting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[YouTube]:
    if find_nginx() is None:
        pytest.skip("nginx with its RTMP module is not installed: apt-get install nginx libnginx-mod-rtmp")
    with YouTube(tmp_path / "youtube") as youtube:
        youtube.add_account("kommunen")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(youtube.ca_file))
        yield youtube


@pytest.fixture
def make(tmp_path: Path, ffmpeg_binary: Ffmpeg, ingesting: YouTube) -> Iterator[Callable[..., Broadcast]]:
    running: list[Broadcast] = []

    @contextmanager
    def turn() -> Iterator[bool]:
        yield True

    def make(ca_file: Path | None = None) -> Broadcast:
        client = service(ingesting, OverRequests(credentials_of(ingesting, "kommunen")))
        starts = datetime.now(UTC) + timedelta(minutes=10)
        plan = BroadcastPlan(
            marker=MARKER, title="Kommunfullmäktige", description=MARKER, starts=starts, privacy="public",
            monitor=False, stream="Läktare kamera",
        )  # fmt: skip
        platform = YouTubePlatform(
            "youtube", connect=lambda: Clients(Calls(client), Calls(client)), settled=lambda: Known(plan, ""),
            turn=turn, ca_file=str(ca_file or ingesting.ca_file), backup=True,
        )  # fmt: skip
        broadcast = Broadcast(
            Plan(
                folder=tmp_path / "recording", source=Source(kind="test"), picture=SMALL,
                encoding=Encoding(video_kbit=400, audio_kbit=96),
                slates={slate: SlateText(heading=slate.value) for slate in Slate},
                platforms=(LocalPlatform("local", tmp_path / "live"), platform), ballast_bytes=1 << 20,
            ),
            ffmpeg_binary,
        )  # fmt: skip
        broadcast.aim(starts=starts, opened=False)
        broadcast.start(now=datetime.now(UTC))
        running.append(broadcast)
        return broadcast

    yield make
    for broadcast in running:
        broadcast.stop()
        broadcast.leave(ended=False)


def until(done: Callable[[], Any], seconds: float = 15) -> None:
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.05)


def command_lines() -> str:
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(lines)


def test_a_short_evening(
    make: Callable[..., Broadcast], ingesting: YouTube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadcast.platforms.youtube.stream_watch.TAKEN_SECONDS", 2.0)
    monkeypatch.setattr("broadcast.platforms.youtube.stream_watch.HEALTH_SECONDS", 1.0)
    monkeypatch.setattr("broadcast.platforms.youtube.stream_watch.UNSEEN_SECONDS", 1.0)
    monkeypatch.setattr("broadcast.platforms.youtube.ingest.FIRST_SECONDS", 0.2)
    broadcast, seen = make(), list[Event]()
    wait_for(broadcast, seen, has(LinkUp, platform="youtube", part="primary"))
    wait_for(broadcast, seen, has(LinkUp, platform="youtube", part="backup"))
    wait_for(broadcast, seen, has(Taken))
    (stream,) = ingesting.streams.values()
    assert stream.flowing == {"primary", "backup"}
    assert stream.key not in command_lines()
    broadcast.aim(starts=datetime.now(UTC), opened=True)
    wait_for(broadcast, seen, has(BroadcastSeen, state="live"))
    # The backup dies: that is told, and the primary does not notice.
    pushers = broadcast.status()["platforms"]["youtube"]
    os.kill(pushers["backup"]["pid"], signal.SIGKILL)
    wait_for(broadcast, seen, has(LinkLost, platform="youtube", part="backup"))
    assert broadcast.status()["platforms"]["youtube"]["pid"] == pushers["pid"]
    assert broadcast.status()["platforms"]["youtube"]["up"]
    # The primary dies: the same key goes on, and the broadcast with it.
    os.kill(pushers["pid"], signal.SIGKILL)
    wait_for(broadcast, seen, has(LinkLost, platform="youtube", part="primary"))
    seen.clear()
    wait_for(broadcast, seen, has(LinkUp, platform="youtube", part="primary"))
    # Green while YouTube hangs: both are pushed anew, and it is seen again.
    seen.clear()
    ingesting.hang_ingest()
    wait_for(broadcast, seen, has(NotTaken), 25)
    wait_for(broadcast, seen, has(Taken), 25)
    broadcast.stop()
    broadcast.leave(ended=True)
    (there,) = ingesting.broadcasts.values()
    assert there.life == "complete"
    assert stream.key not in repr(seen)
    assert ingesting.violations == []


def test_a_key_that_is_refused_is_told_and_a_new_one_taken(
    make: Callable[..., Broadcast], ingesting: YouTube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadcast.platforms.youtube.director.KEY_SECONDS", 4.0)
    monkeypatch.setattr("broadcast.platforms.youtube.ingest.FIRST_SECONDS", 0.2)
    broadcast, seen = make(), list[Event]()
    wait_for(broadcast, seen, has(LinkUp, platform="youtube", part="primary"))
    (stream,) = ingesting.streams.values()
    old, stream.key = stream.key, "reset-in-studio"
    ingesting.drop_publishers()
    wait_for(broadcast, seen, has(LinkLost, platform="youtube", part="primary", permanent=True))
    seen.clear()
    wait_for(broadcast, seen, has(LinkUp, platform="youtube", part="primary"))
    until(lambda: stream.status == "active")
    assert old not in repr(seen)


def test_an_ingest_that_is_not_who_it_should_be_gets_nothing(
    make: Callable[..., Broadcast], ingesting: YouTube, tmp_path: Path
) -> None:
    with YouTube(tmp_path / "other", ingest=False) as other:
        broadcast, seen = make(other.ca_file), list[Event]()
        wait_for(broadcast, seen, has(LinkLost, platform="youtube", part="primary"))
        (lost,) = [e for e in seen if isinstance(e, LinkLost) and e.part == "primary"]
        assert "CERTIFICATE_VERIFY_FAILED" in lost.reason
        assert not lost.permanent
        wait_for(broadcast, seen, has(LinkUp, platform="local"))
        assert not ingesting.publishing
