"""Lets meetings that are known follow their changed events."""

from __future__ import annotations

from datetime import datetime, timedelta

from schedules.agenda import set_agenda
from schedules.errors import CalendarError
from schedules.ical.fingerprint import Part, changed_parts, fingerprint, is_marked_cancelled
from schedules.ical.plan import Fate
from schedules.ical.reading import Occurrence
from schedules.ical.run import Run
from schedules.models import Meeting
from schedules.queries import restore_meeting, write_changes
from schedules.rescheduling import find_room
from schedules.states import ON_AIR, MeetingState
from schedules.transitions import move_meeting


def follow(run: Run, partners: dict[Meeting, Occurrence]) -> None:
    """Change each meeting in what its event has changed since the last import. All new times are weighed together, so
    that two meetings can change places."""
    parts = {meeting: changed_parts(meeting.ical_hash, event) for meeting, event in partners.items()}
    wanted: dict[Meeting, tuple[datetime, datetime]] = {}
    willing: list[Meeting] = []
    for meeting, event in partners.items():
        if not parts[meeting]:
            run.note(Fate.UNCHANGED, meeting)
        elif (why := _why_not(meeting, parts[meeting])) is not None:
            run.refuse(event, why)
        else:
            willing.append(meeting)
            if Part.TIME in parts[meeting]:
                wanted[meeting] = _times(run, meeting, event)
    refused = find_room(run.session, run.settings, wanted, run.now)
    for meeting in willing:
        try:
            if meeting in refused:
                raise refused[meeting]
            _apply(run, meeting, partners[meeting], parts[meeting], wanted.get(meeting))
        except CalendarError as error:
            run.refuse(partners[meeting], error)


def _why_not(meeting: Meeting, parts: set[Part]) -> str | None:
    if meeting.state is MeetingState.ENDED:
        return f"sammanträde {meeting.id} är redan hållet och ändras inte."
    if meeting.state is MeetingState.CANCELLED and not is_marked_cancelled(meeting.ical_hash):
        return f"sammanträde {meeting.id} är inställt för hand; återställ det med `laktare meeting restore`."
    if meeting.state in ON_AIR and Part.TIME in parts:
        return f"sammanträde {meeting.id} är i sändning och flyttas inte; ändra slutet med `laktare meeting edit`."
    return None


def _times(run: Run, meeting: Meeting, event: Occurrence) -> tuple[datetime, datetime]:
    if event.end is not None:
        return event.start, event.end
    body = run.settings.bodies.get(meeting.body)
    kept = meeting.planned_end - meeting.planned_start
    return event.start, event.start + (timedelta(minutes=body.minutes) if body else kept)


def _apply(
    run: Run, meeting: Meeting, event: Occurrence, parts: set[Part], times: tuple[datetime, datetime] | None
) -> None:
    before = meeting.planned_start
    changes: dict[str, object] = {}
    if times is not None:
        changes |= {"planned_start": times[0], "planned_end": times[1]}
    if Part.TITLE in parts and event.summary:
        changes["title"] = event.summary
    write_changes(run.session, meeting, changes, now=run.now, who=run.who)
    if meeting.state is MeetingState.CANCELLED:
        restore_meeting(run.session, run.settings, meeting.id, now=run.now, who=run.who)
    elif meeting.state is MeetingState.MISSED:
        move_meeting(run.session, meeting.id, MeetingState.PLANNED, now=run.now, who=run.who)
        run.session.refresh(meeting)
    if Part.AGENDA in parts and event.agenda:
        set_agenda(run.session, meeting, event.agenda, now=run.now, who=run.who)
    meeting.ical_hash = fingerprint(event)
    run.session.flush()
    run.note(Fate.MOVED, meeting, before)
