"""What a receiver is to be told next, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

REMIND_AFTER = timedelta(minutes=15)
REMINDERS = 3
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(minutes=30)
GIVE_UP_AFTER = timedelta(days=1)  # after the alarm was over: nobody is helped by hearing of it then


class Occasion(StrEnum):
    """Why somebody is told."""

    RAISED = "raised"  # it has happened
    REMINDER = "reminder"  # it is still so
    CLEARED = "cleared"  # it is over


@dataclass(frozen=True, kw_only=True)
class Record:
    """What one receiver has been told of one alarm.

    told: messages that it is open, reminders with them; last: when the newest of them went; done: nothing more is to
    be told; failures: tries in a row that failed, the next one at retry_at; error: what the last try said, no secrets.
    """

    told: int = 0
    last: datetime | None = None
    done: bool = False
    failures: int = 0
    retry_at: datetime | None = None
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the column `alarms.told`."""
        return {
            "told": self.told, "last": self.last and self.last.isoformat(), "done": self.done,
            "failures": self.failures, "retry_at": self.retry_at and self.retry_at.isoformat(), "error": self.error,
        }  # fmt: skip

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Record:
        """The opposite of `as_json`."""
        times = {
            key: datetime.fromisoformat(stored[key]) if stored.get(key) else None
            for key in ("last", "retry_at")
        }
        return cls(**{**stored, **times})


def next_telling(
    raised_at: datetime, cleared_at: datetime | None, record: Record
) -> tuple[Occasion, datetime] | None:
    """The next occasion for a receiver and the earliest time for it. None: nothing more to tell as things stand."""
    if record.done:
        return None
    if cleared_at is not None:
        # Also where the beginning never got through: that it happened is worth knowing.
        occasion, due = Occasion.CLEARED, cleared_at
    elif record.told == 0 or record.last is None:
        occasion, due = Occasion.RAISED, raised_at
    elif record.told <= REMINDERS:
        occasion, due = Occasion.REMINDER, record.last + REMIND_AFTER
    else:
        return None
    return occasion, max(due, record.retry_at) if record.retry_at is not None else due


def succeeded(record: Record, occasion: Occasion, now: datetime, remark: str = "") -> Record:
    """The record after a message that went through. remark: what was not quite well with it."""
    done = occasion is Occasion.CLEARED
    return Record(told=record.told + (not done), last=now, done=done, error=remark)


def failed(
    record: Record,
    occasion: Occasion,
    now: datetime,
    error: str,
    *,
    permanent: bool,
    cleared_at: datetime | None,
) -> Record:
    """The record after a failed try. permanent: this message is not tried again, later occasions are."""
    if permanent:
        return succeeded(record, occasion, now, error)
    failures = record.failures + 1
    if cleared_at is not None and now - cleared_at > GIVE_UP_AFTER:
        return replace(record, done=True, failures=failures, retry_at=None, error=error)
    # The exponent is bounded, or a receiver that is away for a week would overflow the sum.
    wait = min(FIRST_RETRY * 2 ** min(failures - 1, 10), LONGEST_RETRY)
    return replace(record, failures=failures, retry_at=now + wait, error=error)
