"""The clock: rebuilt at every change, alone, and not stopped by a fault or a database that is away."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from schedules.database import Database, open_database
from schedules.launcher import Launcher
from schedules.models import Meeting, Observation
from schedules.scheduler import Scheduler, SchedulerTaken
from schedules.settings import Settings
from schedules.states import MeetingState

ROOT = Path(__file__).parents[2]
MINUTE = timedelta(minutes=1)
Make = Callable[..., Scheduler]


@pytest.fixture
def scheduler(settings: Settings, sqlite_database: Database) -> Iterator[Make]:
    made: list[Scheduler] = []

    def make(database: Database = sqlite_database, chosen: Settings = settings, **more: object) -> Scheduler:
        made.append(Scheduler(database, chosen, Launcher(chosen, lambda _: ["true"]), **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.stop()


def add(database: Database, start: timedelta, end: timedelta, **changes: object) -> int:
    now = datetime.now(UTC)
    with database.session() as session:
        meeting = Meeting(**{
            "body": "kf", "title": "Kommunfullmäktige", "planned_start": now + start, "planned_end": now + end,
            "source": "test", "platforms": ["local"], "channel": "archive", **changes,
        })  # fmt: skip
        session.add(meeting)
        session.flush()
        return meeting.id


def wait_for(done: Callable[[], bool], seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def test_the_jobs_are_the_instants_of_the_meetings(scheduler: Make, sqlite_database: Database) -> None:
    meeting = add(sqlite_database, 120 * MINUTE, 180 * MINUTE)
    add(sqlite_database, 100 * 24 * 60 * MINUTE, 101 * 24 * 60 * MINUTE)  # far away: not yet
    add(sqlite_database, 120 * MINUTE, 180 * MINUTE, state=MeetingState.CANCELLED)
    clock = scheduler()
    clock.start()
    with sqlite_database.session() as session:
        start = session.get_one(Meeting, meeting).planned_start
    minutes = [round((when - start) / MINUTE) for _, when in clock.jobs()]
    assert minutes == [-60, -15, -10, 0, 60]
    assert {name.rpartition("-")[0] for name, _ in clock.jobs()} == {f"meeting-{meeting}"}


def test_a_change_by_anybody_counts_within_two_seconds(scheduler: Make, sqlite_database: Database) -> None:
    clock = scheduler()
    clock.start()
    assert clock.jobs() == []
    meeting = add(sqlite_database, 120 * MINUTE, 180 * MINUTE)
    began = time.monotonic()
    wait_for(lambda: len(clock.jobs()) == 5)
    assert time.monotonic() - began < 2
    with sqlite_database.session() as session:
        session.get_one(Meeting, meeting).planned_start += 30 * MINUTE
    before = clock.jobs()
    wait_for(lambda: clock.jobs() != before)
    with sqlite_database.session() as session:
        session.get_one(Meeting, meeting).state = MeetingState.CANCELLED
    wait_for(lambda: clock.jobs() == [])


def test_a_preflight_that_is_due_is_done_once(scheduler: Make, sqlite_database: Database) -> None:
    add(sqlite_database, 30 * MINUTE, 90 * MINUTE, source="saknas")

    def done() -> int:
        with sqlite_database.session() as session:
            return len(session.scalars(select(Observation).where(Observation.kind == "preflight")).all())

    scheduler().start()
    wait_for(lambda: done() == 1, 15)
    time.sleep(2.2)
    assert done() == 1


def test_the_heartbeat_is_touched_every_second(scheduler: Make, settings: Settings) -> None:
    clock = scheduler()
    clock.start()
    beat = settings.data / "run" / "scheduler.heartbeat"
    first = beat.stat().st_mtime_ns
    wait_for(lambda: beat.stat().st_mtime_ns > first, 2.5)


def test_a_second_scheduler_on_the_same_data_is_refused(scheduler: Make) -> None:
    scheduler().start()
    with pytest.raises(SchedulerTaken, match="redan igång för datamappen"):
        scheduler().start()


@pytest.mark.postgres
def test_a_second_scheduler_on_the_same_postgresql_is_refused(
    scheduler: Make, settings: Settings, new_postgres_url: Callable[[str], str], tmp_path: Path
) -> None:
    url = new_postgres_url("migrated")
    one, two = open_database(url), open_database(url)
    try:
        here = settings.model_copy(update={"database": SecretStr(url)})
        there = here.model_copy(update={"data": tmp_path / "elsewhere"})
        first = scheduler(one, here)
        first.start()
        with pytest.raises(SchedulerTaken, match="mot samma databas"):
            scheduler(two, there).start()
        first.stop()
        scheduler(two, there).start()
    finally:
        one.close()
        two.close()


def test_a_database_that_is_away_does_not_stop_the_clock(scheduler: Make, sqlite_database: Database) -> None:
    clock = scheduler()
    clock.start()
    with sqlite_database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE meetings RENAME TO away"))
    time.sleep(1.2)
    clock.tick()  # does not raise
    with sqlite_database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO meetings"))
    add(sqlite_database, 120 * MINUTE, 180 * MINUTE)
    wait_for(lambda: len(clock.jobs()) == 5)


def test_the_command_says_that_there_is_a_second_and_exits_1(
    scheduler: Make, settings: Settings, tmp_path: Path
) -> None:
    scheduler().start()
    file = tmp_path / "laktare.toml"
    file.write_text(f'data = "{settings.data}"\n')
    done = subprocess.run(
        [sys.executable, "-m", "schedules.cli", "--settings", str(file), "scheduler"],
        capture_output=True, text=True, cwd=ROOT, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert line.startswith("En schemaläggare är redan igång")
