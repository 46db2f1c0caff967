"""The live process with YouTube beside the local platform: real processes, real RTMPS, a real kill."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from schedules.alarms.raising import open_alarms
from schedules.models import Broadcast, Meeting
from schedules.settings import load_settings
from schedules.states import CommandKind, MeetingState
from tests.house import House
from tests.schedules.connecting import connect
from tests.standins.camera import Camera
from tests.standins.youtube import YouTube
from tests.standins.youtube_ingest import find_nginx

ELSEWHERE = """
[youtube]
client_secrets = "{secrets}"
api = "{api}"
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
lead_seconds = 0
"""


@pytest.fixture
def ingesting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[YouTube]:
    if find_nginx() is None:
        pytest.skip("nginx with its RTMP module is not installed: apt-get install nginx libnginx-mod-rtmp")
    with YouTube(tmp_path / "youtube") as youtube:
        youtube.add_account("kommunen")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(youtube.ca_file))
        yield youtube


@pytest.fixture
def house(tmp_path: Path, camera: Camera, ingesting: YouTube) -> Iterator[House]:
    house = House(tmp_path, camera.address)
    secrets = ingesting.write_client_secrets(tmp_path / "google.json")
    with house.file.open("a") as file:
        file.write(ELSEWHERE.format(secrets=secrets, api=ingesting.url))
    house.settings = load_settings(house.file)
    connect(house.settings, ingesting)
    yield house
    house.close()


def plan(house: House, **when: float) -> int:
    meeting = house.plan(**when)
    with house.database.session() as session:
        session.get_one(Meeting, meeting).platforms = ["local", "youtube"]
    return meeting


def row_of(house: House) -> Broadcast | None:
    with house.database.session() as session:
        return session.scalars(select(Broadcast)).one_or_none()


def until(done: Callable[[], bool], seconds: float = 25) -> None:
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.1)


def state(house: House) -> str:
    row = row_of(house)
    return row.state if row else ""


def test_killed_on_air_it_goes_on_with_its_own_broadcast(house: House, ingesting: YouTube) -> None:
    meeting = plan(house)
    process = house.start_live(meeting)
    until(lambda: state(house) == "live")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    again = house.start_live(meeting)
    house.until(lambda m: "gap" in [o.kind for o in m.observations], meeting)
    until(lambda: house.status()["platforms"]["youtube"]["up"])
    assert house.status()["platforms"]["local"].keys() == {"up", "pid"}
    house.order(meeting, CommandKind.ADJOURN)
    assert [b.life for b in ingesting.broadcasts.values()] == ["live"], "a slate is sent like anything else"
    house.order(meeting, CommandKind.END)
    assert again.wait(40) == 0
    (there,) = ingesting.broadcasts.values()
    row = row_of(house)
    assert row is not None
    assert (there.life, row.state, row.address) == ("complete", "complete", there.id)
    assert row.live_at is not None
    assert row.ended_at is not None
    with house.database.session() as session:
        kinds = [o.kind for o in session.get_one(Meeting, meeting).observations]
        assert {"broadcast_seen", "broadcast_health", "taken"} <= set(kinds)
        assert open_alarms(session, meeting) == []
    assert ingesting.violations == []
    written = [
        file.read_bytes()
        for file in house.settings.data.rglob("*")
        if file.is_file() and file.parent.name != "accounts"
    ]
    assert not [secret for secret in ingesting.secrets() if any(secret.encode() in text for text in written)]


def test_while_youtube_is_away_the_meeting_is_sent_and_recorded(house: House, ingesting: YouTube) -> None:
    ingesting.faults.add("*", "cut", times=100_000)
    meeting = plan(house)
    process = house.start_live(meeting)
    house.until(lambda m: m.state is MeetingState.LIVE, meeting)
    until(lambda: house.status()["platforms"]["local"]["up"])
    house.order(meeting, CommandKind.END)
    ended = time.monotonic()
    house.until(lambda m: m.state is MeetingState.ENDED, meeting)
    assert time.monotonic() - ended < 12, "the film does not wait for YouTube"
    assert process.wait(40) == 0
    assert not ingesting.broadcasts
    assert (house.settings.recording_folder(meeting) / "recording.ts").stat().st_size > 50_000
