"""What did not happen is noticed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from schedules.alarms import AlarmKind, missing_from_air, open_alarms, raise_alarm, watch_air, watch_disk
from schedules.alarms.watch import free_bytes
from schedules.database import Database
from schedules.models import Alarm, LiveProcess, Meeting
from schedules.settings import Live, Settings
from schedules.states import MeetingState, Phase
from tests.schedules.meetings import START, new_meeting

SECOND = timedelta(seconds=1)
BEFORE, AT_GRACE, DURING = START - 5 * 60 * SECOND, START + 15 * SECOND, START + 3600 * SECOND
AFTER = START + 4 * 3600 * SECOND  # an hour past the planned end
P, R, L = MeetingState.PLANNED, MeetingState.PREPARING, MeetingState.LIVE

# state, phase, age of the heartbeat (None: no process), now → the alarm
TABLE: list[tuple[str, MeetingState, Phase, float | None, datetime, str | None]] = [
    ("planned, before its time", P, Phase.WAITING, None, BEFORE, None),
    ("planned, within the grace", P, Phase.WAITING, None, AT_GRACE - SECOND, None),
    ("planned, and nobody came", P, Phase.WAITING, None, AT_GRACE, "not_on_air"),
    ("planned, the scheduler's to call missed", P, Phase.WAITING, None, AFTER, None),
    ("preparing as it should", R, Phase.WAITING, 1, BEFORE, None),
    ("preparing, its process is silent", R, Phase.WAITING, 6, BEFORE, "live_process_dead"),
    ("preparing, not reported yet", R, Phase.WAITING, None, BEFORE, None),
    ("the slate is still up", R, Phase.WAITING, 1, AT_GRACE, "not_on_air"),
    ("opened, but the room has not been seen", R, Phase.OPEN, 1, AT_GRACE, "not_on_air"),
    ("begins in closed session", R, Phase.CLOSED, 1, DURING, None),
    ("closed session, its process dead", R, Phase.CLOSED, 9, DURING, "not_on_air"),
    ("live and well", L, Phase.OPEN, 1, DURING, None),
    ("live and adjourned", L, Phase.ADJOURNED, 5, DURING, None),
    ("live, its process dead", L, Phase.OPEN, 5.1, DURING, "not_on_air"),
    ("live, no process at all", L, Phase.OPEN, None, DURING, "not_on_air"),
    ("past its end and still speaking", L, Phase.OPEN, 1, AFTER, None),
    ("past its end, its process dead", L, Phase.OPEN, 60, AFTER, "not_on_air"),
    ("ended", MeetingState.ENDED, Phase.OVER, 600, DURING, None),
    ("cancelled", MeetingState.CANCELLED, Phase.WAITING, None, DURING, None),
]


def process(meeting_id: int, beat: datetime) -> LiveProcess:
    return LiveProcess(meeting_id=meeting_id, host="h", pid=1, started_at=beat, heartbeat_at=beat, status={})


@pytest.mark.parametrize(
    ("state", "phase", "age", "now", "alarm"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_missing_from_air(
    state: MeetingState, phase: Phase, age: float | None, now: datetime, alarm: str | None
) -> None:
    meeting = new_meeting(id=4, state=state, phase=phase)
    processes = [] if age is None else [process(4, now - age * SECOND)]
    found = missing_from_air([meeting], processes, now)
    assert [one.kind for one in found] == ([alarm] if alarm else [])


def put(database: Database, **columns: object) -> int:
    with database.session() as session:
        meeting = new_meeting(**columns)
        session.add(meeting)
        session.flush()
        return meeting.id


def change(database: Database, meeting_id: int, *, beat: datetime | None = None, **columns: object) -> None:
    with database.session() as session:
        meeting = session.get_one(Meeting, meeting_id)
        for name, value in columns.items():
            setattr(meeting, name, value)
        if beat is not None:
            session.merge(process(meeting_id, beat))


def watched(database: Database, now: datetime) -> list[str]:
    """The kinds open after a look."""
    with database.session() as session:
        watch_air(session, now)
    with database.session() as session:
        return [alarm.kind for alarm in open_alarms(session)]


def test_it_is_raised_lasts_and_is_over_when_the_room_is_seen(database: Database) -> None:
    meeting = put(database)
    assert watched(database, START) == []
    assert watched(database, AT_GRACE) == ["not_on_air"]
    assert watched(database, AT_GRACE + 5 * SECOND) == ["not_on_air"]
    change(database, meeting, state=L, phase=Phase.OPEN, beat=AT_GRACE + 8 * SECOND)
    assert watched(database, AT_GRACE + 9 * SECOND) == []
    with database.session() as session:
        (alarm,) = session.scalars(select(Alarm)).all()
        assert (alarm.raised_at, alarm.cleared_at) == (AT_GRACE, AT_GRACE + 9 * SECOND)
        assert alarm.meeting_id == meeting
        assert "laktare run" in alarm.message


def test_a_dead_process_is_back_only_when_a_newer_one_reports(sqlite_database: Database) -> None:
    meeting = put(sqlite_database, state=L, phase=Phase.OPEN)
    change(sqlite_database, meeting, beat=DURING)
    with sqlite_database.session() as session:
        raise_alarm(
            session, AlarmKind.LIVE_PROCESS_DEAD, f"meeting {meeting}", "Död.", DURING + SECOND, meeting
        )
    assert watched(sqlite_database, DURING + 2 * SECOND) == ["live_process_dead"]
    change(sqlite_database, meeting, beat=DURING + 3 * SECOND)
    assert watched(sqlite_database, DURING + 3 * SECOND) == []


def test_what_was_on_air_does_not_matter_after_the_gavel_but_a_missed_meeting_does(
    sqlite_database: Database,
) -> None:
    ended, missed = put(sqlite_database, state=L), put(sqlite_database)
    with sqlite_database.session() as session:
        for kind in (AlarmKind.SILENCE, AlarmKind.SOURCE_LOST):
            raise_alarm(session, kind, f"meeting {ended}", "Larm.", DURING, ended)
        raise_alarm(session, AlarmKind.NOT_ON_AIR, f"meeting {missed}", "Larm.", DURING, missed)
        raise_alarm(session, AlarmKind.PIPELINE_FAILED, "video 1", "Larm.", DURING, ended)
    change(sqlite_database, ended, state=MeetingState.ENDED)
    change(sqlite_database, missed, state=MeetingState.MISSED)
    assert watched(sqlite_database, AFTER) == ["not_on_air", "pipeline_failed"]
    assert watched(sqlite_database, AFTER + 86400 * SECOND) == ["pipeline_failed"]


def test_a_full_disk(sqlite_database: Database, settings: Settings) -> None:
    free = free_bytes(settings.data / "not" / "made" / "yet") / 1e9
    too_much = settings.model_copy(update={"live": Live(low_disk_gb=free * 2)})
    at_the_limit = settings.model_copy(update={"live": Live(low_disk_gb=free / 1.05)})
    plenty = settings.model_copy(update={"live": Live(low_disk_gb=free / 2)})
    seen = []
    for chosen in (plenty, too_much, too_much, at_the_limit, plenty):
        with sqlite_database.session() as session:
            watch_disk(session, chosen, START)
        with sqlite_database.session() as session:
            seen.append([alarm.kind for alarm in open_alarms(session)])
    assert seen == [[], ["low_disk"], ["low_disk"], ["low_disk"], []]
