"""What was seen on air stands in the database, also when the database was away meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text

from broadcast.events import (
    BroadcastHealth,
    BroadcastSeen,
    Event,
    OnAir,
    PlatformTrouble,
    ProgramChanged,
    SecondMeasured,
    SourceBack,
    SourceLost,
    ViewersCounted,
)
from schedules.alarms.kinds import AlarmKind
from schedules.alarms.rules import AlarmRules, AlarmState
from schedules.database import Database
from schedules.logbook import Logbook, kind_of, phase_of
from schedules.models import Alarm, Broadcast, Level, Meeting, Observation, ViewerCount
from schedules.states import MeetingState, Phase
from tests.schedules.meetings import new_meeting

NOW = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


def logbook(database: Database) -> tuple[Logbook, int]:
    with database.session() as session:
        meeting = new_meeting(state=MeetingState.PREPARING)
        session.add(meeting)
        session.flush()
        number = meeting.id
    rules = AlarmRules(after=20, silence_below=-45, platforms={"local": "Webbplatsen"})
    return Logbook(database, number, 25, rules, AlarmState()), number


def changed(frame: int, on_air: OnAir, slate: str = "") -> ProgramChanged:
    return ProgramChanged(at=NOW + timedelta(seconds=frame / 25), frame=frame, on_air=on_air, slate=slate)


def test_the_first_frame_of_the_source_makes_the_meeting_live(database: Database) -> None:
    book, number = logbook(database)
    book.note(changed(0, OnAir.SLATE, "waiting"), NOW)
    assert book.write()
    with database.session() as session:
        assert session.get_one(Meeting, number).state is MeetingState.PREPARING
    for event in (changed(50, OnAir.SOURCE), changed(75, OnAir.SLATE, "closed"), changed(90, OnAir.SOURCE)):
        book.note(event, NOW)
        assert book.write()
    with database.session() as session:
        meeting = session.get_one(Meeting, number)
        assert meeting.state is MeetingState.LIVE
        assert meeting.phase is Phase.OPEN
        assert meeting.began_at == NOW + timedelta(seconds=2)
        assert [o.kind for o in meeting.observations] == ["program_changed"] * 4


def test_seconds_are_levels_and_troubles_are_alarms(database: Database) -> None:
    book, number = logbook(database)
    events: list[Event] = [
        SourceLost(at=NOW, frame=10, reason="no route"),
        SourceBack(at=NOW, frame=60, seconds=2),
    ]
    events += [
        SecondMeasured(
            at=NOW, frame=25 * n, loudness=-20, peak=-6, black=False, frozen=False, on_air=OnAir.SOURCE
        )
        for n in range(3)
    ]
    for event in [*events, events[-1]]:  # a second that was measured twice, by two processes, stands once
        book.note(event, NOW)
    assert book.write()
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Level)) == 3
        alarm = session.scalars(select(Alarm)).one()
        assert alarm.kind == AlarmKind.SOURCE_LOST
        assert alarm.meeting_id == number
        assert alarm.cleared_at is not None


def test_a_database_that_was_away_gets_all_in_order(sqlite_database: Database) -> None:
    book, _ = logbook(sqlite_database)
    with sqlite_database.session() as session:
        session.execute(text("ALTER TABLE observations RENAME TO elsewhere"))
    for frame in range(5):
        book.note(changed(frame, OnAir.SLATE, "waiting"), NOW)
        assert not book.write()
    with sqlite_database.session() as session:
        session.execute(text("ALTER TABLE elsewhere RENAME TO observations"))
    assert book.write()
    with sqlite_database.session() as session:
        seen = session.scalars(select(Observation).order_by(Observation.id))
        assert [o.detail["frame"] for o in seen] == [0, 1, 2, 3, 4]


def test_a_lost_source_does_not_close_the_meeting() -> None:
    assert phase_of(changed(0, OnAir.SLATE, "source-lost")) is Phase.OPEN
    assert phase_of(changed(0, OnAir.HELD)) is Phase.OPEN
    assert kind_of(changed(0, OnAir.HELD)) == "program_changed"


def test_the_row_of_a_broadcast_follows_what_is_seen_of_it(database: Database) -> None:
    book, number = logbook(database)
    common = {"frame": 0, "platform": "yt"}
    began, ended = NOW + timedelta(seconds=7), NOW + timedelta(hours=1)
    events: list[Event] = [
        PlatformTrouble(at=NOW, reason="Kontrollera nätet.", **common),  # type: ignore[arg-type]
        BroadcastSeen(at=NOW, address="abc", state="ready", **common),  # type: ignore[arg-type]
        BroadcastSeen(at=NOW + timedelta(seconds=9), address="abc", state="live", began=began, **common),  # type: ignore[arg-type]
        BroadcastHealth(at=NOW, health="good", **common),  # type: ignore[arg-type]
        ViewersCounted(at=NOW, viewers=None, **common),  # type: ignore[arg-type]
        ViewersCounted(at=ended, viewers=12, **common),  # type: ignore[arg-type]
        BroadcastSeen(at=ended, address="abc", state="complete", **common),  # type: ignore[arg-type]
    ]
    for event in events:
        book.note(event, NOW)
    assert book.write()
    with database.session() as session:
        row = session.scalars(select(Broadcast)).one()
        assert (row.address, row.state, row.health, row.error) == ("abc", "complete", "good", "")
        assert (row.live_at, row.ended_at) == (began, ended)
        counts = session.scalars(select(ViewerCount).order_by(ViewerCount.at))
        assert [(count.at, count.viewers) for count in counts] == [(NOW, None), (ended, 12)]
        kinds = [o.kind for o in session.get_one(Meeting, number).observations]
        assert kinds.count("broadcast_seen") == 3
        assert "viewers_counted" not in kinds, "once a minute is for the table, not for the log"
