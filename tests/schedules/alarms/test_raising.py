"""One open alarm of each kind and subject, on both databases."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

from sqlalchemy import select

from schedules.alarms import (
    AlarmKind,
    Clear,
    Raise,
    apply_changes,
    clear_alarm,
    clear_meeting,
    meeting_subject,
    open_alarms,
    raise_alarm,
)
from schedules.database import Database
from schedules.models import Alarm
from tests.schedules.meetings import START, new_meeting

LATER = START + timedelta(minutes=3)


def test_the_same_thing_is_raised_once_until_it_is_over(database: Database) -> None:
    with database.session() as session:
        first = raise_alarm(session, AlarmKind.LOW_DISK, "disk", "Disken är snart full: gör plats.", START)
        assert first is not None
        assert (first.kind, first.raised_at, first.tell_at, first.told) == ("low_disk", START, START, {})
        assert raise_alarm(session, AlarmKind.LOW_DISK, "disk", "Igen.", LATER) is None
        assert raise_alarm(session, AlarmKind.LOW_DISK, "another disk", "En annan.", LATER) is not None
    with database.session() as session:
        assert clear_alarm(session, AlarmKind.LOW_DISK, "disk", LATER)
        assert not clear_alarm(session, AlarmKind.LOW_DISK, "disk", LATER)
        assert raise_alarm(session, AlarmKind.LOW_DISK, "disk", "På nytt.", LATER) is not None
        assert [alarm.message for alarm in open_alarms(session)] == ["En annan.", "På nytt."]


def test_many_processes_that_see_it_at_once_raise_one(database: Database) -> None:
    ready, results = Barrier(6), []

    def see() -> None:
        ready.wait()
        with database.session() as session:
            results.append(raise_alarm(session, AlarmKind.NOT_ON_AIR, "meeting 1", "Den sänds inte.", START))

    threads = [Thread(target=see) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert sum(result is not None for result in results) == 1
    with database.session() as session:
        assert len(session.scalars(select(Alarm)).all()) == 1


def test_changes_of_the_rules_are_written_down_for_their_meeting(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        meeting = new_meeting()
        session.add(meeting)
        session.flush()
        lost = Raise(kind=AlarmKind.LINK_LOST, part="yt", message="Nere.")
        apply_changes(session, meeting.id, [lost, Raise(kind=AlarmKind.SILENCE, message="Tyst.")], START)
        apply_changes(session, meeting.id, [Clear(kind=AlarmKind.LINK_LOST, part="local")], LATER)
        found = [(alarm.kind, alarm.subject) for alarm in open_alarms(session, meeting.id)]
        assert found == [
            ("link_lost", meeting_subject(meeting.id, "yt")),
            ("silence", meeting_subject(meeting.id)),
        ]
        apply_changes(session, meeting.id, [Clear(kind=AlarmKind.LINK_LOST, part="yt")], LATER)
        assert clear_meeting(session, meeting.id, [AlarmKind.SILENCE, AlarmKind.BLACK], LATER) == 1
        assert open_alarms(session, meeting.id) == []
