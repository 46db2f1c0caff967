"""The daily round: series, old live files, retention; and a preflight written down once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.alarms.raising import open_alarms
from schedules.database import Database
from schedules.housekeeping import keep_house
from schedules.models import Meeting, Observation, Series, Video
from schedules.preflight_run import run_preflight
from schedules.settings import BodySettings, Settings
from schedules.states import MeetingState
from schedules.timetable import Preflight

NOW = datetime(2026, 10, 28, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def add(session: Session, end: datetime, state: MeetingState, **changes: object) -> Meeting:
    meeting = Meeting(**{
        "body": "kf", "title": "Kommunfullmäktige", "planned_start": end - DAY / 8, "planned_end": end,
        "source": "test", "platforms": ["local"], "channel": "archive", "state": state, **changes,
    })  # fmt: skip
    session.add(meeting)
    session.flush()
    return meeting


def test_meetings_of_a_series_are_made_once(settings: Settings, database: Database) -> None:
    with database.session() as session:
        session.add(
            Series(body="kf", title="Kommunfullmäktige", rule="FREQ=MONTHLY;BYDAY=-1WE", first="2026-09-30T18:00",
                   minutes=180, defaults={})
        )  # fmt: skip
    first = keep_house(database, settings, NOW)
    assert first.made >= 12
    assert keep_house(database, settings, NOW).made == 0
    with database.session() as session:
        starts = list(session.scalars(select(Meeting.planned_start).order_by(Meeting.planned_start)))
    assert starts[0] == datetime(2026, 10, 28, 17, 0, tzinfo=UTC)  # 18:00 in Stockholm, winter time
    assert len(starts) == first.made


def test_live_files_go_a_day_after_the_end_and_not_before(settings: Settings, database: Database) -> None:
    with database.session() as session:
        old = add(session, NOW - 2 * DAY, MeetingState.ENDED, ended_at=NOW - 2 * DAY).id
        long = add(session, NOW - 2 * DAY, MeetingState.ENDED, ended_at=NOW - DAY / 2).id
        live = add(session, NOW - 2 * DAY, MeetingState.LIVE).id
        missed = add(session, NOW - 2 * DAY, MeetingState.MISSED).id
    for meeting in (old, long, live, missed, 4711):
        settings.live_folder(meeting).mkdir(parents=True)
        (settings.live_folder(meeting) / "index.m3u8").write_text("#EXTM3U\n")
    (settings.data / "live" / "annat").mkdir()
    assert keep_house(database, settings, NOW).removed == (old, missed)
    left = {folder.name for folder in (settings.data / "live").iterdir()}
    assert left == {str(long), str(live), "4711", "annat"}
    assert (settings.live_folder(live) / "index.m3u8").exists()


def test_retention_is_reported_and_nothing_is_destroyed(
    settings: Settings, sqlite_database: Database
) -> None:
    body = BodySettings(name="KF", source="test", retention_days=365, retention_decision="KS 2026/17")
    settings = settings.model_copy(update={"bodies": {"kf": body}})
    with sqlite_database.session() as session:
        for key, days in (("a", 400), ("b", 300)):
            session.add(
                Video(key=key, title="T", body="kf", recorded_at=NOW - days * DAY, channel="archive",
                      original=settings.data / key)
            )  # fmt: skip
    (settings.data / "a").mkdir()
    assert keep_house(sqlite_database, settings, NOW).expired == (1,)
    assert (settings.data / "a").exists()
    with sqlite_database.session() as session:
        assert len(session.scalars(select(Video)).all()) == 2


def test_a_preflight_is_written_down_with_its_alarm_and_closed_by_a_good_one(
    settings: Settings, sqlite_database: Database
) -> None:
    with sqlite_database.session() as session:
        meeting = add(session, NOW + DAY, MeetingState.PLANNED, source="saknas")
        due = Preflight(meeting_id=meeting.id, minutes=60, planned_start=meeting.planned_start)
    run_preflight(sqlite_database, settings, due, NOW)
    with sqlite_database.session() as session:
        seen = session.scalars(select(Observation)).one()
        assert (seen.kind, seen.detail["minutes"], seen.detail["ok"]) == ("preflight", 60, False)
        assert [alarm.kind for alarm in open_alarms(session)] == ["preflight"]
        session.get_one(Meeting, due.meeting_id).source = "test"
    later = Preflight(meeting_id=due.meeting_id, minutes=10, planned_start=due.planned_start)
    run_preflight(sqlite_database, settings, later, NOW + timedelta(minutes=50))
    with sqlite_database.session() as session:
        assert [o.detail["ok"] for o in session.scalars(select(Observation).order_by(Observation.id))] == [
            False,
            True,
        ]
        assert open_alarms(session) == []


def test_a_preflight_of_a_meeting_that_was_moved_is_dropped(
    settings: Settings, sqlite_database: Database
) -> None:
    with sqlite_database.session() as session:
        meeting = add(session, NOW + DAY, MeetingState.PLANNED)
        due = Preflight(meeting_id=meeting.id, minutes=60, planned_start=meeting.planned_start - DAY / 2)
    assert run_preflight(sqlite_database, settings, due, NOW) == []
    with sqlite_database.session() as session:
        assert session.scalars(select(Observation)).all() == []
