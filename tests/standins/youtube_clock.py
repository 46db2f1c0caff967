"""The stand-in's clock: real time, and as much more as a test has put it forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


class Clock:
    """Aware UTC; `advance` replaces waiting."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        """From now on it is `moment` (aware) and goes on from there."""
        self._ahead = moment - datetime.now(UTC)


def pacific_day(moment: datetime) -> str:
    """The day whose quota a moment belongs to: it ends at midnight Pacific."""
    return moment.astimezone(PACIFIC).date().isoformat()


def rfc3339(moment: datetime) -> str:
    """As YouTube writes it: 2026-11-24T18:30:00Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Aware UTC. ValueError where the text is no time or has no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)
