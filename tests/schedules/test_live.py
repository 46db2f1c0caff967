"""The live process as the scheduler starts it: on real rows, a real camera, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from broadcast.ledger import read_ledger
from schedules.models import LiveProcess, Meeting, Observation, Video
from schedules.states import CommandKind, MeetingState, Phase
from tests.house import House
from tests.standins.camera import Camera, shows_secret


@pytest.fixture
def house(tmp_path: Path, camera: Camera) -> Iterator[House]:
    house = House(tmp_path, camera.address)
    yield house
    house.close()


def test_a_meeting_with_closed_doors_ends_by_its_own_silence(house: House, camera: Camera) -> None:
    settings, database = house.settings, house.database
    meeting = house.plan(lasts=5)
    process = house.start_live(meeting)
    house.until(lambda m: m.state is MeetingState.LIVE, meeting)
    house.order(meeting, CommandKind.MARK, "1")
    assert house.order(meeting, CommandKind.CLOSE) < 1
    camera.view = "secret"
    time.sleep(2)
    camera.view = "room"
    house.order(meeting, CommandKind.RESUME)
    time.sleep(1)
    with database.session() as session:  # well past its planned end, and still on air: people speak
        assert session.get_one(Meeting, meeting).planned_end < datetime.now(UTC)
    camera.view = "quiet"
    assert process.wait(30) == 0
    with database.session() as session:
        row = session.get_one(Meeting, meeting)
        assert row.state is MeetingState.ENDED
        assert row.phase is Phase.OVER
        assert "ended_by_itself" in [o.kind for o in row.observations]
        assert session.scalars(select(Video)).one().meeting_id == meeting
        assert row.agenda[0].marked_at is not None
    folder = settings.recording_folder(meeting)
    assert not shows_secret(folder / "recording.ts")
    segments = sorted(settings.live_folder(meeting).glob("*.ts"))
    assert segments
    assert not any(shows_secret(segment) for segment in segments)


def test_killed_in_a_closed_session_it_comes_back_closed(house: House, camera: Camera) -> None:
    settings, database = house.settings, house.database
    meeting = house.plan()
    process = house.start_live(meeting)
    house.until(lambda m: m.state is MeetingState.LIVE, meeting)
    house.order(meeting, CommandKind.CLOSE)
    camera.view = "secret"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    again = house.start_live(meeting)
    house.until(lambda m: "gap" in [o.kind for o in m.observations], meeting)
    time.sleep(1)
    camera.view = "room"
    house.order(meeting, CommandKind.RESUME)
    house.order(meeting, CommandKind.END)
    assert again.wait(30) == 0
    assert not shows_secret(settings.recording_folder(meeting) / "recording.ts")
    (missing,) = read_ledger(settings.recording_folder(meeting)).missing
    assert missing.reason == "process"
    with database.session() as session:
        shown = [
            o.detail["slate"] or o.detail["on_air"]
            for o in session.get_one(Meeting, meeting).observations
            if o.kind == "program_changed"
        ]
    assert shown[shown.index("closed") :][:3] == ["closed", "closed", "source"], shown


def test_two_processes_never_have_one_meeting(house: House, camera: Camera) -> None:
    database = house.database
    meeting = house.plan()
    first = house.start_live(meeting)
    house.until(lambda m: m.state is MeetingState.LIVE, meeting)
    second = house.start_live(meeting)
    assert second.wait(15) == 75
    with database.session() as session:
        assert session.get_one(LiveProcess, meeting).pid == first.pid
    first.terminate()
    assert first.wait(20) == 1, "interrupted, not ended"
    with database.session() as session:
        assert session.get_one(Meeting, meeting).state is MeetingState.LIVE


def test_edits_count_at_once(house: House, camera: Camera) -> None:
    database = house.database
    meeting = house.plan(starts_in=600)
    process = house.start_live(meeting)
    house.until(lambda m: m.on_air_at is not None, meeting)
    with database.session() as session:
        row = session.get_one(Meeting, meeting)
        assert row.state is MeetingState.PREPARING
        row.planned_start = datetime.now(UTC)
        row.planned_end = row.planned_start + timedelta(seconds=2)
    house.until(lambda m: m.state is MeetingState.LIVE, meeting)
    house.order(meeting, CommandKind.EXTEND, "60")
    camera.view = "quiet"
    time.sleep(6)
    assert process.poll() is None, "an hour more was asked for"
    with database.session() as session:
        row = session.get_one(Meeting, meeting)
        row.planned_end = datetime.now(UTC)
    assert process.wait(30) == 0
    with database.session() as session:
        assert [o for o in session.scalars(select(Observation)) if o.kind == "ended_by_itself"]


def test_a_secret_that_leaked_would_be_seen(camera: Camera, tmp_path: Path) -> None:
    """The control of the two tests above."""
    camera.view = "secret"
    leaked = tmp_path / "leaked.ts"
    fetch = ["ffmpeg", "-v", "error", "-i", camera.address, "-t", "1", "-c", "copy", str(leaked)]
    subprocess.run(fetch, check=True, timeout=30)
    assert shows_secret(leaked)
