"""One run of an import: what it works with and what it has found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from schedules.ical.plan import Change, Fate, ImportPlan
from schedules.ical.reading import Occurrence
from schedules.models import Meeting
from schedules.settings import Settings
from schedules.times import show_local


@dataclass(kw_only=True)
class Run:
    """`body`: of all events, None: by their texts."""

    session: Session
    settings: Settings
    body: str | None
    now: datetime
    who: str
    changes: list[Change] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def note(self, fate: Fate, meeting: Meeting, before: datetime | None = None) -> None:
        """Write down what became of a meeting; `before`: its start until now."""
        self.changes.append(
            Change(
                fate=fate,
                meeting_id=meeting.id,
                body=meeting.body,
                title=meeting.title,
                start=meeting.planned_start,
                end=meeting.planned_end,
                before=before if before != meeting.planned_start else None,
            )
        )

    def refuse(self, event: Occurrence | Meeting, why: object) -> None:
        """Write down why an event was not taken."""
        title, start = (
            (event.summary, event.start)
            if isinstance(event, Occurrence)
            else (event.title, event.planned_start)
        )
        self.refused.append(
            f"{title or 'En händelse utan rubrik'}, {show_local(start, self.settings.zone)}: {why}"
        )

    def plan(self) -> ImportPlan:
        """All of it."""
        return ImportPlan(changes=tuple(self.changes), refused=tuple(dict.fromkeys(self.refused)))
