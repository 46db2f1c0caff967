"""What is said of a meeting at each stage: a short label and one whole sentence, in the language of the page."""

from __future__ import annotations

from schedules.public import MeetingView, Stage
from web.languages import gettext as _
from web.times import clock, day


def label(view: MeetingView) -> str:
    """One or two words, for a badge."""
    return {
        Stage.PLANNED: _("Planned"),
        Stage.SOON: _("Begins soon"),
        Stage.LIVE: _("Live now"),
        Stage.ADJOURNED: _("Adjourned"),
        Stage.CLOSED: _("Closed session"),
        Stage.INTERRUPTED: _("Interrupted"),
        Stage.ENDED: _("Ended"),
        Stage.REVIEW: _("Ended"),
        Stage.DELAYED: _("Ended"),
        Stage.PUBLISHED: _("Recording"),
        Stage.WITHDRAWN: _("Withdrawn"),
        Stage.DELETED: _("Ended"),
        Stage.UNRECORDED: _("Ended"),
        Stage.CANCELLED: _("Cancelled"),
        Stage.MISSED: _("Not webcast"),
    }[view.stage]


def sentence(view: MeetingView) -> str:
    """What a visitor needs to know now. Ends with a full stop; says only what was observed."""
    if view.late:
        return _(
            "The meeting was planned to begin at %(time)s. The webcast has not begun yet.",
            time=clock(view.planned_start),
        )
    if view.stage in {Stage.ADJOURNED, Stage.CLOSED}:
        return _pause(view)
    if view.stage in {Stage.WITHDRAWN, Stage.CANCELLED}:
        return _ended_by_decision(view)
    return _plain(view)


def _pause(view: MeetingView) -> str:
    closed = view.stage == Stage.CLOSED
    if view.since is None:
        if closed:
            return _(
                "The meeting is in closed session, which is not shown. The webcast goes on here afterwards."
            )
        return _("The meeting is adjourned. The webcast goes on here when the meeting does.")
    time = clock(view.since)
    if closed:
        return _(
            "The meeting has been in closed session, which is not shown, since %(time)s. "
            "The webcast goes on here afterwards.",
            time=time,
        )
    return _(
        "The meeting has been adjourned since %(time)s. The webcast goes on here when the meeting does.",
        time=time,
    )


def _ended_by_decision(view: MeetingView) -> str:
    what = (
        _("The meeting will not be held.")
        if view.stage == Stage.CANCELLED
        else _("The recording has been withdrawn.")
    )
    return what + (" " + _("Reason: %(reason)s", reason=_closed(view.reason)) if view.reason.strip() else "")


def _closed(reason: str) -> str:
    reason = reason.strip()
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."


def _plain(view: MeetingView) -> str:
    ended = (
        _("The meeting ended at %(time)s.", time=clock(view.ended_at))
        if view.ended_at is not None
        else _("The meeting has ended.")
    )
    return {
        Stage.PLANNED: _(
            "The meeting is planned for %(day)s at %(time)s. It will be webcast here.",
            day=day(view.planned_start),
            time=clock(view.planned_start),
        ),
        Stage.SOON: _(
            "The webcast begins soon. The meeting is planned to begin at %(time)s.",
            time=clock(view.planned_start),
        ),
        Stage.LIVE: _("The meeting began at %(time)s and is webcast live.", time=clock(view.began_at))
        if view.began_at is not None
        else _("The meeting is webcast live."),
        Stage.INTERRUPTED: _(
            "The webcast is interrupted by a technical fault. It goes on here as soon as it can."
        ),
        Stage.ENDED: ended + " " + _("The recording is being worked on and comes to this page."),
        Stage.REVIEW: ended + " " + _("The recording is being prepared."),
        Stage.DELAYED: ended + " " + _("The recording is delayed."),
        Stage.PUBLISHED: _(
            "Recording of the meeting on %(day)s.", day=day(view.began_at or view.planned_start)
        ),
        Stage.DELETED: ended + " " + _("The recording has been destroyed by a decision on retention."),
        Stage.UNRECORDED: ended,
        Stage.MISSED: _("The meeting was not webcast during its planned time."),
    }[view.stage]
