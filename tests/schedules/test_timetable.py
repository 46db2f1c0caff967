"""The timetable as tables: what is due when, in every state, and through both nights of changed clocks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.states import MeetingState
from schedules.timetable import (
    Action,
    Entry,
    GiveUp,
    Missed,
    Preflight,
    PutBack,
    StandDown,
    Start,
    Why,
    due,
    wake_times,
)

START = datetime(2026, 10, 28, 17, 0, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
BOTH = frozenset({(60.0, START), (10.0, START)})


def entry(state: str, start: datetime = START, hours: float = 3, **changes: object) -> Entry:
    return Entry(**{"id": 1, "state": MeetingState(state), "planned_start": start, "planned_end": start + hours * HOUR,
                    "preflights": BOTH, **changes})  # type: ignore[arg-type]  # fmt: skip


def ask(entries: list[Entry], now: datetime, running: Collection[int] = ()) -> list[Action]:
    return due(entries, running, now, prepare=15 * MINUTE, preflights=(60, 10), extend_limit=3 * HOUR)


START_PREPARE = Start(meeting_id=1, why=Why.PREPARE)
START_LATE = Start(meeting_id=1, why=Why.LATE)
RESTART = Start(meeting_id=1, why=Why.RESTART)


@pytest.mark.parametrize(
    ("state", "at", "expected"),
    [
        ("planned", -15 * MINUTE - SECOND, None),
        ("planned", -15 * MINUTE, START_PREPARE),
        ("planned", -SECOND, START_PREPARE),
        ("planned", 0 * SECOND, START_LATE),
        ("planned", 90 * MINUTE, START_LATE),  # booted in the middle of the meeting
        ("planned", 3 * HOUR - SECOND, START_LATE),
        ("planned", 3 * HOUR, Missed(meeting_id=1)),
        ("planned", 40 * HOUR, Missed(meeting_id=1)),
        ("preparing", -10 * MINUTE, RESTART),
        ("preparing", HOUR, RESTART),
        ("preparing", 3 * HOUR, Missed(meeting_id=1)),
        ("preparing", -2 * HOUR, PutBack(meeting_id=1)),
        ("live", HOUR, RESTART),
        ("live", 3 * HOUR + SECOND, RESTART),  # past its planned end people may still speak
        ("live", 6 * HOUR - SECOND, RESTART),
        ("live", 6 * HOUR, GiveUp(meeting_id=1)),  # the next morning the room is empty
        ("ended", HOUR, None),
        ("cancelled", HOUR, None),
        ("missed", HOUR, None),
    ],
)
def test_what_is_due_without_a_process(state: str, at: timedelta, expected: Action | None) -> None:
    assert ask([entry(state)], START + at) == ([] if expected is None else [expected])


@pytest.mark.parametrize("state", list(MeetingState))
@pytest.mark.parametrize("at", [-10 * MINUTE, 0 * SECOND, HOUR, 5 * HOUR, 30 * HOUR])
def test_a_living_process_is_left_alone(state: MeetingState, at: timedelta) -> None:
    assert ask([entry(state)], START + at, running={1}) == []


def test_a_meeting_put_off_while_it_is_prepared_goes_off_air_but_not_for_a_minute() -> None:
    assert ask([entry("preparing")], START - 17 * MINUTE - SECOND, running={1}) == [StandDown(meeting_id=1)]
    assert ask([entry("preparing")], START - 16 * MINUTE, running={1}) == []
    assert ask([entry("live")], START - 2 * HOUR, running={1}) == []


@pytest.mark.parametrize(
    ("at", "done", "minutes"),
    [
        (-60 * MINUTE - SECOND, (), None),
        (-60 * MINUTE, (), 60),
        (-30 * MINUTE, (), 60),  # late is better than never
        (-30 * MINUTE, (60,), None),  # once
        (-10 * MINUTE, (60,), 10),
        (-5 * MINUTE, (), 10),  # only the nearest
        (-5 * MINUTE, (10,), None),
        (0 * SECOND, (), None),  # begun: alarms take over
    ],
)
def test_preflights(at: timedelta, done: tuple[float, ...], minutes: float | None) -> None:
    mine = frozenset((number, START) for number in done)
    actions = ask([entry("planned", preflights=mine)], START + at, running={1})
    found = [action.minutes for action in actions if isinstance(action, Preflight)]
    assert found == ([] if minutes is None else [minutes])


def test_a_moved_meeting_is_tried_again() -> None:
    moved = entry("planned", start=START + 24 * HOUR, preflights=BOTH)
    assert ask([moved], START + 24 * HOUR - 10 * MINUTE, running={1}) == [
        Preflight(meeting_id=1, minutes=10, planned_start=START + 24 * HOUR)
    ]


@pytest.mark.parametrize("state", ["live", "ended", "cancelled", "missed"])
def test_no_preflight_for_what_is_on_air_or_over(state: str) -> None:
    assert ask([entry(state, preflights=frozenset())], START - MINUTE, running={1}) == []


def test_an_edited_time_counts_at_once() -> None:
    now = START + HOUR
    assert ask([entry("planned", start=START + 5 * HOUR)], now) == []
    assert START_PREPARE in ask([entry("planned", start=now + 15 * MINUTE)], now)
    assert ask([entry("planned", hours=1)], now) == [Missed(meeting_id=1)]
    assert ask([entry("planned", hours=2)], now) == [START_LATE]


def test_the_earliest_meeting_comes_first() -> None:
    meetings = [entry("planned", id=2, start=START + MINUTE), entry("planned", id=1, start=START)]
    assert [action.meeting_id for action in ask(meetings, START + 2 * MINUTE)] == [1, 2]


@pytest.mark.parametrize(
    ("start", "first_minute"),
    [
        # Autumn: 02:00–03:00 is lived twice. An hour before 03:30 winter time it is 02:30 for the second time.
        (datetime(2026, 10, 25, 3, 30, tzinfo=STOCKHOLM), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        (datetime(2026, 10, 25, 2, 30, tzinfo=STOCKHOLM, fold=0), datetime(2026, 10, 24, 23, 30, tzinfo=UTC)),
        (datetime(2026, 10, 25, 2, 30, tzinfo=STOCKHOLM, fold=1), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        # Spring: 02:00–03:00 does not exist. An hour before 03:30 summer time it is 01:30 winter time.
        (datetime(2026, 3, 29, 3, 30, tzinfo=STOCKHOLM), datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
    ],
)
def test_each_thing_once_and_on_time_through_a_night_of_changed_clocks(
    start: datetime, first_minute: datetime
) -> None:
    began = start.astimezone(UTC)
    meeting, running, done = entry("planned", start=began, hours=2), set[int](), set[tuple[float, datetime]]()
    happened: list[tuple[timedelta, str]] = []
    now = began - 6 * HOUR
    while now < began + 6 * HOUR:
        seen = entry("planned", start=began, hours=2, preflights=frozenset(done))
        for action in ask([seen], now, running):
            happened.append((now - began, type(action).__name__))
            if isinstance(action, Preflight):
                done.add((action.minutes, action.planned_start))
            elif isinstance(action, Start):
                running.add(meeting.id)
        now += MINUTE
    assert happened == [(-60 * MINUTE, "Preflight"), (-15 * MINUTE, "Start"), (-10 * MINUTE, "Preflight")]
    assert began + happened[0][0] == first_minute


def test_wake_times_are_the_instants_at_which_something_becomes_due() -> None:
    wakes = wake_times(entry("planned"), START - 30 * MINUTE, prepare=15 * MINUTE, preflights=(60, 10))
    assert wakes == [START - 15 * MINUTE, START - 10 * MINUTE, START, START + 3 * HOUR]
    assert wake_times(entry("ended"), START - HOUR, prepare=15 * MINUTE, preflights=(60, 10)) == []
    fresh = entry("planned", preflights=frozenset())
    for wake in wake_times(fresh, START - 2 * HOUR, prepare=15 * MINUTE, preflights=(60, 10)):
        assert ask([fresh], wake) != ask([fresh], wake - SECOND)
