"""Who is told when: a receiver's record as a table of times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from schedules.alarms.plan import (
    GIVE_UP_AFTER,
    LONGEST_RETRY,
    REMIND_AFTER,
    REMINDERS,
    Occasion,
    Record,
    failed,
    next_telling,
    succeeded,
)

RAISED = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_an_open_alarm_is_told_once_and_reminded_of_thrice() -> None:
    record, told = Record(), []
    while (telling := next_telling(RAISED, None, record)) is not None:
        told.append((telling[0].value, (telling[1] - RAISED) / MINUTE))
        record = succeeded(record, *telling)
    assert told == [("raised", 0), ("reminder", 15), ("reminder", 30), ("reminder", 45)]
    assert len(told) == 1 + REMINDERS


def test_its_end_is_told_once() -> None:
    record = succeeded(Record(), Occasion.RAISED, RAISED)
    cleared = RAISED + 2 * MINUTE
    assert next_telling(RAISED, cleared, record) == (Occasion.CLEARED, cleared)
    assert next_telling(RAISED, cleared, succeeded(record, Occasion.CLEARED, cleared)) is None


def test_one_that_was_over_before_anybody_was_told_gives_one_message() -> None:
    assert next_telling(RAISED, RAISED + MINUTE, Record()) == (Occasion.CLEARED, RAISED + MINUTE)


def test_a_failed_try_is_taken_again_ever_later() -> None:
    record, now, waits = Record(), RAISED, []
    for _ in range(20):
        record = failed(record, Occasion.RAISED, now, "bruten", permanent=False, cleared_at=None)
        telling = next_telling(RAISED, None, record)
        assert telling is not None
        assert telling[0] is Occasion.RAISED
        waits.append((telling[1] - now).total_seconds())
        now = telling[1]
    assert waits[:7] == [30, 60, 120, 240, 480, 960, 1800]
    assert set(waits[7:]) == {LONGEST_RETRY.total_seconds()}
    assert record.failures == 20


def test_a_success_forgets_the_failures() -> None:
    record = failed(Record(), Occasion.RAISED, RAISED, "bruten", permanent=False, cleared_at=None)
    record = succeeded(record, Occasion.RAISED, RAISED + MINUTE)
    assert (record.failures, record.error) == (0, "")
    assert next_telling(RAISED, None, record) == (Occasion.REMINDER, RAISED + MINUTE + REMIND_AFTER)


def test_a_permanent_refusal_waits_for_the_next_occasion() -> None:
    record = failed(Record(), Occasion.RAISED, RAISED, "nekad", permanent=True, cleared_at=None)
    assert record.error == "nekad"
    assert next_telling(RAISED, None, record) == (Occasion.REMINDER, RAISED + REMIND_AFTER)


def test_nobody_is_told_of_the_end_of_something_a_day_after() -> None:
    cleared, record = RAISED + MINUTE, Record()
    late = cleared + GIVE_UP_AFTER + MINUTE
    record = failed(record, Occasion.CLEARED, late, "bruten", permanent=False, cleared_at=cleared)
    assert next_telling(RAISED, cleared, record) is None


def test_a_record_survives_the_database() -> None:
    record = failed(
        Record(told=1, last=RAISED),
        Occasion.REMINDER,
        RAISED + MINUTE,
        "bruten",
        permanent=False,
        cleared_at=None,
    )
    assert Record.from_json(record.as_json()) == record
