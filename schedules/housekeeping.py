"""What is done once a day and at every start: meetings from series, old live files removed, retention."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from schedules.database import Database
from schedules.elsewhere_rows import retake_deferred
from schedules.models import AwareUTC, Meeting, Video
from schedules.series import materialise
from schedules.settings import Settings
from schedules.states import MeetingState, VideoState
from schedules.videos import destroy_files

SERIES_AHEAD = timedelta(days=400)
LIVE_FILES_KEPT = timedelta(days=1)  # a viewer may still be behind; the archive has it long since
OVER = (MeetingState.ENDED, MeetingState.CANCELLED, MeetingState.MISSED)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What was done: meetings made from series, live folders removed (meeting ids), videos past their retention."""

    made: int
    removed: tuple[int, ...]
    expired: tuple[int, ...]


def keep_house(database: Database, settings: Settings, now: datetime) -> Kept:
    """Do it all; a second time changes nothing. Videos past their retention are only named: to destroy an official
    record is for a person to do, after the decision that permits it."""
    with database.session() as session:
        made = len(materialise(session, settings, now + SERIES_AHEAD, now, "scheduler"))
    with database.session() as session:
        removed = _remove_live_files(session, settings, now)
        expired = _expired(session, settings, now)
        for video in session.scalars(select(Video).where(Video.state == VideoState.DELETED)):
            destroy_files(settings, video)  # where the one who deleted it was killed in between
    with database.session() as session:
        retake_deferred(session, now)
    if made or removed:
        log.info("house kept", meetings_made=made, live_folders_removed=removed)
    for video in expired:
        assert video.body is not None  # noqa: S101 - _expired has looked
        decision = settings.bodies[video.body].retention_decision
        log.warning("video past its retention", video=video.id, body=video.body, decision=decision)
    return Kept(made=made, removed=tuple(removed), expired=tuple(video.id for video in expired))


def _remove_live_files(session: Session, settings: Settings, now: datetime) -> list[int]:
    root = settings.data / "live"
    ids = [int(folder.name) for folder in root.glob("*") if folder.name.isdecimal() and folder.is_dir()]
    end = func.coalesce(Meeting.ended_at, Meeting.planned_end, type_=AwareUTC)
    over = select(Meeting.id).where(Meeting.id.in_(ids), Meeting.state.in_(OVER), end < now - LIVE_FILES_KEPT)
    removed = sorted(session.scalars(over))
    for meeting_id in removed:
        shutil.rmtree(settings.live_folder(meeting_id), ignore_errors=True)
    return removed


def _expired(session: Session, settings: Settings, now: datetime) -> list[Video]:
    found: list[Video] = []
    for key, body in settings.bodies.items():
        if body.retention_days is not None:
            limit = now - timedelta(days=body.retention_days)
            mine = select(Video).where(
                Video.body == key, Video.recorded_at < limit, Video.state != VideoState.DELETED
            )
            found += session.scalars(mine.order_by(Video.id))
    return found
