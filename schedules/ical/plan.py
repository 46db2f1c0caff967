"""What an import does to the calendar, to be shown before or after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Fate(StrEnum):
    """What became of a meeting."""

    ADDED = "added"
    MOVED = "moved"  # another time, title or agenda
    CANCELLED = "cancelled"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One meeting, as it is after the import; `before`: its start until now, where that was another."""

    fate: Fate
    meeting_id: int
    body: str
    title: str
    start: datetime
    end: datetime
    before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ImportPlan:
    """What an import does. `refused`: a Swedish sentence for each event that was not taken."""

    changes: tuple[Change, ...]
    refused: tuple[str, ...]

    def of(self, fate: Fate) -> tuple[Change, ...]:
        """The changes of one kind, earliest first."""
        return tuple(
            sorted((c for c in self.changes if c.fate is fate), key=lambda c: (c.start, c.meeting_id))
        )
