"""What a person decides about a video: approve, withdraw, restore, cut anew, destroy, try again.

Each takes effect at once or is refused with a sentence; each leaves its audit entry. `who` is the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from broadcast.cuts import Cut, original_second
from schedules.adoption import broadcasts_of
from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import clear_alarm
from schedules.channels import open_channel
from schedules.elsewhere_rows import SHOWING, claim_broadcasts, doubt, publication_subject, reopen, skipped
from schedules.models import Publication, Video
from schedules.settings import Settings
from schedules.states import VIDEO_MOVES, PublicationState, VideoState
from schedules.transitions import audit, move_video
from schedules.videos import VideoRefused
from uploader.errors import UploadError

ON_THE_WAY = frozenset({VideoState.PROCESSING, VideoState.REVIEW, VideoState.APPROVED, VideoState.FAILED})
STATES = {
    VideoState.PROCESSING: "bearbetas",
    VideoState.REVIEW: "väntar på godkännande",
    VideoState.APPROVED: "är godkänd och publiceras",
    VideoState.PUBLISHED: "är publicerad",
    VideoState.WITHDRAWN: "är tillbakadragen",
    VideoState.FAILED: "har stannat på ett fel",
    VideoState.DELETED: "är gallrad",
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
    """Take a video off the air here, now; the worker, or `elsewhere_steps.take_down`, does it on its other channels.

    One that is being made or reviewed can be seen too: its former cut here, and what platforms recorded of its meeting.
    That is hidden, and the new film then goes out by an approval only. The files remain. Raises VideoRefused,
    UploadError."""
    # Locked, so that what is on its way does not come out in between.
    session.refresh(video, with_for_update=True)
    before = video.state is not VideoState.PUBLISHED
    if before and not (video.state in ON_THE_WAY and _is_seen(settings, video)):
        raise VideoRefused(
            f"Video {video.id} {STATES[video.state]}. Bara en publicerad video kan dras tillbaka."
        )
    if not reason.strip():
        raise VideoRefused("Skriv varför videon dras tillbaka: skälet sparas med den.")
    if not before:
        _move(session, video, VideoState.WITHDRAWN, who, now)
    elif video.state is VideoState.APPROVED:
        _move(session, video, VideoState.REVIEW, who, now, step="", percent=0.0, error="")
    video.review = video.review or before
    claim_broadcasts(settings, video)
    if not _at_home(video):
        video.publications.append(Publication(channel=video.channel, address="", version=0))
    # Before the commit: should we die in between, the video is off the air and the row says published, which
    # the same command mends. The other way round it would be on the air and said to be gone.
    for publication in _at_home(video):
        if publication.address:
            open_channel(settings, publication.channel).withdraw(publication.address, reason)
        publication.state = PublicationState.WITHDRAWN
        publication.withdrawn_at, publication.withdraw_reason = now, reason
    audit(session, who, "video.hidden" if before else "video.reason", f"video {video.id}", now, reason=reason)


def restore(session: Session, settings: Settings, video: Video, *, who: str, now: datetime) -> None:
    """Put a withdrawn video back under the same address. Raises VideoRefused, UploadError."""
    if video.state is not VideoState.WITHDRAWN:
        raise VideoRefused(
            f"Video {video.id} {STATES[video.state]}. Bara en tillbakadragen video kan återställas."
        )
    _move(session, video, VideoState.APPROVED, who, now, step="", percent=0.0, error="")
    for publication in _elsewhere(video):
        # Also where it was hidden by half only, or not yet.
        if publication.state not in (PublicationState.FAILED, PublicationState.DELETED):
            reopen(publication, SHOWING)
        clear_alarm(session, AlarmKind.STILL_PUBLIC, publication_subject(publication.id), now)
    try:
        for publication in _at_home(video):
            open_channel(settings, publication.channel).restore(publication.address)
    except UploadError as error:
        if not error.permanent:
            raise
        return  # the files are gone there: APPROVED stands, and the worker publishes it anew
    for publication in _at_home(video):
        publication.state = PublicationState.PUBLISHED
        publication.withdrawn_at, publication.withdraw_reason = None, ""
    _move(session, video, VideoState.PUBLISHED, who, now)


def retry(session: Session, video: Video, *, who: str, now: datetime) -> None:
    """Try again what failed: all of it, the publishing here, or that on another channel. Raises VideoRefused."""
    stuck = [p for p in _elsewhere(video) if p.state is PublicationState.FAILED or skipped(p)]
    if video.state is VideoState.PUBLISHED and stuck:
        for publication in stuck:
            if publication.state is PublicationState.FAILED and publication.address:
                doubt(publication)
            reopen(publication, ())
            for kind in (AlarmKind.PIPELINE_FAILED, AlarmKind.PUBLICATION_INCOMPLETE):
                clear_alarm(session, kind, publication_subject(publication.id), now)
            audit(session, who, "publication.retried", publication_subject(publication.id), now)
        return
    if video.state is not VideoState.FAILED:
        raise VideoRefused(
            f"Video {video.id} {STATES[video.state]}. Bara en video som stannat på ett fel kan köras om."
        )
    rendered = video.rendition is not None and video.rendition.is_file()
    hidden = any(publication.state is PublicationState.WITHDRAWN for publication in _at_home(video))
    approved = video.step == "publish" and rendered and not hidden
    to = VideoState.APPROVED if approved else VideoState.PROCESSING
    _move(session, video, to, who, now, step="", percent=0.0, error="")
    # A person is at it; should it fail again, that is told anew.
    clear_alarm(session, AlarmKind.PIPELINE_FAILED, f"video {video.id}", now)


def cut(
    session: Session,
    video: Video,
    *,
    pieces: Sequence[tuple[float, float]],
    reason: str,
    who: str,
    now: datetime,
) -> None:
    """Have `pieces` (start, end in s of the film as it is now) cut away besides what was cut before, and the film made
    anew; where it is published, the new one then takes its place behind the same page. Raises VideoRefused."""
    if video.state not in (VideoState.REVIEW, VideoState.PUBLISHED, VideoState.WITHDRAWN):
        raise VideoRefused(
            f"Video {video.id} {STATES[video.state]}. Bara en färdig film kan klippas om: vänta eller kör om den."
        )
    if not reason.strip():
        raise VideoRefused("Skriv varför videon klipps: skälet sparas med den.")
    if not pieces:
        raise VideoRefused("Säg vad som ska bort, t.ex. --remove 0:10:00-0:12:30.")
    made = [Cut(float(c["start"]), float(c["end"]), str(c["reason"])) for c in video.made_cuts]
    for start, end in pieces:
        if not 0 <= start < end <= (video.duration or 0) + 0.5:
            raise VideoRefused(
                f"Filmen är {video.duration or 0:.0f} sekunder lång; det som ska bort måste ligga i den och sluta efter"
                " att det börjar."
            )
    new = [
        {"start": original_second(start, made), "end": original_second(end, made), "reason": reason.strip()}
        for start, end in pieces
    ]
    cuts = [*video.cuts, *new]
    _move(session, video, VideoState.PROCESSING, who, now, cuts=cuts, step="", percent=0.0, error="")
    clear_alarm(session, AlarmKind.REVIEW_WAITING, f"video {video.id}", now)
    audit(session, who, "video.cut", f"video {video.id}", now, pieces=new)


def delete(
    session: Session, settings: Settings, video: Video, *, decision: str, who: str, now: datetime
) -> None:
    """Destroy a video by the retention decision with that reference: here now, elsewhere, with what platforms recorded
    of its meeting, by the worker or `elsewhere_steps.take_down`, its files by `destroy_files`. Raises VideoRefused,
    UploadError."""
    decision = decision.strip()
    if not decision:
        raise VideoRefused(
            "En video får bara gallras efter ett beslut: ange dess beteckning, t.ex. KS 2026/123."
        )
    body = settings.bodies.get(video.body or "")
    if body is not None and body.retention_decision and body.retention_decision != decision:
        raise VideoRefused(
            f"Gallringsbeslutet {decision} gäller inte {body.name}; i inställningarna står {body.retention_decision}."
        )
    if VideoState.DELETED not in VIDEO_MOVES[video.state]:
        raise VideoRefused(
            f"Video {video.id} {STATES[video.state]}. Vänta tills den är färdig innan den gallras."
        )
    _move(session, video, VideoState.DELETED, who, now)
    claim_broadcasts(settings, video)
    for publication in _at_home(video):
        if publication.address:
            open_channel(settings, publication.channel).delete(publication.address)
        publication.state = PublicationState.DELETED
    for kind in (AlarmKind.REVIEW_WAITING, AlarmKind.PIPELINE_FAILED):
        clear_alarm(session, kind, f"video {video.id}", now)
    audit(session, who, "video.decision", f"video {video.id}", now, decision=decision)


def _is_seen(settings: Settings, video: Video) -> bool:
    """Whether anybody can see something of it already, or still."""
    shown = (PublicationState.WITHDRAWN, PublicationState.DELETED)
    return any(broadcasts_of(settings, video)) or any(p.state not in shown for p in video.publications)


def _at_home(video: Video) -> list[Publication]:
    return [publication for publication in video.publications if publication.channel == video.channel]


def _elsewhere(video: Video) -> list[Publication]:
    return [publication for publication in video.publications if publication.channel != video.channel]


def _move(session: Session, video: Video, to: VideoState, who: str, now: datetime, **changes: object) -> None:
    if not move_video(session, video.id, to, now=now, who=who, **changes):
        raise VideoRefused(f"Video {video.id} ändrades just av någon annan. Se efter och försök igen.")
    session.refresh(video)
