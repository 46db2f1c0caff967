"""What a receiver is handed, and how it says that it could not pass it on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from schedules.alarms.kinds import heading
from schedules.alarms.plan import Occasion


class TellError(Exception):
    """A receiver could not be told. The message is one Swedish sentence without secrets.

    `permanent` alone decides about another try: True where none can help before somebody has changed a setting.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, kw_only=True)
class About:
    """The meeting an alarm is about."""

    id: int
    title: str
    planned_start: datetime
    address: str  # of its public page


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One alarm on one occasion, at `now`."""

    alarm_id: int
    occasion: Occasion
    kind: str
    subject: str
    message: str
    raised_at: datetime
    cleared_at: datetime | None
    meeting: About | None
    now: datetime
    zone: ZoneInfo

    @property
    def headline(self) -> str:
        """One line that says all: the occasion, what, and which meeting."""
        begins = {Occasion.RAISED: "Larm", Occasion.REMINDER: "Kvarstår", Occasion.CLEARED: "Över"}[
            self.occasion
        ]
        # A title is typed by people and may hold a line break, which a mail header must not.
        where = f" – {' '.join(self.meeting.title.split())}" if self.meeting else ""
        return f"{begins}: {heading(self.kind)}{where}"

    @property
    def since(self) -> str:
        """Since when, or from when to when, in local time."""
        lasted = _length((self.cleared_at or self.now) - self.raised_at)
        if self.cleared_at is None:
            return f"Sedan {self.local(self.raised_at)} ({lasted})."
        return f"Från {self.local(self.raised_at)} till {self.local(self.cleared_at)} ({lasted})."

    def local(self, when: datetime) -> str:
        """Local time with seconds, for people."""
        return when.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")


def _length(span: timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    if seconds < 120:
        return f"{seconds} sekunder" if seconds != 1 else "1 sekund"
    minutes = seconds // 60
    return f"{minutes} minuter" if minutes < 120 else f"{minutes // 60} timmar {minutes % 60} minuter"
