"""Changes to a series: its future meetings follow, but for those that a person has touched."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.booking import clean
from schedules.errors import CalendarError
from schedules.matching import NEAR, pair
from schedules.models import Meeting, Series
from schedules.queries import cancel_meeting, edit_meeting, wiring_of
from schedules.recurrence import checked_rule, ended
from schedules.series import (
    Outcome,
    checked_length,
    get_series,
    materialise_series,
    slot_key,
    slots_of,
    wiring_of_series,
)
from schedules.settings import Settings
from schedules.states import MeetingState
from schedules.times import to_instant
from schedules.transitions import audit


def change_series(
    session: Session,
    settings: Settings,
    series_id: int,
    *,
    title: str | None = None,
    rule: str | None = None,
    first: datetime | None = None,
    minutes: int | None = None,
    until: datetime,
    now: datetime,
    who: str,
) -> Outcome:
    """Change the series, and with it its future meetings that nobody has touched; make what is missing up to `until`.

    A meeting is moved to the new rule's nearest slot; one that has none is cancelled. Meetings that were moved or
    cancelled by hand stay as they are, and their slot is not filled again. Raises CalendarError.
    """
    series = get_series(session, series_id)
    future = _future(session, series, now)
    touched = {meeting.id for meeting in future if _is_touched(settings, series, meeting)}
    start = datetime.fromisoformat(series.first) if first is None else first
    changes: dict[str, Any] = {
        "title": series.title if title is None else clean(title, "Rubriken", 200),
        "rule": checked_rule(series.rule if rule is None else rule, start),
        "first": slot_key(start),
        "minutes": checked_length(series.minutes if minutes is None else minutes),
    }
    changed = {name: value for name, value in changes.items() if value != getattr(series, name)}
    for name, value in changed.items():
        setattr(series, name, value)
    audit(session, who, "series.changed", f"series {series.id}", now, **changed)
    followed = _follow(session, settings, series, future, touched, until, now, who)
    made = materialise_series(session, settings, series, until, now, who)
    return Outcome(
        made=made.made,
        moved=followed.moved,
        cancelled=followed.cancelled,
        refused=followed.refused + made.refused,
    )


def end_series(
    session: Session, settings: Settings, series_id: int, *, last: date, now: datetime, who: str
) -> Outcome:
    """Let `last` be the last day of the series; its later meetings that nobody has touched are cancelled."""
    series = get_series(session, series_id)
    later = [m for m in _future(session, series, now) if (m.series_start or "")[:10] > last.isoformat()]
    untouched = [m for m in later if m.state is MeetingState.PLANNED and not _is_touched(settings, series, m)]
    series.rule = ended(series.rule, last)
    audit(session, who, "series.ended", f"series {series.id}", now, last=last.isoformat())
    for meeting in untouched:
        cancel_meeting(session, meeting.id, reason="Serien har avslutats.", now=now, who=who)
    return Outcome(cancelled=tuple(untouched))


def _follow(
    session: Session,
    settings: Settings,
    series: Series,
    future: list[Meeting],
    touched: set[int],
    until: datetime,
    now: datetime,
    who: str,
) -> Outcome:
    # Meetings made earlier further ahead than `until` follow too.
    until = max([until, *(meeting.planned_start + NEAR for meeting in future)])
    new = {slot: slot for slot in slots_of(settings, series, now, until)}
    old = {meeting: datetime.fromisoformat(str(meeting.series_start)) for meeting in future}
    pairs = pair(old, new)
    # All slots are given up first: two meetings may take each other's.
    for meeting in pairs:
        meeting.series_start = None
    session.flush()
    moved, cancelled, refused = [], [], []
    for meeting in future:
        slot = pairs.get(meeting)
        if slot is not None:
            meeting.series_start = slot_key(slot)
        if meeting.id in touched or meeting.state is not MeetingState.PLANNED:
            continue
        if slot is None:
            cancelled.append(
                cancel_meeting(session, meeting.id, reason="Serien har ändrats.", now=now, who=who)
            )
            continue
        before = (meeting.title, meeting.planned_start, meeting.planned_end)
        try:
            start = to_instant(slot, settings.zone)
            end = start + timedelta(minutes=series.minutes)
            edit_meeting(
                session, settings, meeting.id, title=series.title, start=start, end=end, now=now, who=who
            )
        except CalendarError as error:
            refused.append(f"{slot:%Y-%m-%d %H:%M}: {error}")
        else:
            if before != (meeting.title, meeting.planned_start, meeting.planned_end):
                moved.append(meeting)
    session.flush()
    return Outcome(moved=tuple(moved), cancelled=tuple(cancelled), refused=tuple(refused))


def _is_touched(settings: Settings, series: Series, meeting: Meeting) -> bool:
    start = to_instant(datetime.fromisoformat(str(meeting.series_start)), settings.zone)
    as_made = (
        series.title,
        start,
        start + timedelta(minutes=series.minutes),
        wiring_of_series(settings, series),
    )
    return as_made != (meeting.title, meeting.planned_start, meeting.planned_end, wiring_of(meeting))


def _future(session: Session, series: Series, now: datetime) -> list[Meeting]:
    query = select(Meeting).where(
        Meeting.series_id == series.id,
        Meeting.planned_start > now,
        Meeting.state.in_((MeetingState.PLANNED, MeetingState.CANCELLED)),
        Meeting.series_start.is_not(None),
    )
    return list(session.scalars(query.order_by(Meeting.planned_start)))
