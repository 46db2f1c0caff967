"""A sweep with real live processes: started, killed, recognised by the next scheduler, never two of a meeting."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import open_alarms
from schedules.database import Database
from schedules.launcher import Launcher, is_running
from schedules.models import AuditEntry, LiveProcess, Meeting, Observation, Video
from schedules.settings import Settings
from schedules.states import MeetingState, Phase
from schedules.sweep import Sweep
from schedules.timetable import Preflight

ROOT = Path(__file__).parents[2]


class Hall:
    """A calendar, a launcher with stand-ins for live processes, and the sweep over them."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self.preflights: list[Preflight] = []
        self.new_scheduler()

    def new_scheduler(self) -> None:
        """As after a restart: all memory is gone."""
        url, data = self.settings.database_url, str(self.settings.data)
        script = [sys.executable, "-m", "tests.standins.live_process"]
        self.launcher = Launcher(self.settings, lambda meeting: [*script, str(meeting), url, data])
        self.sweep = Sweep(self.database, self.settings, self.launcher, self.preflights.append)

    def add(self, start: timedelta, end: timedelta, **changes: object) -> int:
        now = datetime.now(UTC)
        with self.database.session() as session:
            meeting = Meeting(**{
                "body": "kf", "title": "Kommunfullmäktige", "planned_start": now + start, "planned_end": now + end,
                "source": "test", "platforms": ["local"], "channel": "archive", **changes,
            })  # fmt: skip
            session.add(meeting)
            session.flush()
            return meeting.id

    def meeting(self, meeting_id: int) -> Meeting:
        with self.database.session() as session:
            return session.get_one(Meeting, meeting_id)

    def process(self, meeting_id: int) -> LiveProcess | None:
        with self.database.session() as session:
            return session.get(LiveProcess, meeting_id)

    def starts(self) -> list[int]:
        """The process ids of all live processes that got the lock, in order."""
        file = self.settings.data / "starts"
        return [int(line.split()[1]) for line in file.read_text().splitlines()] if file.exists() else []

    def sweep_until(self, done: Callable[[], bool], seconds: float = 15) -> float:
        began = time.monotonic()
        while not done():
            assert time.monotonic() - began < seconds, "it did not happen"
            self.sweep(datetime.now(UTC))
            time.sleep(0.1)
        return time.monotonic() - began


@pytest.fixture
def hall(settings: Settings, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    hall = Hall(settings, sqlite_database)
    yield hall
    for pid in hall.starts():
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)


MINUTE = timedelta(minutes=1)


def test_started_in_the_middle_of_the_meeting_it_goes_live_at_once(hall: Hall) -> None:
    meeting = hall.add(-30 * MINUTE, 30 * MINUTE)
    hall.sweep_until(lambda: hall.meeting(meeting).state is MeetingState.LIVE)
    for _ in range(10):
        hall.sweep(datetime.now(UTC))
    assert len(hall.starts()) == 1


def test_killed_it_is_back_within_three_seconds_and_somebody_is_told(hall: Hall) -> None:
    meeting = hall.add(-30 * MINUTE, 30 * MINUTE)
    hall.sweep_until(lambda: hall.meeting(meeting).state is MeetingState.LIVE)
    os.kill(hall.starts()[0], signal.SIGKILL)
    killed = hall.starts()[0]
    assert hall.sweep_until(lambda: hall.launcher.children.get(meeting, killed) != killed) < 3
    hall.sweep_until(lambda: len(hall.starts()) == 2)
    with hall.database.session() as session:
        assert [a.kind for a in open_alarms(session, meeting)] == [AlarmKind.LIVE_PROCESS_DEAD]


def test_the_next_scheduler_knows_a_living_process_and_notices_its_death(hall: Hall) -> None:
    meeting = hall.add(-30 * MINUTE, 30 * MINUTE)
    hall.sweep_until(lambda: hall.meeting(meeting).state is MeetingState.LIVE)
    hall.new_scheduler()
    for _ in range(10):
        hall.sweep(datetime.now(UTC))
    assert len(hall.starts()) == 1
    os.kill(hall.starts()[0], signal.SIGKILL)
    assert hall.sweep_until(lambda: meeting in hall.launcher.children) < 3
    hall.sweep_until(lambda: len(hall.starts()) == 2)


def test_a_process_that_has_not_reported_yet_is_known_by_its_lock(hall: Hall) -> None:
    meeting = hall.add(-30 * MINUTE, 30 * MINUTE)
    hall.sweep(datetime.now(UTC))
    while not hall.starts():
        time.sleep(0.01)
    os.kill(hall.starts()[0], signal.SIGSTOP)  # between its lock and its first heartbeat, or soon after
    with hall.database.session() as session:
        for row in session.scalars(select(LiveProcess)):
            session.delete(row)
    hall.new_scheduler()
    assert hall.launcher.running([meeting], [], datetime.now(UTC)) == {meeting}
    assert hall.launcher.running([meeting + 1], [], datetime.now(UTC)) == set()


def test_two_starts_of_one_meeting_leave_one_process(hall: Hall) -> None:
    meeting = hall.add(-30 * MINUTE, 30 * MINUTE)
    hall.launcher.start(meeting)
    hall.new_scheduler()
    second = hall.launcher.start(meeting)
    assert second is not None
    hall.sweep_until(lambda: hall.process(meeting) is not None and len(hall.starts()) > 0)
    time.sleep(0.5)
    assert len(hall.starts()) == 1


def test_what_cannot_live_is_started_more_and_more_slowly(settings: Settings) -> None:
    clock = [0.0]
    launcher = Launcher(settings, lambda _: ["false"], clock=lambda: clock[0])
    attempts: list[float] = []
    while clock[0] < 60:
        if not launcher.children and launcher.start(1) is not None:
            attempts.append(clock[0])
            while not launcher.reap():
                time.sleep(0.005)
        clock[0] += 0.5
    assert attempts == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5]


def test_a_missed_meeting_is_marked_and_alarmed_and_never_started(hall: Hall) -> None:
    meeting = hall.add(-90 * MINUTE, -30 * MINUTE)
    hall.sweep(datetime.now(UTC))
    hall.sweep(datetime.now(UTC))
    assert hall.meeting(meeting).state is MeetingState.MISSED
    assert hall.starts() == []
    with hall.database.session() as session:
        (alarm,) = open_alarms(session, meeting)
        assert alarm.kind == AlarmKind.NOT_ON_AIR
        assert "kom aldrig i sändning" in alarm.message


def test_an_edited_time_counts_at_the_next_sweep(hall: Hall) -> None:
    meeting = hall.add(60 * MINUTE, 120 * MINUTE)
    hall.sweep(datetime.now(UTC))
    assert hall.starts() == []
    with hall.database.session() as session:
        session.get_one(Meeting, meeting).planned_start = datetime.now(UTC) + timedelta(seconds=1)
    hall.sweep_until(lambda: hall.meeting(meeting).state is MeetingState.LIVE)
    with hall.database.session() as session:
        session.get_one(Meeting, meeting).planned_end = datetime.now(UTC)
    hall.sweep_until(lambda: hall.meeting(meeting).state is MeetingState.ENDED)


def test_a_meeting_put_off_while_preparing_goes_off_air_and_is_planned_again(hall: Hall) -> None:
    meeting = hall.add(5 * MINUTE, 60 * MINUTE)
    hall.sweep_until(lambda: hall.meeting(meeting).state is MeetingState.PREPARING)
    with hall.database.session() as session:
        row = session.get_one(Meeting, meeting)
        row.planned_start, row.planned_end = row.planned_start + 600 * MINUTE, row.planned_end + 600 * MINUTE
    hall.sweep_until(lambda: hall.meeting(meeting).state is MeetingState.PLANNED)
    assert not is_running(hall.starts()[0])


def test_an_ended_meeting_gets_its_video_even_when_its_process_died_at_the_gavel(hall: Hall) -> None:
    now = datetime.now(UTC)
    ended = {"state": MeetingState.ENDED, "phase": Phase.OVER, "ended_at": now - MINUTE}
    seen = hall.add(
        -90 * MINUTE, -30 * MINUTE, began_at=now - 80 * MINUTE, on_air_at=now - 85 * MINUTE, **ended
    )
    hall.add(
        -90 * MINUTE, -30 * MINUTE, on_air_at=now - 85 * MINUTE, **ended
    )  # ended before it began: no film
    hall.sweep(now)
    hall.sweep(now)
    with hall.database.session() as session:
        assert [video.meeting_id for video in session.scalars(select(Video))] == [seen]


def test_a_meeting_that_lost_its_process_over_night_is_ended_not_put_on_air(hall: Hall) -> None:
    last = datetime.now(UTC) - 700 * MINUTE
    meeting = hall.add(-900 * MINUTE, -700 * MINUTE, state=MeetingState.LIVE, began_at=last - 100 * MINUTE)
    with hall.database.session() as session:
        session.add(LiveProcess(meeting_id=meeting, host="här", pid=1, started_at=last, heartbeat_at=last))
    hall.sweep(datetime.now(UTC))
    assert hall.starts() == []
    row = hall.meeting(meeting)
    assert (row.state, row.phase, row.ended_at) == (MeetingState.ENDED, Phase.OVER, last)
    with hall.database.session() as session:
        assert session.scalars(select(Video)).one().meeting_id == meeting


def test_a_hung_process_is_ended_after_a_minute_of_silence_that_we_could_have_heard(hall: Hall) -> None:
    meeting = hall.add(-30 * MINUTE, 300 * MINUTE)
    hall.sweep_until(lambda: hall.meeting(meeting).state is MeetingState.LIVE)
    pid = hall.starts()[0]
    os.kill(pid, signal.SIGSTOP)
    now = datetime.now(UTC) + timedelta(
        minutes=10
    )  # the database was away for ten minutes: no reason to kill
    hall.sweep(now)
    hall.sweep(now + timedelta(seconds=59))
    assert is_running(pid)
    hall.sweep(now + timedelta(seconds=60))
    hall.sweep_until(lambda: len(hall.starts()) == 2)
    assert not is_running(pid)


def test_a_preflight_is_asked_for_until_it_is_written_down(hall: Hall) -> None:
    meeting = hall.add(30 * MINUTE, 90 * MINUTE)
    now = datetime.now(UTC)
    hall.sweep(now)
    (due,) = hall.preflights
    assert (due.meeting_id, due.minutes) == (meeting, 60)
    with hall.database.session() as session:
        detail = {"minutes": 60, "planned_start": due.planned_start.isoformat(), "ok": True, "findings": []}
        session.add(Observation(meeting_id=meeting, at=now, kind="preflight", detail=detail))
    hall.sweep(now)
    assert len(hall.preflights) == 1


def test_every_move_stands_in_the_audit(hall: Hall) -> None:
    hall.add(-90 * MINUTE, -30 * MINUTE)
    hall.sweep(datetime.now(UTC))
    with hall.database.session() as session:
        assert [(e.who, e.what) for e in session.scalars(select(AuditEntry))] == [
            ("scheduler", "meeting.missed")
        ]
