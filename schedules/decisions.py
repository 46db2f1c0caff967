"""What a person decides about a video: approve, withdraw, restore, try again.

Each takes effect at once or is refused with a sentence; each leaves its audit entry. `who` is the person.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import clear_alarm
from schedules.channels import open_channel
from schedules.models import Video
from schedules.settings import Settings
from schedules.states import VideoState
from schedules.transitions import audit, move_video
from schedules.videos import VideoRefused
from uploader.errors import UploadError

STATES = {
    VideoState.PROCESSING: "bearbetas",
    VideoState.REVIEW: "väntar på godkännande",
    VideoState.APPROVED: "är godkänd och publiceras",
    VideoState.PUBLISHED: "är publicerad",
    VideoState.WITHDRAWN: "är tillbakadragen",
    VideoState.FAILED: "har stannat på ett fel",
}


def approve(session: Session, video: Video, *, who: str, now: datetime) -> None:
    """Let a reviewed video go on to its channel; the worker takes it from here. Raises VideoRefused."""
    if video.state is not VideoState.REVIEW:
        raise VideoRefused(
            f"Video {video.id} {STATES[video.state]}. Bara en video som väntar på godkännande kan godkännas."
        )
    _move(session, video, VideoState.APPROVED, who, now, step="", percent=0.0, error="")
    clear_alarm(session, AlarmKind.REVIEW_WAITING, f"video {video.id}", now)


def withdraw(
    session: Session, settings: Settings, video: Video, *, reason: str, who: str, now: datetime
) -> None:
    """Take a published video off the air, now. The files remain. Raises VideoRefused, UploadError."""
    if video.state is not VideoState.PUBLISHED:
        raise VideoRefused(
            f"Video {video.id} {STATES[video.state]}. Bara en publicerad video kan dras tillbaka."
        )
    if not reason.strip():
        raise VideoRefused("Skriv varför videon dras tillbaka: skälet sparas med den.")
    _move(session, video, VideoState.WITHDRAWN, who, now)
    # Before the commit: should we die in between, the video is off the air and the row says published, which
    # the same command mends. The other way round it would be on the air and said to be gone.
    for publication in video.publications:
        open_channel(settings, publication.channel).withdraw(publication.address, reason)
        publication.withdrawn_at, publication.withdraw_reason = now, reason
    audit(session, who, "video.reason", f"video {video.id}", now, reason=reason)


def restore(session: Session, settings: Settings, video: Video, *, who: str, now: datetime) -> None:
    """Put a withdrawn video back under the same address. Raises VideoRefused, UploadError."""
    if video.state is not VideoState.WITHDRAWN:
        raise VideoRefused(
            f"Video {video.id} {STATES[video.state]}. Bara en tillbakadragen video kan återställas."
        )
    _move(session, video, VideoState.APPROVED, who, now, step="", percent=0.0, error="")
    try:
        for publication in video.publications:
            open_channel(settings, publication.channel).restore(publication.address)
    except UploadError as error:
        if not error.permanent:
            raise
        return  # the files are gone there: APPROVED stands, and the worker publishes it anew
    for publication in video.publications:
        publication.withdrawn_at, publication.withdraw_reason = None, ""
    _move(session, video, VideoState.PUBLISHED, who, now)


def retry(session: Session, video: Video, *, who: str, now: datetime) -> None:
    """Try a failed video again: only the publishing where that is what failed, else all. Raises VideoRefused."""
    if video.state is not VideoState.FAILED:
        raise VideoRefused(
            f"Video {video.id} {STATES[video.state]}. Bara en video som stannat på ett fel kan köras om."
        )
    rendered = video.rendition is not None and video.rendition.is_file()
    to = VideoState.APPROVED if video.step == "publish" and rendered else VideoState.PROCESSING
    _move(session, video, to, who, now, step="", percent=0.0, error="")
    # A person is at it; should it fail again, that is told anew.
    clear_alarm(session, AlarmKind.PIPELINE_FAILED, f"video {video.id}", now)


def _move(session: Session, video: Video, to: VideoState, who: str, now: datetime, **changes: object) -> None:
    if not move_video(session, video.id, to, now=now, who=who, **changes):
        raise VideoRefused(f"Video {video.id} ändrades just av någon annan. Se efter och försök igen.")
    session.refresh(video)
