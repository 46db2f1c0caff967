"""What the public may know of meetings and films: read-only queries that answer with plain frozen dataclasses.

Everything here is for anybody's eyes: a row whose audience is not the public is not found at all.
What is said of a meeting is what was observed; `planned_start` and `planned_end` are the only plans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select, and_, select, text
from sqlalchemy.orm import Session, selectinload

from schedules.models import AgendaItem, LiveProcess, Meeting, Observation, Publication, Video
from schedules.states import ON_AIR, Audience, MeetingState, Phase, PublicationState, VideoState

LATE_AFTER = timedelta(seconds=60)  # a plan missed by less is not worth a sentence
SILENT_AFTER = timedelta(seconds=15)  # the live process reports every second
TAIL = timedelta(minutes=5)  # how long after the gavel viewers may still fetch the end of the stream
RECENT = timedelta(days=14)


class Stage(StrEnum):
    """Where a meeting is, as a citizen sees it."""

    PLANNED = "planned"
    SOON = "soon"  # the slate is on air, the meeting has not begun
    LIVE = "live"
    ADJOURNED = "adjourned"
    CLOSED = "closed"  # closed session
    INTERRUPTED = "interrupted"  # on air by the table, but its process has not been heard of
    ENDED = "ended"  # the gavel has fallen, the recording is being worked on
    REVIEW = "review"  # all that is said: the recording is being prepared
    DELAYED = "delayed"  # the recording needs a person's hand
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    DELETED = "deleted"  # the recording was destroyed by a decision on retention
    UNRECORDED = "unrecorded"  # over, and no recording of it is for the public
    CANCELLED = "cancelled"
    MISSED = "missed"


ON_AIR_STAGES = frozenset({Stage.SOON, Stage.LIVE, Stage.ADJOURNED, Stage.CLOSED, Stage.INTERRUPTED})

_PHASES = {
    Phase.WAITING: Stage.SOON,
    Phase.OPEN: Stage.LIVE,
    Phase.ADJOURNED: Stage.ADJOURNED,
    Phase.CLOSED: Stage.CLOSED,
    Phase.OVER: Stage.ENDED,
}
_VIDEOS = {
    VideoState.PROCESSING: Stage.ENDED,
    VideoState.REVIEW: Stage.REVIEW,
    VideoState.APPROVED: Stage.REVIEW,
    VideoState.PUBLISHED: Stage.PUBLISHED,
    VideoState.WITHDRAWN: Stage.WITHDRAWN,
    VideoState.FAILED: Stage.DELAYED,
    VideoState.DELETED: Stage.DELETED,
}


_HOMES = {
    PublicationState.PUBLISHED: Stage.PUBLISHED,
    PublicationState.WITHDRAWN: Stage.WITHDRAWN,
    PublicationState.DELETED: Stage.DELETED,
}
_HOME = and_(Publication.video_id == Video.id, Publication.channel == Video.channel)


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """`seconds` into the published film."""

    seconds: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Film:
    """A published film. `key` names its files, `duration` is in seconds."""

    id: int
    key: str
    meeting_id: int | None
    title: str
    description: str
    body: str | None
    recorded_at: datetime
    duration: float | None
    width: int | None
    height: int | None
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True, kw_only=True)
class AgendaLine:
    """One line of the agenda: `marked_at` is when the item was seen to begin, `seconds` where it is in the film."""

    title: str
    marked_at: datetime | None = None
    seconds: float | None = None
    current: bool = False


@dataclass(frozen=True, kw_only=True)
class MeetingView:
    """A meeting as the public sees it. `since`: when the present pause was seen to begin."""

    id: int
    body: str
    title: str
    planned_start: datetime
    planned_end: datetime
    stage: Stage
    late: bool  # the planned start has passed and nothing has begun
    reason: str  # why it was cancelled, or its recording withdrawn
    began_at: datetime | None
    ended_at: datetime | None
    since: datetime | None
    agenda: tuple[AgendaLine, ...]
    film: Film | None


@dataclass(frozen=True, kw_only=True)
class FrontPage:
    """What the start page shows."""

    on_air: tuple[MeetingView, ...]
    upcoming: tuple[MeetingView, ...]
    in_the_works: tuple[MeetingView, ...]  # over, and the recording is not out yet
    films: tuple[Film, ...]


@dataclass(frozen=True, kw_only=True)
class Withdrawn:
    """A film that has been taken off the air, and why."""

    title: str
    reason: str


class FileAccess(StrEnum):
    """Whether the files of a film may be handed out."""

    OPEN = "open"
    GONE = "gone"  # withdrawn
    UNKNOWN = "unknown"  # never was, is not yet, or is not for the public


def front_page(session: Session, *, now: datetime, upcoming: int = 8, films: int = 12) -> FrontPage:
    """The meetings on air, the next ones, those whose recording is on its way, and the newest films."""
    public = _public_meetings()
    on_air = session.scalars(public.where(Meeting.state.in_(ON_AIR)).order_by(Meeting.planned_start)).all()
    ahead = session.scalars(
        public.where(
            (Meeting.state.in_([MeetingState.PLANNED, MeetingState.CANCELLED]) & (Meeting.planned_end > now))
            | ((Meeting.state == MeetingState.MISSED) & (Meeting.planned_end > now - timedelta(days=1)))
        )
        .order_by(Meeting.planned_start, Meeting.id)
        .limit(upcoming)
    ).all()
    over = session.scalars(
        public.where(Meeting.state == MeetingState.ENDED, Meeting.ended_at > now - RECENT).order_by(
            Meeting.ended_at.desc()
        )
    ).all()
    views = [_view(session, meeting, now) for meeting in over]
    newest = session.scalars(
        select(Video)
        .join(Publication, _HOME)
        .where(Publication.state == PublicationState.PUBLISHED, Video.audience == Audience.PUBLIC)
        .options(selectinload(Video.publications))
        .order_by(Video.recorded_at.desc(), Video.id.desc())
        .limit(films)
    ).all()
    return FrontPage(
        on_air=tuple(_view(session, meeting, now) for meeting in on_air),
        upcoming=tuple(_view(session, meeting, now) for meeting in ahead),
        in_the_works=tuple(v for v in views if v.stage in {Stage.ENDED, Stage.REVIEW, Stage.DELAYED}),
        films=tuple(_film(video, home) for video in newest if (home := _home(video)) is not None),
    )


def meeting_view(session: Session, meeting_id: int, *, now: datetime) -> MeetingView | None:
    """One meeting, or None where there is none that the public may see."""
    meeting = session.scalars(_public_meetings().where(Meeting.id == meeting_id)).one_or_none()
    return None if meeting is None else _view(session, meeting, now)


def film(session: Session, video_id: int) -> Film | Withdrawn | None:
    """One published film, a word on why it is gone, or None where there is none that the public may see."""
    video = session.get(Video, video_id)
    if video is None or video.audience != Audience.PUBLIC:
        return None
    home = _home(video)
    if home is not None and home.state is PublicationState.WITHDRAWN:
        return Withdrawn(title=video.title, reason=home.withdraw_reason)
    return _film(video, home) if home is not None and home.state is PublicationState.PUBLISHED else None


def file_access(session: Session, key: str) -> FileAccess:
    """Whether the files of the film with this key may be handed out to anybody."""
    row = session.execute(
        select(Publication.state, Video.audience)
        .select_from(Video)
        .join(Publication, _HOME)
        .where(Video.key == key)
    ).one_or_none()
    if row is None or row.audience != Audience.PUBLIC:
        return FileAccess.UNKNOWN
    if row.state in (PublicationState.WITHDRAWN, PublicationState.DELETED):
        return FileAccess.GONE
    return FileAccess.OPEN if row.state is PublicationState.PUBLISHED else FileAccess.UNKNOWN


def stream_is_public(session: Session, meeting_id: int, *, now: datetime) -> bool:
    """Whether the live stream of this meeting may be handed out to anybody just now."""
    row = session.execute(
        select(Meeting.state, Meeting.audience, Meeting.ended_at).where(Meeting.id == meeting_id)
    ).one_or_none()
    if row is None or row.audience != Audience.PUBLIC:
        return False
    just_over = row.state == MeetingState.ENDED and row.ended_at is not None and now - row.ended_at < TAIL
    return row.state in ON_AIR or just_over


def answers(session: Session) -> bool:
    """Whether the database answers and has our tables. Raises what the driver raises when it does not."""
    session.execute(text("SELECT 1"))
    session.execute(select(Meeting.id).limit(1)).first()
    return True


def _public_meetings() -> Select[Meeting]:
    return (
        select(Meeting)
        .where(Meeting.audience == Audience.PUBLIC)
        .options(selectinload(Meeting.agenda), selectinload(Meeting.video).selectinload(Video.publications))
    )


def _view(session: Session, meeting: Meeting, now: datetime) -> MeetingView:
    video = meeting.video
    stage = _stage(session, meeting, now)
    home = None if video is None else _home(video)
    published = None
    if stage == Stage.PUBLISHED and video is not None and home is not None:
        published = _film(video, home)
    reason = meeting.cancel_reason if stage == Stage.CANCELLED else ""
    if stage == Stage.WITHDRAWN and home is not None:
        reason = home.withdraw_reason
    paused = stage in {Stage.ADJOURNED, Stage.CLOSED}
    return MeetingView(
        id=meeting.id,
        body=meeting.body,
        title=meeting.title,
        planned_start=meeting.planned_start,
        planned_end=meeting.planned_end,
        stage=stage,
        late=stage in {Stage.PLANNED, Stage.SOON} and now > meeting.planned_start + LATE_AFTER,
        reason=reason,
        began_at=meeting.began_at,
        ended_at=meeting.ended_at,
        since=_pause_began(session, meeting) if paused else None,
        agenda=_agenda(meeting.agenda, published.chapters if published else (), stage),
        film=published,
    )


def _stage(session: Session, meeting: Meeting, now: datetime) -> Stage:
    if meeting.state in ON_AIR:
        process = session.get(LiveProcess, meeting.id)
        if process is not None and now - process.heartbeat_at > SILENT_AFTER:
            return Stage.INTERRUPTED
        if meeting.state == MeetingState.LIVE and meeting.phase == Phase.WAITING:
            return Stage.LIVE
        return _PHASES[meeting.phase]
    if meeting.state != MeetingState.ENDED:
        return Stage(meeting.state.value)
    if meeting.video is None:
        return Stage.ENDED
    if meeting.video.audience != Audience.PUBLIC:
        return Stage.UNRECORDED
    home = _home(meeting.video)
    if home is not None and home.state in _HOMES:
        return _HOMES[home.state]  # what stands there is shown while a new cut is being made
    return _VIDEOS[meeting.video.state]


def _pause_began(session: Session, meeting: Meeting) -> datetime | None:
    seen = session.scalars(
        select(Observation)
        .where(Observation.meeting_id == meeting.id, Observation.kind == "program_changed")
        .order_by(Observation.at.desc(), Observation.id.desc())
        .limit(1)
    ).one_or_none()
    return seen.at if seen is not None and seen.detail.get("slate") == meeting.phase.value else None


def _home(video: Video) -> Publication | None:
    return next((p for p in video.publications if p.channel == video.channel), None)


def _film(video: Video, home: Publication) -> Film:
    """What was published; the video itself may have been cut anew since."""
    shown = home.film
    return Film(
        id=video.id,
        key=video.key,
        meeting_id=video.meeting_id,
        title=shown["title"],
        description=shown["description"],
        body=video.body,
        recorded_at=video.recorded_at,
        duration=shown["duration"],
        width=shown["width"],
        height=shown["height"],
        chapters=tuple(Chapter(seconds=float(c["start"]), title=str(c["title"])) for c in shown["chapters"]),
    )


def _agenda(items: Sequence[AgendaItem], chapters: Sequence[Chapter], stage: Stage) -> tuple[AgendaLine, ...]:
    """The agenda in its order, each item with its place in the film where there is one.

    A chapter that is no agenda item is a line of its own, before the first line that comes later in the film.
    """
    marked = [item for item in items if item.marked_at is not None]
    newest = max(marked, key=lambda item: (item.marked_at, item.position)) if marked else None
    left = list(chapters)
    lines: list[AgendaLine] = []
    for item in items:
        chapter = next((c for c in left if c.title == item.title), None)
        if chapter is not None:
            left.remove(chapter)
        lines.append(
            AgendaLine(
                title=item.title,
                marked_at=item.marked_at,
                seconds=None if chapter is None else chapter.seconds,
                current=stage in ON_AIR_STAGES and item is newest,
            )
        )
    for chapter in left:
        later = (
            i for i, line in enumerate(lines) if line.seconds is not None and line.seconds > chapter.seconds
        )
        lines.insert(next(later, len(lines)), AgendaLine(title=chapter.title, seconds=chapter.seconds))
    return tuple(lines)
