"""What the last import saw of an event, part by part: only what the calendar has changed since is changed here, so
that a title that was bettered by hand outlives a change of the hour."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256

from schedules.ical.reading import Occurrence

_CANCELLED = "cancelled-"  # before the fingerprint of a meeting that the import itself has cancelled


class Part(StrEnum):
    """What is compared."""

    TIME = "time"
    TITLE = "title"
    AGENDA = "agenda"


def fingerprint(event: Occurrence) -> str:
    """At most 64 characters, for `Meeting.ical_hash`."""
    times = f"{event.start.isoformat()} {event.end.isoformat() if event.end else ''}"
    return "-".join(_digest(part) for part in (times, event.summary, "\n".join(event.agenda)))


def changed_parts(seen: str | None, event: Occurrence) -> set[Part]:
    """What is other than when `seen` was taken. An event that was cancelled and is back is all new."""
    before, after = (seen or "").split("-"), fingerprint(event).split("-")
    if len(before) != len(after):
        return set(Part)
    return {part for part, old, new in zip(Part, before, after, strict=True) if old != new}


def mark_cancelled(seen: str | None) -> str:
    """The fingerprint of a meeting that the import cancels, so that it may be the one to restore it."""
    return _CANCELLED + (seen or "")


def is_marked_cancelled(seen: str | None) -> bool:
    """Whether it was the import that cancelled, and not a person."""
    return (seen or "").startswith(_CANCELLED)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
