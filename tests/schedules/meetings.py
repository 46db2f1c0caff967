"""Rows for the tests of the tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schedules.models import Meeting, Video

START = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


def new_meeting(**columns: Any) -> Meeting:
    """A planned meeting, not yet in a session, with these columns instead of the usual ones."""
    start: datetime = columns.get("planned_start", START)
    usual: dict[str, Any] = {
        "body": "kf",
        "title": "Kommunfullmäktige",
        "planned_start": start,
        "planned_end": start + timedelta(hours=3),
        "source": "test",
        "platforms": ["local"],
        "channel": "archive",
    }
    return Meeting(**(usual | columns))


def new_video(**columns: Any) -> Video:
    """A video in the works, not yet in a session, with these columns instead of the usual ones."""
    usual: dict[str, Any] = {
        "key": "q3x",
        "title": "Kommunfullmäktige",
        "recorded_at": START,
        "channel": "archive",
        "original": Path("/var/lib/laktare/recordings/1"),
    }
    return Video(**(usual | columns))
