"""The states a meeting and a video can be in, and which may follow which. Imports nothing of ours."""

from enum import StrEnum


class MeetingState(StrEnum):
    """A meeting's way from the calendar to the gavel. What the pages say is the state, never the plan."""

    PLANNED = "planned"  # stands in the calendar
    PREPARING = "preparing"  # its live process runs and shows the slate; the public part has not begun
    LIVE = "live"  # on air: the program has shown the source at least once (see Phase)
    ENDED = "ended"  # the gavel has fallen; the recording is a Video of its own from here on
    CANCELLED = "cancelled"  # will not be held; citizens read why
    MISSED = "missed"  # its whole planned time passed without one second on air


class Phase(StrEnum):
    """What goes out while a meeting is on air."""

    WAITING = "waiting"  # slate: begins soon
    OPEN = "open"  # the source
    ADJOURNED = "adjourned"  # slate: adjournment
    CLOSED = "closed"  # slate: closed session; nothing of it goes out or is recorded
    OVER = "over"  # the gavel has fallen


class VideoState(StrEnum):
    """A recording's or an uploaded file's way to its channel."""

    PROCESSING = "processing"  # being verified or rendered
    REVIEW = "review"  # waits for a clerk's approval
    APPROVED = "approved"  # on its way to its channel
    PUBLISHED = "published"  # seen on its channel
    WITHDRAWN = "withdrawn"  # taken off the air; the files remain
    FAILED = "failed"  # cannot go on by itself; `error` says what a person must do
    DELETED = "deleted"  # destroyed by a retention decision; what was done remains in the audit log


class PublicationState(StrEnum):
    """A rendition's way onto one channel."""

    WAITING = "waiting"  # to be put there, or on its way
    PUBLISHED = "published"  # seen there, as it should be
    WITHDRAWN = "withdrawn"  # taken off the air there
    FAILED = "failed"  # cannot go on by itself; `error` says what a person must do
    DELETED = "deleted"  # destroyed there


class Audience(StrEnum):
    """Who may see it."""

    PUBLIC = "public"
    STAFF = "staff"


class CommandKind(StrEnum):
    """What a clerk can ask of a meeting on air."""

    OPEN = "open"
    ADJOURN = "adjourn"
    CLOSE = "close"  # closed session
    RESUME = "resume"
    MARK = "mark"  # an agenda item begins; argument: its id
    EXTEND = "extend"  # argument: minutes
    END = "end"


ON_AIR = frozenset({MeetingState.PREPARING, MeetingState.LIVE})

MEETING_MOVES: dict[MeetingState, frozenset[MeetingState]] = {
    MeetingState.PLANNED: frozenset({MeetingState.PREPARING, MeetingState.CANCELLED, MeetingState.MISSED}),
    MeetingState.PREPARING: frozenset(
        {
            MeetingState.LIVE,
            MeetingState.ENDED,
            MeetingState.CANCELLED,
            MeetingState.PLANNED,
            MeetingState.MISSED,
        }
    ),
    MeetingState.LIVE: frozenset({MeetingState.ENDED}),
    MeetingState.ENDED: frozenset(),
    MeetingState.CANCELLED: frozenset({MeetingState.PLANNED}),
    MeetingState.MISSED: frozenset({MeetingState.PLANNED}),
}

VIDEO_MOVES: dict[VideoState, frozenset[VideoState]] = {
    VideoState.PROCESSING: frozenset({VideoState.REVIEW, VideoState.APPROVED, VideoState.FAILED}),
    VideoState.REVIEW: frozenset(
        {VideoState.APPROVED, VideoState.PROCESSING, VideoState.FAILED, VideoState.DELETED}
    ),
    VideoState.APPROVED: frozenset({VideoState.PUBLISHED, VideoState.FAILED, VideoState.REVIEW}),
    VideoState.PUBLISHED: frozenset(
        {VideoState.WITHDRAWN, VideoState.APPROVED, VideoState.PROCESSING, VideoState.DELETED}
    ),
    VideoState.WITHDRAWN: frozenset({VideoState.APPROVED, VideoState.PROCESSING, VideoState.DELETED}),
    VideoState.FAILED: frozenset({VideoState.PROCESSING, VideoState.APPROVED, VideoState.DELETED}),
    VideoState.DELETED: frozenset(),
}

PUBLICATION_MOVES: dict[PublicationState, frozenset[PublicationState]] = {
    PublicationState.WAITING: frozenset(
        {
            PublicationState.PUBLISHED,
            PublicationState.FAILED,
            PublicationState.WITHDRAWN,
            PublicationState.DELETED,
        }
    ),
    PublicationState.PUBLISHED: frozenset(
        {PublicationState.WAITING, PublicationState.WITHDRAWN, PublicationState.DELETED}
    ),
    PublicationState.WITHDRAWN: frozenset(
        {PublicationState.WAITING, PublicationState.PUBLISHED, PublicationState.DELETED}
    ),
    PublicationState.FAILED: frozenset(
        {PublicationState.WAITING, PublicationState.WITHDRAWN, PublicationState.DELETED}
    ),
    PublicationState.DELETED: frozenset({PublicationState.WAITING}),  # something of it turned up there
}

PHASE_MOVES: dict[CommandKind, tuple[frozenset[Phase], Phase]] = {
    CommandKind.OPEN: (frozenset({Phase.WAITING}), Phase.OPEN),
    CommandKind.ADJOURN: (frozenset({Phase.OPEN}), Phase.ADJOURNED),
    CommandKind.CLOSE: (frozenset({Phase.WAITING, Phase.OPEN, Phase.ADJOURNED}), Phase.CLOSED),
    CommandKind.RESUME: (frozenset({Phase.ADJOURNED, Phase.CLOSED}), Phase.OPEN),
    CommandKind.END: (frozenset({Phase.WAITING, Phase.OPEN, Phase.ADJOURNED, Phase.CLOSED}), Phase.OVER),
}
"""Command → (phases in which it is allowed, phase after it). MARK and EXTEND change no phase."""
