"""A whole evening on YouTube: announced, live, hung, killed, ended, uploaded and shown, once, through every fault."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from schedules.models import Broadcast, Meeting, Publication, ViewerCount
from schedules.states import CommandKind, MeetingState, PublicationState
from tests.house import House, published, video_of
from tests.schedules.connecting import connect
from tests.standins.camera import Camera
from tests.standins.youtube import YouTube

SETTINGS = """
platforms = ["local", "youtube"]
also = ["youtube"]
[youtube]
client_secrets = "{secrets}"
api = "{api}"
upload_kbit = 8000
[accounts.kommunen]
kind = "youtube"
name = "Kommunens kanal"
[platforms.local]
kind = "local"
name = "Webbplatsen"
[platforms.youtube]
kind = "youtube"
name = "YouTube"
account = "kommunen"
[channels.archive]
kind = "local"
name = "Arkivet"
[channels.youtube]
kind = "youtube"
name = "YouTube"
account = "kommunen"
"""


@pytest.fixture
def youtube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[YouTube]:
    """With one channel and a real ingest."""
    with YouTube(tmp_path / "youtube") as youtube:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(youtube.ca_file))
        youtube.add_account("kommunen", title="Provköpings kommun")
        yield youtube


@pytest.fixture
def house(tmp_path: Path, camera: Camera, youtube: YouTube) -> Iterator[House]:
    """`laktare run` with its account connected, its pages open."""
    secrets = youtube.write_client_secrets(tmp_path / "google.json")
    house = House(tmp_path, camera.address, more=SETTINGS.format(secrets=secrets, api=youtube.url))
    connect(house.settings, youtube)
    house.start()
    house.until_open()
    yield house
    house.close()


def until(what: str, done: Callable[[], object], seconds: float = 30) -> float:
    """Wait until `done`; returns how long it took."""
    begun = time.monotonic()
    while not done():
        assert time.monotonic() - begun < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return time.monotonic() - begun


class Evening:
    """One meeting's way over YouTube, looked at from there."""

    def __init__(self, house: House, youtube: YouTube) -> None:
        self.house, self.youtube = house, youtube
        self.table: list[tuple[str, float]] = []
        self.meeting = 0

    @property
    def life(self) -> str:
        (broadcast,) = self.youtube.broadcasts.values()
        return str(broadcast.life)

    @property
    def flows(self) -> bool:
        return any(stream.flowing for stream in self.youtube.streams.values())

    def note(self, fault: str, seconds: float) -> None:
        self.table.append((fault, seconds))

    def suffer(self, fault: str, strike: Callable[[], object], *, settle: float = 1.0) -> None:
        """Let something go wrong on air, and see how long YouTube gets no picture."""
        strike()
        time.sleep(settle)
        self.note(fault, until(f"picture at YouTube after {fault}", lambda: self.flows, 90))
        assert self.life == "live"

    def kill(self, part: str) -> None:
        for pid in self.house.pids(part):
            os.kill(pid, signal.SIGKILL)

    def publication(self) -> Publication | None:
        with self.house.database.session() as session:
            return session.scalars(select(Publication).where(Publication.channel == "youtube")).one_or_none()


def test_an_evening_on_youtube_through_every_fault(house: House, youtube: YouTube, camera: Camera) -> None:
    evening = Evening(house, youtube)
    announce_through_lost_answers(evening)
    go_live_through_refusals(evening)
    suffer_on_air(evening)
    end_and_publish_through_faults(evening)
    look_back(evening)


def announce_through_lost_answers(evening: Evening) -> None:
    """The broadcast is made although its answer is lost, and made once."""
    house, youtube = evening.house, evening.youtube
    youtube.faults.add("youtube.liveBroadcasts.insert", "error", "after")
    youtube.faults.add("youtube.liveStreams.insert", "cut", "after")
    youtube.faults.add("youtube.liveBroadcasts.bind", "error", status=500)
    youtube.faults.add("/token", "cut")
    evening.meeting = house.plan(starts_in=8)
    house.until(lambda m: m.state is MeetingState.LIVE, evening.meeting, 60)
    waited = until("a bound broadcast", lambda: [b for b in youtube.broadcasts.values() if b.stream], 90)
    evening.note("lost answers to insert (503 after, cut), bind 500, token cut", waited)


def go_live_through_refusals(evening: Evening) -> None:
    youtube = evening.youtube
    youtube.faults.add("youtube.liveBroadcasts.transition", "error", "after", status=503)
    youtube.faults.add("youtube.liveStreams.list", "error", status=503, times=2)
    evening.note("transition 503 after its effect", until("live there", lambda: evening.life == "live", 90))
    youtube.watch(next(iter(youtube.broadcasts)), viewers=17)


def suffer_on_air(evening: Evening) -> None:
    house, youtube = evening.house, evening.youtube
    evening.suffer("pusher killed", lambda: evening.kill("pusher"))
    evening.suffer("live process killed", lambda: evening.kill("live"))
    evening.suffer("scheduler killed", lambda: evening.kill("scheduler"))
    evening.suffer("access tokens expired", youtube.expire_access_tokens)
    youtube.faults.add("youtube.live*", "error", status=503, times=6)
    evening.suffer("six answers 503", lambda: None)
    house.order(evening.meeting, CommandKind.ADJOURN)
    evening.suffer("adjourned: a slate", lambda: None)
    house.order(evening.meeting, CommandKind.RESUME)
    evening.suffer("green while YouTube hangs", youtube.hang_ingest, settle=2)
    assert "not_taken" in observations(house, evening.meeting)


def observations(house: House, meeting: int) -> list[str]:
    with house.database.session() as session:
        return [o.kind for o in session.get_one(Meeting, meeting).observations]


def end_and_publish_through_faults(evening: Evening) -> None:
    house, youtube = evening.house, evening.youtube
    youtube.faults.add("youtube.videos.insert#session", "error", "after")
    youtube.faults.add("youtube.videos.insert#chunk", "cut_body", size=300_000)
    youtube.faults.add("youtube.videos.insert#chunk", "short_range", size=262_144)
    youtube.faults.add("youtube.videos.insert#chunk", "error", status=401, reason="authError")
    youtube.faults.add("youtube.videos.insert#chunk", "error", "after")
    youtube.faults.add("youtube.thumbnails.set", "error", status=404, reason="videoNotFound")
    youtube.faults.add(
        "youtube.liveBroadcasts.transition", "error", status=500, reason="errorExecutingTransition"
    )
    house.order(evening.meeting, CommandKind.END)
    house.until(lambda m: m.state is MeetingState.ENDED, evening.meeting, 60)
    evening.note("transition 500 at the end", until("complete there", lambda: evening.life == "complete", 90))
    house.until(published, evening.meeting, 90)
    begun = time.monotonic()
    sessions = youtube.uploads.sessions
    until("bytes on their way", lambda: any(s.received > 1_000_000 for s in list(sessions.values())), 60)
    evening.kill("worker")  # in the middle of the upload; `laktare run` starts another
    until("shown there", lambda: shown(evening), 150)
    took = time.monotonic() - begun
    evening.note("upload: session 503 after, cut, short range, 401, 503 after; worker killed", took)


def shown(evening: Evening) -> bool:
    publication = evening.publication()
    if publication is not None:
        assert publication.state is not PublicationState.FAILED, publication.error
    evening.youtube.advance(1)  # its processing takes half a minute of its own clock
    return publication is not None and publication.state is PublicationState.PUBLISHED


def look_back(evening: Evening) -> None:
    house, youtube = evening.house, evening.youtube
    film = house.settings.archive_folder(video_of(house, evening.meeting).key) / "video.mp4"
    tell(evening, film.stat().st_size)
    publication = evening.publication()
    assert publication is not None
    there = youtube.videos[publication.address]
    uploads = [video for video in youtube.videos.values() if video.media]
    assert uploads == [there]
    assert there.sha256 == hashlib.sha256(film.read_bytes()).hexdigest()
    assert there.status["privacyStatus"] == "public"
    assert there.thumbnail is not None
    assert (len(youtube.broadcasts), len(youtube.streams), youtube.duplicates) == (1, 1, 0)
    (address,) = youtube.broadcasts
    with house.database.session() as session:
        row = session.scalars(select(Broadcast)).one()
        assert (row.address, row.state) == (address, "complete")
        counts = session.scalars(select(ViewerCount.viewers)).all()
    assert 17 in counts
    # It was adjourned, which was cut away: what YouTube recorded itself has given way to our own film.
    assert youtube.videos[address].status["privacyStatus"] == "private"
    assert youtube.violations == []
    assert youtube.faults.waiting == 0
    leaked = [secret for secret in youtube.secrets() for text in written(house) if secret in text]
    assert leaked == []


def tell(evening: Evening, size: int) -> None:
    out = sys.stdout
    for fault, seconds in evening.table:
        out.write(f"{fault:75} {seconds:6.1f} s\n")
    youtube = evening.youtube
    out.write(f"film {size} bytes, sent twice {youtube.bytes_sent_twice}, duplicates {youtube.duplicates}\n")
    out.write(f"quota {youtube.quota_used} units\n")
    for method, times in Counter((r.method, r.cost) for r in youtube.requests if r.method).most_common():
        out.write(f"{method[0]:40} {times:4} requests at {method[1]}\n")


def written(house: House) -> list[str]:
    """Everything that was logged, and every command line that runs."""
    logs = [file.read_text(errors="replace") for file in house.settings.data.glob("logs/*")]
    lines = [
        (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (entry / "cmdline").exists()
    ]
    return [house.log.read_text(errors="replace"), *logs, *lines]
