"""Moves of several meetings at once: which of them can be had together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from schedules.booking import check_source_is_free, check_times
from schedules.errors import CalendarError
from schedules.models import Meeting
from schedules.settings import Settings

Times = tuple[datetime, datetime]


def find_room(
    session: Session, settings: Settings, wanted: Mapping[Meeting, Times], now: datetime
) -> dict[Meeting, CalendarError]:
    """Which of the wanted (start, end) cannot be had, and why. Nothing is changed.

    They are weighed as if all had been moved already, so that meetings may take each other's times; one that collides
    even so keeps its old time, which may be in the way of others in turn.
    """
    refused: dict[Meeting, CalendarError] = {}
    for meeting, (start, end) in wanted.items():
        try:
            check_times(start, end, now)
        except CalendarError as error:
            refused[meeting] = error
    old = {meeting: (meeting.planned_start, meeting.planned_end) for meeting in wanted}
    moved = {meeting: times for meeting, times in wanted.items() if meeting not in refused}
    _place(session, moved)
    while (collision := _collision(session, settings, moved)) is not None:
        loser, why = collision
        refused[loser] = why
        _place(session, {loser: old[loser]})
        del moved[loser]
    _place(session, old)
    return refused


def _place(session: Session, times: Mapping[Meeting, Times]) -> None:
    for meeting, (start, end) in times.items():
        meeting.planned_start, meeting.planned_end = start, end
    session.flush()


def _collision(
    session: Session, settings: Settings, moved: Mapping[Meeting, Times]
) -> tuple[Meeting, CalendarError] | None:
    for meeting, (start, end) in moved.items():
        try:
            check_source_is_free(session, settings, meeting.source, start, end, but=meeting.id)
        except CalendarError as error:
            return meeting, error
    return None
