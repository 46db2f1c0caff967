"""Videos: how they come into the house and how they are found."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from schedules.models import Meeting, Video
from schedules.settings import Settings
from schedules.states import Audience, VideoState
from schedules.transitions import audit


class VideoRefused(ValueError):
    """What was asked of a video cannot be done. The message is a Swedish sentence that says what to do."""


def enqueue_meeting(session: Session, settings: Settings, meeting: Meeting, now: datetime) -> Video:
    """Make the video of an ended meeting, or return the one it has; the worker finds it by itself.

    Safe from two processes at once: meeting_id is unique.
    """
    known = _video_of(session, meeting.id)
    if known is not None:
        return known
    body = settings.bodies.get(meeting.body)
    video = Video(
        key=new_key(),
        meeting_id=meeting.id,
        title=meeting.title,
        body=meeting.body,
        recorded_at=meeting.began_at or meeting.on_air_at or meeting.planned_start,
        channel=meeting.channel,
        also=list(meeting.also),
        audience=meeting.audience,
        # A body that is no longer in the settings is not a reason to publish unseen.
        review=body is None or body.review == "required",
        original=settings.recording_folder(meeting.id).absolute(),
    )
    try:
        with session.begin_nested():
            session.add(video)
    except IntegrityError:
        known = _video_of(session, meeting.id)
        if known is None:
            raise
        return known
    audit(session, "laktare", "video.created", f"video {video.id}", now, meeting=meeting.id)
    return video


def add_file(
    session: Session,
    *,
    key: str,
    original: Path,
    title: str,
    body: str | None,
    channel: str,
    also: list[str],
    audience: Audience,
    review: bool,
    recorded_at: datetime,
    who: str,
    now: datetime,
) -> Video:
    """Make the video of a file that already lies at `original` in the data folder."""
    video = Video(
        key=key,
        title=title,
        body=body,
        recorded_at=recorded_at,
        channel=channel,
        also=also,
        audience=audience,
        review=review,
        original=original,
    )
    session.add(video)
    session.flush()
    audit(session, who, "video.created", f"video {video.id}", now, file=original.name)
    return video


def destroy_files(settings: Settings, video: Video) -> None:
    """Remove what a deleted video was made of and from: its rendition and its original. Twice is harmless."""
    original = video.original
    # A recording is a folder of its own; a file that was handed in lies alone in one.
    folder = original if original.is_dir() else original.parent
    for place in (settings.work_folder(video.key).absolute(), folder.absolute()):
        if settings.data.absolute() in place.parents:  # never outside the data folder
            shutil.rmtree(place, ignore_errors=True)


def new_key() -> str:
    """A name for a video's folder and address that cannot be guessed: 96 random bits."""
    return secrets.token_hex(12)


def find_video(session: Session, name: str) -> Video:
    """The video with that number or key. Raises VideoRefused."""
    number = int(name) if name.isascii() and name.isdecimal() and len(name) < 18 else None
    video = session.get(Video, number) if number is not None else None
    video = video or session.scalar(select(Video).where(Video.key == name))
    if video is None:
        raise VideoRefused(f"Video {name} finns inte. Numren visas av laktare video list.")
    return video


def list_videos(
    session: Session, *, states: Sequence[VideoState] | None = None, limit: int | None = None
) -> Sequence[Video]:
    """Videos, the latest recorded first."""
    query = select(Video).order_by(Video.recorded_at.desc(), Video.id.desc()).limit(limit)
    return session.scalars(query if states is None else query.where(Video.state.in_(states))).all()


def _video_of(session: Session, meeting_id: int) -> Video | None:
    return session.scalar(select(Video).where(Video.meeting_id == meeting_id))
