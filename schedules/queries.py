"""Reads and writes the calendar. Every change is checked, and written to the audit log.

All functions take the session of one piece of work and the time; what they refuse they refuse by CalendarError before
anything is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from schedules.agenda import clean_titles, set_agenda
from schedules.booking import (
    Wiring,
    check_source_is_free,
    check_times,
    check_title_elsewhere,
    check_wiring,
    clean,
    wire,
)
from schedules.errors import CalendarError
from schedules.models import Meeting
from schedules.settings import Settings
from schedules.states import ON_AIR, Audience, MeetingState
from schedules.transitions import audit, move_meeting

_OVER = {
    MeetingState.ENDED: "är avslutat och kan inte ändras",
    MeetingState.CANCELLED: "är inställt; återställ det först med `laktare meeting restore`",
    MeetingState.MISSED: "kom aldrig i sändning och kan inte ändras; lägg till ett nytt",
}


def add_meeting(
    session: Session,
    settings: Settings,
    *,
    body: str,
    title: str,
    start: datetime,
    end: datetime | None = None,
    source: str | None = None,
    platforms: Sequence[str] | None = None,
    channel: str | None = None,
    also: Sequence[str] | None = None,
    audience: Audience | None = None,
    agenda: Iterable[str] = (),
    now: datetime,
    who: str,
    **origin: str | int | None,
) -> Meeting:
    """Put a meeting into the calendar; what is not given is as the body's settings say.

    origin: the columns that tell an imported meeting or one of a series (ical_*, series_*). Raises CalendarError.
    """
    wiring = wire(
        settings, body, source=source, platforms=platforms, channel=channel, also=also, audience=audience
    )
    title = clean(title, "Rubriken", 200)
    items = clean_titles(agenda)
    end = start + timedelta(minutes=settings.bodies[body].minutes) if end is None else end
    check_times(start, end, now)
    check_source_is_free(session, settings, wiring.source, start, end)
    check_title_elsewhere(settings, wiring, body=body, title=title, start=start, agenda=items)
    meeting = Meeting(
        body=body,
        title=title,
        planned_start=start,
        planned_end=end,
        source=wiring.source,
        platforms=list(wiring.platforms),
        channel=wiring.channel,
        also=list(wiring.also),
        audience=wiring.audience,
        **origin,
    )
    session.add(meeting)
    session.flush()
    detail = {"title": title, "body": body, "start": start.isoformat(), "end": end.isoformat()}
    audit(session, who, "meeting.added", f"meeting {meeting.id}", now, **detail)
    if items:
        set_agenda(session, meeting, items, now=now, who=who)
    return meeting


def edit_meeting(
    session: Session,
    settings: Settings,
    meeting_id: int,
    *,
    title: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    source: str | None = None,
    platforms: Sequence[str] | None = None,
    channel: str | None = None,
    also: Sequence[str] | None = None,
    audience: Audience | None = None,
    now: datetime,
    who: str,
) -> Meeting:
    """Change what is given; a new start alone moves the whole meeting, length kept. During the meeting its title, end
    and channels can be changed, and the end counts at once. Raises CalendarError."""
    meeting = get_meeting(session, meeting_id)
    must_be_editable(meeting)
    rewired = {"source": source, "platforms": platforms, "audience": audience}
    _check_on_air(meeting, start, [key for key, value in rewired.items() if value is not None])
    wiring = _rewire(meeting, source, platforms, channel, also, audience)
    if wiring != wiring_of(meeting):
        check_wiring(settings, wiring)
    new_start = meeting.planned_start if start is None else start
    kept = meeting.planned_end if start is None else start + (meeting.planned_end - meeting.planned_start)
    new_end = kept if end is None else end
    if (new_start, new_end) != (meeting.planned_start, meeting.planned_end):
        check_times(new_start, new_end, now)
    if meeting.state not in ON_AIR:
        # On air the room has already decided: a meeting that runs over is not stopped by the next one's booking.
        check_source_is_free(session, settings, wiring.source, new_start, new_end, but=meeting.id)
    new_title = meeting.title if title is None else clean(title, "Rubriken", 200)
    agenda = [item.title for item in meeting.agenda]
    check_title_elsewhere(
        settings, wiring, body=meeting.body, title=new_title, start=new_start, agenda=agenda
    )
    changes = {
        "title": new_title,
        "planned_start": new_start,
        "planned_end": new_end,
        "source": wiring.source,
        "platforms": list(wiring.platforms),
        "channel": wiring.channel,
        "also": list(wiring.also),
        "audience": wiring.audience,
    }
    write_changes(session, meeting, changes, now=now, who=who)
    return meeting


def cancel_meeting(
    session: Session, meeting_id: int, *, reason: str, now: datetime, who: str, **origin: str
) -> Meeting:
    """Cancel a meeting; citizens read the reason. Raises CalendarError."""
    meeting = get_meeting(session, meeting_id)
    reason = clean(reason, "Skälet", 1000)
    if meeting.state is MeetingState.LIVE:
        raise CalendarError(
            f"Sammanträde {meeting_id} sänds just nu: avsluta det med `laktare air end {meeting_id}`."
        )
    if not move_meeting(
        session, meeting_id, MeetingState.CANCELLED, now=now, who=who, cancel_reason=reason, **origin
    ):
        session.refresh(meeting)
        state = (
            "är redan inställt" if meeting.state is MeetingState.CANCELLED else "kan inte längre ställas in"
        )
        raise CalendarError(f"Sammanträde {meeting_id} {state}.")
    session.refresh(meeting)
    return meeting


def restore_meeting(
    session: Session, settings: Settings, meeting_id: int, *, now: datetime, who: str
) -> Meeting:
    """Take back a cancellation. Raises CalendarError, also where the time has passed or the source has been taken."""
    meeting = get_meeting(session, meeting_id)
    if meeting.state is not MeetingState.CANCELLED:
        raise CalendarError(f"Sammanträde {meeting_id} är inte inställt.")
    check_times(meeting.planned_start, meeting.planned_end, now)
    check_source_is_free(
        session, settings, meeting.source, meeting.planned_start, meeting.planned_end, but=meeting_id
    )
    move_meeting(session, meeting_id, MeetingState.PLANNED, now=now, who=who, cancel_reason="")
    session.refresh(meeting)
    return meeting


def get_meeting(session: Session, meeting_id: int) -> Meeting:
    """The meeting of that number. Raises CalendarError where there is none."""
    meeting = session.get(Meeting, meeting_id)
    if meeting is None:
        raise CalendarError(f"Sammanträde {meeting_id} finns inte. Numren visas av `laktare meeting list`.")
    return meeting


def list_meetings(
    session: Session,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    body: str | None = None,
    states: Collection[MeetingState] | None = None,
) -> list[Meeting]:
    """Meetings that end after `since`, or are still on air, and start before `until`; earliest first."""
    query = select(Meeting).order_by(Meeting.planned_start, Meeting.id)
    if since is not None:
        query = query.where(or_(Meeting.planned_end > since, Meeting.state.in_(ON_AIR)))
    if until is not None:
        query = query.where(Meeting.planned_start < until)
    if body is not None:
        query = query.where(Meeting.body == body)
    if states is not None:
        query = query.where(Meeting.state.in_(states))
    return list(session.scalars(query))


def must_be_editable(meeting: Meeting) -> None:
    """Raises CalendarError where the meeting is over or cancelled."""
    if meeting.state in _OVER:
        raise CalendarError(f"Sammanträde {meeting.id} {_OVER[meeting.state]}.")


def wiring_of(meeting: Meeting) -> Wiring:
    """How the meeting is sent and kept."""
    return Wiring(
        source=meeting.source,
        platforms=tuple(meeting.platforms),
        channel=meeting.channel,
        also=tuple(meeting.also),
        audience=meeting.audience,
    )


def _rewire(
    meeting: Meeting,
    source: str | None,
    platforms: Sequence[str] | None,
    channel: str | None,
    also: Sequence[str] | None,
    audience: Audience | None,
) -> Wiring:
    return Wiring(
        source=meeting.source if source is None else source,
        platforms=tuple(meeting.platforms if platforms is None else platforms),
        channel=meeting.channel if channel is None else channel,
        also=tuple(meeting.also if also is None else also),
        audience=meeting.audience if audience is None else audience,
    )


def _check_on_air(meeting: Meeting, start: datetime | None, rewired: list[str]) -> None:
    if meeting.state is MeetingState.LIVE and start is not None and start != meeting.planned_start:
        raise CalendarError(f"Sammanträde {meeting.id} har börjat; starttiden kan inte ändras längre.")
    if meeting.state in ON_AIR and rewired:
        raise CalendarError(
            f"Sammanträde {meeting.id} är i sändning; källa, plattformar och målgrupp kan inte ändras nu."
        )


def write_changes(
    session: Session, meeting: Meeting, changes: Mapping[str, Any], *, now: datetime, who: str
) -> None:
    """Write columns that have been checked, with the audit entry; nothing where they are so already."""
    detail = {}
    for name, value in changes.items():
        before = getattr(meeting, name)
        if before != value:
            detail[name] = [_plain(before), _plain(value)]
            setattr(meeting, name, value)
    if detail:
        session.flush()
        audit(session, who, "meeting.edited", f"meeting {meeting.id}", now, **detail)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
