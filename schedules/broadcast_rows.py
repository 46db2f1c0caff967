"""The rows of meetings' broadcasts on platforms elsewhere: what they are to be there, and what was seen of them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broadcast.events import (
    BroadcastHealth,
    BroadcastSeen,
    PlatformEvent,
    PlatformTrouble,
    PlatformWell,
    ViewersCounted,
)
from broadcast.platforms.youtube.plan import OVER, BroadcastPlan
from schedules.database import Database
from schedules.locks import AdvisoryLock, FileLock
from schedules.models import Broadcast, Meeting, ViewerCount
from schedules.settings import Settings
from schedules.states import Audience
from schedules.wording import Wording, meeting_page, meeting_wording, templates_of, written_day
from uploader.metadata import MARKER, compose

GONE = "gone"  # state: a person deleted it there; it is not made again
DELETED = "deleted"  # state: we did
LOCK_KEYS = 0x4C414B5400000000  # the database's advisory locks of broadcasts: their row's id is added
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def wanted_platforms(settings: Settings, meeting: Meeting) -> list[str]:
    """The platforms elsewhere on which the meeting is to be sent: none for one that only staff may see."""
    if meeting.audience is not Audience.PUBLIC:
        return []
    kinds = {key: platform.kind for key, platform in settings.platforms.items()}
    return [key for key in meeting.platforms if kinds.get(key) == "youtube"]


def row_of(session: Session, meeting_id: int, platform: str) -> Broadcast:
    """The row of a meeting on a platform, made where there is none."""
    insert = _INSERT[session.get_bind().dialect.name](Broadcast)
    new = insert.values(meeting_id=meeting_id, platform=platform, **_fresh())
    session.execute(new.on_conflict_do_nothing())
    return session.scalars(
        select(Broadcast).where(Broadcast.meeting_id == meeting_id, Broadcast.platform == platform)
    ).one()


def renew(row: Broadcast) -> None:
    """Let the row stand for a new broadcast: the old one is deleted or ended, and the meeting is to be sent again."""
    for name, value in _fresh().items():
        setattr(row, name, value)
    row.live_at = row.ended_at = row.deleted_at = None


def _fresh() -> dict[str, str]:
    empty = dict.fromkeys(("address", "state", "health", "told", "error"), "")
    return {"marker": secrets.token_hex(8), **empty}


def plan_of(settings: Settings, meeting: Meeting, row: Broadcast) -> BroadcastPlan:
    """What the broadcast is to be. Raises MetadataError where its texts break YouTube's limits."""
    return _plan(settings, meeting, row, meeting_wording(settings, meeting))


def plain_plan(settings: Settings, meeting: Meeting, row: Broadcast) -> BroadcastPlan:
    """The same with texts that always fit, for a meeting that must go on air now."""
    title = f"Sammanträde {written_day(meeting.planned_start, settings.zone)}"
    return _plan(settings, meeting, row, Wording(title=title, description=meeting_page(settings, meeting.id)))


def _plan(settings: Settings, meeting: Meeting, row: Broadcast, wording: Wording) -> BroadcastPlan:
    return BroadcastPlan(
        marker=MARKER + row.marker,
        title=wording.title,
        description=compose(wording.description, (), 0, row.marker).text,
        starts=meeting.planned_start,
        privacy=templates_of(settings, meeting.body).privacy,
        monitor=settings.platforms[row.platform].monitor,
        stream=f"Läktare {meeting.source}",
    )


def hash_of(plan: BroadcastPlan) -> str:
    """What tells this plan from any other."""
    return hashlib.sha256(repr(asdict(plan)).encode()).hexdigest()


def follow(session: Session, meeting_id: int, event: PlatformEvent) -> None:
    """Write down what was seen of a meeting's broadcast."""
    if isinstance(event, ViewersCounted):
        count = {
            "meeting_id": meeting_id,
            "platform": event.platform,
            "at": event.at,
            "viewers": event.viewers,
        }
        session.merge(ViewerCount(**count))
        return
    row = row_of(session, meeting_id, event.platform)
    match event:
        case BroadcastSeen():
            row.address, row.state, row.error = event.address, event.state[:20], ""
            if event.state == "live":
                row.live_at = row.live_at or event.began or event.at
            elif event.state in OVER:
                row.ended_at = row.ended_at or event.at
            if event.state == GONE:
                row.deleted_at = row.deleted_at or event.at
            elif event.state not in OVER:
                row.deleted_at = None  # it was made just after it had been looked for in order to be deleted
        case BroadcastHealth():
            row.health = event.health[:20]
        case PlatformTrouble():
            row.error = event.reason
        case PlatformWell():
            row.error = ""


@contextmanager
def our_turn(settings: Settings, database: Database, row_id: int) -> Iterator[bool]:
    """Held while a broadcast is made, edited or taken away: two processes that look for it at the same time would both
    find none. False: another process has the turn."""
    file_lock = FileLock(settings.data / "run" / f"broadcast-{row_id}.lock")
    advisory_lock = AdvisoryLock(database.engine, LOCK_KEYS + row_id)
    try:
        yield file_lock.take() and advisory_lock.take()
    finally:
        advisory_lock.give_back()
        file_lock.give_back()
