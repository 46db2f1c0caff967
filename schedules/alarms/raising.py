"""Raises and clears alarms: one open alarm of each kind and subject, however many processes see the same thing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from schedules.alarms.kinds import AlarmKind
from schedules.alarms.rules import Change, Raise
from schedules.models import Alarm

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def meeting_subject(meeting_id: int, part: str = "") -> str:
    """The subject of an alarm about a meeting, or about one `part` of it (a platform's key)."""
    return f"meeting {meeting_id} {part}".rstrip()


def raise_alarm(
    session: Session,
    kind: AlarmKind,
    subject: str,
    message: str,
    now: datetime,
    meeting_id: int | None = None,
) -> Alarm | None:
    """Open an alarm, to be told by the next `tell`. None: one of that kind and subject is open already.

    message: one Swedish sentence that ends with what to do; it is mailed and shown, so no secrets.
    """
    insert = _INSERT[session.get_bind().dialect.name](Alarm)
    opened = session.scalar(
        insert.values(
            kind=kind.value,
            subject=subject[:100],
            message=message,
            raised_at=now,
            meeting_id=meeting_id,
            tell_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Alarm.id)
    )
    return None if opened is None else session.get(Alarm, opened)


def clear_alarm(session: Session, kind: AlarmKind, subject: str, now: datetime) -> bool:
    """Close the open alarm of that kind and subject; the end is told too. False: none was open."""
    statement = (
        update(Alarm)
        .where(Alarm.kind == kind.value, Alarm.subject == subject[:100], Alarm.cleared_at.is_(None))
        .values(cleared_at=now, tell_at=now)
    )
    return cast("CursorResult[Any]", session.execute(statement)).rowcount == 1


def open_alarms(session: Session, meeting_id: int | None = None) -> list[Alarm]:
    """The alarms that are open, oldest first; of one meeting where it is given."""
    statement = select(Alarm).where(Alarm.cleared_at.is_(None)).order_by(Alarm.raised_at, Alarm.id)
    if meeting_id is not None:
        statement = statement.where(Alarm.meeting_id == meeting_id)
    return list(session.scalars(statement))


def clear_meeting(session: Session, meeting_id: int, kinds: Iterable[AlarmKind], now: datetime) -> int:
    """Close all open alarms of `kinds` about a meeting, such as all that was on air when it has ended."""
    statement = (
        update(Alarm)
        .where(
            Alarm.meeting_id == meeting_id,
            Alarm.kind.in_([k.value for k in kinds]),
            Alarm.cleared_at.is_(None),
        )
        .values(cleared_at=now, tell_at=now)
    )
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def apply_changes(session: Session, meeting_id: int, changes: Iterable[Change], now: datetime) -> None:
    """Raise and clear what `AlarmRules.observe` said about a meeting."""
    for change in changes:
        subject = meeting_subject(meeting_id, change.part)
        if isinstance(change, Raise):
            raise_alarm(session, change.kind, subject, change.message, now, meeting_id)
        else:
            clear_alarm(session, change.kind, subject, now)
