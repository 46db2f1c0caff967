"""What is to be done about one meeting's broadcast on one platform elsewhere. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from broadcast.platforms.youtube.plan import LIVE
from schedules.broadcast_rows import GONE
from schedules.models import Broadcast, Meeting
from schedules.states import MeetingState

SETTLING = timedelta(seconds=60)  # so long after the gavel its own process may take to end the broadcast
PUT_OFF = timedelta(hours=1)  # a meeting put off by no more goes on in the broadcast that is live already


class Deed(StrEnum):
    """What is to be done."""

    ANNOUNCE = "announce"  # make it, or tell it what has changed
    TAKE_AWAY = "take away"  # delete it, or end it where it is live
    RENEW = "renew"  # the old one is over or gone, and the meeting is to be sent again: make another one
    FORGET = "forget"  # a person deleted it there, and now it is not wanted any more


def deed_of(meeting: Meeting, row: Broadcast, *, wanted: bool, differs: bool, now: datetime) -> Deed | None:
    """wanted: whether the meeting is to be sent on the platform; differs: whether the platform was told something else
    than what it is to be."""
    closed = row.deleted_at is not None or row.ended_at is not None
    match meeting.state:
        case MeetingState.PLANNED if wanted and closed:
            return Deed.RENEW if row.state != GONE else None
        case MeetingState.PLANNED if row.state in LIVE and meeting.planned_start - now > PUT_OFF:
            return Deed.TAKE_AWAY  # and the meeting gets another one
        case MeetingState.PLANNED if wanted:
            return Deed.ANNOUNCE if differs else None
        case MeetingState.PREPARING | MeetingState.LIVE if wanted:
            # Until it is known, it is the live process's own affair.
            return Deed.ANNOUNCE if differs and row.address and not closed else None
        case MeetingState.PREPARING | MeetingState.LIVE:
            # At once: it may be for staff only from now on.
            return None if closed else Deed.TAKE_AWAY
        case MeetingState.ENDED if meeting.ended_at is not None and now - meeting.ended_at < SETTLING:
            return None
    if not closed:
        return Deed.TAKE_AWAY
    return Deed.FORGET if row.state == GONE else None
