"""Rules make meetings on wall-clock time, each once, and leave alone what a person has changed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from schedules.database import Database
from schedules.errors import CalendarError
from schedules.models import Meeting, Series
from schedules.queries import add_meeting, cancel_meeting, edit_meeting, list_meetings
from schedules.recurrence import checked_rule, slots
from schedules.recurrence_words import rule_from_words
from schedules.series import add_series, materialise, materialise_series
from schedules.series_changes import change_series, end_series
from schedules.settings import Settings
from schedules.states import MeetingState
from schedules.times import show_local

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
UNTIL = datetime(2027, 9, 1, tzinfo=UTC)
BY: dict[str, Any] = {"now": NOW, "who": "Anna"}
FIRST = datetime(2026, 9, 1, 18)  # noqa: DTZ001 - wall clock
BUT_JULY = "FREQ=MONTHLY;BYDAY=-1WE;BYMONTH=1,2,3,4,5,6,8,9,10,11,12"
LAST_WEDNESDAYS = [
    "2026-09-30 18:00", "2026-10-28 18:00", "2026-11-25 18:00", "2026-12-30 18:00", "2027-01-27 18:00",
    "2027-02-24 18:00", "2027-03-31 18:00", "2027-04-28 18:00", "2027-05-26 18:00", "2027-06-30 18:00",
    "2027-08-25 18:00",
]  # fmt: skip


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    with sqlite_database.session() as session:
        yield session


@pytest.fixture
def series(session: Session, settings: Settings) -> Series:
    return add_series(session, settings, body="kf", title="Fullmäktige", rule=BUT_JULY, first=FIRST, **BY)


def starts(session: Session, settings: Settings, state: MeetingState = MeetingState.PLANNED) -> list[str]:
    return [show_local(m.planned_start, settings.zone) for m in list_meetings(session, states=[state])]


def test_every_last_wednesday_but_july_at_six_summer_and_winter(
    database: Database, settings: Settings
) -> None:
    with database.session() as session:
        add_series(
            session, settings, body="kf", title="Fullmäktige", rule=BUT_JULY, first=FIRST, minutes=90, **BY
        )
        assert len(materialise(session, settings, UNTIL, NOW, "scheduler")) == 11
    with database.session() as session:
        assert starts(session, settings) == LAST_WEDNESDAYS
        september, october = list_meetings(session)[:2]
        assert (september.planned_start.hour, october.planned_start.hour) == (16, 17)
        assert october.planned_end - october.planned_start == timedelta(minutes=90)
        assert materialise(session, settings, UNTIL, NOW, "scheduler") == []


def test_a_longer_look_ahead_makes_only_what_is_new(
    session: Session, settings: Settings, series: Series
) -> None:
    assert len(materialise(session, settings, NOW + timedelta(days=60), NOW, "scheduler")) == 2
    later = NOW + timedelta(days=31)
    made = materialise(session, settings, later + timedelta(days=60), later, "scheduler")
    assert [show_local(m.planned_start, settings.zone) for m in made] == ["2026-11-25 18:00"]


def test_a_moved_or_cancelled_meeting_is_not_made_again(
    session: Session, settings: Settings, series: Series
) -> None:
    first, second = materialise(session, settings, NOW + timedelta(days=60), NOW, "scheduler")
    edit_meeting(session, settings, first.id, start=first.planned_start + timedelta(days=1), **BY)
    cancel_meeting(session, second.id, reason="Inga ärenden", **BY)
    assert materialise(session, settings, NOW + timedelta(days=60), NOW, "scheduler") == []
    assert starts(session, settings) == ["2026-10-01 18:00"]


def test_a_slot_that_cannot_be_had_is_told_and_tried_again(session: Session, settings: Settings) -> None:
    night = add_series(
        session, settings, body="kf", title="Vaka", rule="FREQ=WEEKLY;BYDAY=SU",
        first=datetime(2026, 10, 18, 2, 30), minutes=20, **BY,  # noqa: DTZ001 - wall clock
    )  # fmt: skip
    taken = datetime(2026, 10, 18, 0, 30, tzinfo=UTC)
    other = add_meeting(session, settings, body="kf", title="Annat", start=taken, **BY)
    until = datetime(2026, 11, 2, tzinfo=UTC)
    outcome = materialise_series(session, settings, night, until, NOW, "scheduler")
    assert [show_local(m.planned_start, settings.zone) for m in outcome.made] == ["2026-11-01 02:30"]
    assert [sentence[:16] for sentence in outcome.refused] == ["2026-10-18 02:30", "2026-10-25 02:30"]
    assert "upptagen" in outcome.refused[0]
    assert "inträffar två gånger" in outcome.refused[1]
    cancel_meeting(session, other.id, reason="Flyttat", **BY)
    again = materialise(session, settings, until, NOW, "scheduler")
    assert [m.planned_start for m in again] == [taken]


def test_a_changed_hour_moves_only_future_untouched_meetings(
    session: Session, settings: Settings, series: Series
) -> None:
    meetings = materialise(session, settings, UNTIL, NOW, "scheduler")
    held, renamed, moved, cancelled = meetings[:4]
    held.state = MeetingState.ENDED
    edit_meeting(session, settings, renamed.id, title="Budget", **BY)
    edit_meeting(session, settings, moved.id, start=moved.planned_start + timedelta(days=1), **BY)
    cancel_meeting(session, cancelled.id, reason="Inga ärenden", **BY)
    after = held.planned_end + timedelta(hours=1)
    outcome = change_series(
        session, settings, series.id, first=FIRST.replace(hour=17), until=UNTIL, now=after, who="Anna"
    )
    assert [m.id for m in outcome.moved] == [m.id for m in meetings[4:]]
    assert (outcome.made, outcome.cancelled, outcome.refused) == ((), (), ())
    assert starts(session, settings) == [
        "2026-10-28 18:00", "2026-11-26 18:00", *(start.replace("18:00", "17:00") for start in LAST_WEDNESDAYS[4:])
    ]  # fmt: skip
    assert materialise(session, settings, UNTIL, after, "scheduler") == []


def test_another_weekday_moves_each_meeting_within_its_week(
    session: Session, settings: Settings, series: Series
) -> None:
    meetings = materialise(session, settings, UNTIL, NOW, "scheduler")
    outcome = change_series(session, settings, series.id, rule="FREQ=MONTHLY;BYDAY=-1TU", until=UNTIL, **BY)
    assert [m.id for m in outcome.moved] == [m.id for m in meetings]
    assert [show_local(m.planned_start, settings.zone) for m in outcome.made] == ["2027-07-27 18:00"]
    assert starts(session, settings)[:3] == ["2026-09-29 18:00", "2026-10-27 18:00", "2026-11-24 18:00"]
    assert len(starts(session, settings)) == 12


def test_meetings_that_lose_their_slot_are_cancelled_with_a_reason(
    session: Session, settings: Settings, series: Series
) -> None:
    materialise(session, settings, UNTIL, NOW, "scheduler")
    rule = "FREQ=MONTHLY;BYDAY=-1WE;BYMONTH=9,10"
    outcome = change_series(session, settings, series.id, rule=rule, until=UNTIL, **BY)
    assert (len(outcome.moved), len(outcome.cancelled)) == (0, 9)
    assert {m.cancel_reason for m in outcome.cancelled} == {"Serien har ändrats."}
    assert starts(session, settings) == LAST_WEDNESDAYS[:2]


def test_a_meeting_whose_new_time_is_taken_stays_and_is_told(
    session: Session, settings: Settings, series: Series
) -> None:
    meetings = materialise(session, settings, UNTIL, NOW, "scheduler")
    earlier = meetings[0].planned_start - timedelta(hours=2)
    add_meeting(session, settings, body="kf", title="Annat", start=earlier, **BY)
    outcome = change_series(session, settings, series.id, first=FIRST.replace(hour=16), until=UNTIL, **BY)
    assert len(outcome.moved) == 10
    assert ["2026-09-30 16:00" in sentence and "upptagen" in sentence for sentence in outcome.refused] == [
        True
    ]
    assert show_local(meetings[0].planned_start, settings.zone) == "2026-09-30 18:00"
    assert materialise(session, settings, UNTIL, NOW, "scheduler") == []


def test_a_series_ends_on_a_day_and_keeps_what_was_changed_by_hand(
    session: Session, settings: Settings, series: Series
) -> None:
    meetings = materialise(session, settings, UNTIL, NOW, "scheduler")
    edit_meeting(session, settings, meetings[-1].id, title="Avslutning", **BY)
    outcome = end_series(session, settings, series.id, last=date(2026, 12, 30), **BY)
    assert list(outcome.cancelled) == meetings[4:-1]
    assert starts(session, settings) == [*LAST_WEDNESDAYS[:4], LAST_WEDNESDAYS[-1]]
    assert materialise(session, settings, UNTIL, NOW, "scheduler") == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("varje onsdag", "duger inte"),
        ("FREQ=HOURLY", "duger inte"),
        ("FREQ=WEEKLY;BYHOUR=18,20", "duger inte"),
        ("FREQ=DAILY;INTERVAL=0", "duger inte"),
        ("FREQ=MONTHLY;UNTIL=2026", "duger inte"),
        ("FREQ=WEEKLY;BYDAY=ON", "går inte att läsa"),
        ("FREQ=WEEKLY\nRRULE:FREQ=DAILY", "går inte att läsa"),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "inträffar aldrig"),
    ],
)
def test_a_rule_that_makes_no_meetings_is_refused(rule: str, words: str) -> None:
    with pytest.raises(CalendarError, match=words):
        checked_rule(rule, FIRST)


def test_the_end_of_a_rule_is_a_local_day() -> None:
    rule = checked_rule("RRULE:freq=weekly; until=20260915", FIRST)
    assert [s.day for s in slots(rule, FIRST, FIRST, FIRST + timedelta(days=60))] == [1, 8, 15]
    counted = checked_rule("FREQ=WEEKLY;COUNT=2", FIRST)
    assert [s.day for s in slots(counted, FIRST, FIRST, FIRST + timedelta(days=60))] == [1, 8]


@pytest.mark.parametrize(
    ("every", "but", "rule"),
    [
        ("sista onsdagen", ["juli"], BUT_JULY),
        ("Första måndagen", [], "FREQ=MONTHLY;BYDAY=1MO"),
        ("varje torsdag", [], "FREQ=WEEKLY;BYDAY=TH"),
        (
            "varannan fredag",
            ["Juni", "juli"],
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR;BYMONTH=1,2,3,4,5,8,9,10,11,12",
        ),
    ],
)
def test_a_rule_in_words(every: str, but: list[str], rule: str) -> None:
    assert rule_from_words(every, but) == rule
    checked_rule(rule, FIRST)


@pytest.mark.parametrize(
    ("every", "but"), [("ibland", []), ("sista onsdagen", ["snart"]), ("femte onsdagen", [])]
)
def test_words_that_are_not_understood_are_refused(every: str, but: list[str]) -> None:
    with pytest.raises(CalendarError, match=r"skriv t\.ex\."):
        rule_from_words(every, but)


def test_an_unknown_body_or_length_makes_no_series(session: Session, settings: Settings) -> None:
    with pytest.raises(CalendarError, match="'ks' finns inte"):
        add_series(session, settings, body="ks", title="KS", rule=BUT_JULY, first=FIRST, **BY)
    with pytest.raises(CalendarError, match="1 till 1440 minuter"):
        add_series(session, settings, body="kf", title="KF", rule=BUT_JULY, first=FIRST, minutes=1441, **BY)


def test_a_meeting_of_a_series_knows_its_slot(session: Session, settings: Settings, series: Series) -> None:
    meeting: Meeting = materialise(session, settings, NOW + timedelta(days=40), NOW, "scheduler")[0]
    assert (meeting.series_id, meeting.series_start) == (series.id, "2026-09-30T18:00")
