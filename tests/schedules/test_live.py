"""The live process as the scheduler starts it: on real rows, a real camera, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from broadcast.ledger import read_ledger
from schedules.commands import ask
from schedules.database import Database, open_database
from schedules.models import AgendaItem, Command, LiveProcess, Meeting, Observation, Video
from schedules.settings import Settings, load_settings
from schedules.states import CommandKind, MeetingState, Phase
from tests.standins.camera import Camera, shows_secret

SETTINGS = """
data = "data"
[picture]
width = 320
height = 180
video_kbit = 400
[live]
prepare_minutes = 0.05
silence_ends_minutes = 0.08
[sources.camera]
kind = "srt"
address = "{address}"
[bodies.kf]
name = "Kommunfullmäktige"
source = "camera"
review = "none"
"""


@pytest.fixture
def camera() -> Iterator[Camera]:
    camera = Camera()
    camera.start()
    yield camera
    camera.close()


@pytest.fixture
def house(tmp_path: Path, camera: Camera) -> Iterator[tuple[Path, Settings, Database]]:
    file = tmp_path / "laktare.toml"
    file.write_text(SETTINGS.format(address=camera.address))
    settings = load_settings(file)
    database = open_database(settings.database_url)
    database.migrate()
    yield file, settings, database
    database.close()


def plan(database: Database, *, starts_in: float = 1, lasts: float = 600) -> int:
    now = datetime.now(UTC)
    with database.session() as session:
        meeting = Meeting(
            body="kf", title="Kommunfullmäktige", source="camera", platforms=["local"], channel="archive",
            planned_start=now + timedelta(seconds=starts_in), planned_end=now + timedelta(seconds=starts_in + lasts),
            agenda=[AgendaItem(position=1, title="Öppnande"), AgendaItem(position=2, title="Budget")],
        )  # fmt: skip
        session.add(meeting)
        session.flush()
        return meeting.id


def start(file: Path, meeting: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "schedules.live", str(meeting), "--settings", str(file)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)


def until(database: Database, done: Callable[[Meeting], bool], meeting: int, seconds: float = 20) -> None:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        with database.session() as session:
            if done(session.get_one(Meeting, meeting)):
                return
        time.sleep(0.1)
    with database.session() as session:
        row = session.get_one(Meeting, meeting)
        seen = [(o.kind, o.detail) for o in row.observations]
        raise AssertionError(f"not within {seconds} s: {row.state}, {row.phase}, {seen}")


def order(database: Database, meeting: int, kind: CommandKind, argument: str = "") -> float:
    """Ask, wait until the effect was observed, and return the seconds between."""
    with database.session() as session:
        number = ask(session, meeting, kind, argument, "test", datetime.now(UTC)).id
    limit = time.monotonic() + 15
    while time.monotonic() < limit:
        with database.session() as session:
            command = session.get_one(Command, number)
            assert command.refusal == ""
            if command.observed_at is not None:
                return (command.observed_at - command.asked_at).total_seconds()
        time.sleep(0.05)
    raise AssertionError(f"{kind} was never observed")


def test_a_meeting_with_closed_doors_ends_by_its_own_silence(
    house: tuple[Path, Settings, Database], camera: Camera
) -> None:
    file, settings, database = house
    meeting = plan(database, lasts=5)
    process = start(file, meeting)
    until(database, lambda m: m.state is MeetingState.LIVE, meeting)
    order(database, meeting, CommandKind.MARK, "1")
    assert order(database, meeting, CommandKind.CLOSE) < 1
    camera.view = "secret"
    time.sleep(2)
    camera.view = "room"
    order(database, meeting, CommandKind.RESUME)
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


def test_killed_in_a_closed_session_it_comes_back_closed(
    house: tuple[Path, Settings, Database], camera: Camera
) -> None:
    file, settings, database = house
    meeting = plan(database)
    process = start(file, meeting)
    until(database, lambda m: m.state is MeetingState.LIVE, meeting)
    order(database, meeting, CommandKind.CLOSE)
    camera.view = "secret"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    again = start(file, meeting)
    until(database, lambda m: "gap" in [o.kind for o in m.observations], meeting)
    time.sleep(1)
    camera.view = "room"
    order(database, meeting, CommandKind.RESUME)
    order(database, meeting, CommandKind.END)
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


def test_two_processes_never_have_one_meeting(house: tuple[Path, Settings, Database], camera: Camera) -> None:
    file, _settings, database = house
    meeting = plan(database)
    first = start(file, meeting)
    until(database, lambda m: m.state is MeetingState.LIVE, meeting)
    second = start(file, meeting)
    assert second.wait(15) == 75
    with database.session() as session:
        assert session.get_one(LiveProcess, meeting).pid == first.pid
    first.terminate()
    assert first.wait(20) == 1, "interrupted, not ended"
    with database.session() as session:
        assert session.get_one(Meeting, meeting).state is MeetingState.LIVE


def test_edits_count_at_once(house: tuple[Path, Settings, Database], camera: Camera) -> None:
    file, _settings, database = house
    meeting = plan(database, starts_in=600)
    process = start(file, meeting)
    until(database, lambda m: m.on_air_at is not None, meeting)
    with database.session() as session:
        row = session.get_one(Meeting, meeting)
        assert row.state is MeetingState.PREPARING
        row.planned_start = datetime.now(UTC)
        row.planned_end = row.planned_start + timedelta(seconds=2)
    until(database, lambda m: m.state is MeetingState.LIVE, meeting)
    order(database, meeting, CommandKind.EXTEND, "60")
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
