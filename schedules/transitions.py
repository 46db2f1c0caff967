"""Moves a row from one state to another, once, by a conditional UPDATE with its audit entry.

Two processes may want the same move; the database decides who was first (the pattern of healthchecks'
`num_updated != 1`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from schedules.models import AuditEntry, Meeting, Publication, Video
from schedules.states import (
    MEETING_MOVES,
    PUBLICATION_MOVES,
    VIDEO_MOVES,
    MeetingState,
    PublicationState,
    VideoState,
)


def move_meeting(
    session: Session, meeting_id: int, to: MeetingState, *, now: datetime, who: str, **changes: Any
) -> bool:
    """Move a meeting to `to` with `changes` to its other columns. False: it was not in a state that allows it."""
    allowed = [state for state, targets in MEETING_MOVES.items() if to in targets]
    moved = _move(session, Meeting, meeting_id, allowed, to, changes)
    if moved:
        audit(session, who, f"meeting.{to}", f"meeting {meeting_id}", now)
    return moved


def move_video(
    session: Session, video_id: int, to: VideoState, *, now: datetime, who: str, **changes: Any
) -> bool:
    """Move a video to `to` with `changes` to its other columns. False: it was not in a state that allows it."""
    allowed = [state for state, targets in VIDEO_MOVES.items() if to in targets]
    moved = _move(session, Video, video_id, allowed, to, changes)
    if moved:
        audit(session, who, f"video.{to}", f"video {video_id}", now)
    return moved


def move_publication(
    session: Session, publication_id: int, to: PublicationState, *, now: datetime, who: str, **changes: Any
) -> bool:
    """Move a publication to `to` with `changes` to its other columns. False: it was not in a state that allows it."""
    allowed = [state for state, targets in PUBLICATION_MOVES.items() if to in targets]
    moved = _move(session, Publication, publication_id, allowed, to, changes)
    if moved:
        audit(session, who, f"publication.{to}", f"publication {publication_id}", now)
    return moved


def audit(session: Session, who: str, what: str, subject: str, now: datetime, **detail: Any) -> None:
    """Write down who did what."""
    session.add(AuditEntry(at=now, who=who, what=what, subject=subject, detail=detail))


def _move(
    session: Session,
    table: type[Meeting] | type[Video] | type[Publication],
    row_id: int,
    allowed: list[Any],
    to: Any,
    changes: dict[str, Any],
) -> bool:
    statement = update(table).where(table.id == row_id, table.state.in_(allowed)).values(state=to, **changes)
    return cast("CursorResult[Any]", session.execute(statement)).rowcount == 1
