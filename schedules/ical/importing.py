"""Brings an exported calendar into ours. The same file twice changes nothing; what a person has changed here stays,
unless the calendar changes that very thing."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.booking import must_be_known
from schedules.errors import CalendarError
from schedules.ical.bodies import match_body
from schedules.ical.changing import follow
from schedules.ical.fingerprint import fingerprint, is_marked_cancelled, mark_cancelled
from schedules.ical.plan import Fate, ImportPlan
from schedules.ical.reading import Export, Occurrence, read_export
from schedules.ical.run import Run
from schedules.matching import pair
from schedules.models import Meeting
from schedules.queries import add_meeting, cancel_meeting
from schedules.settings import Settings
from schedules.states import MeetingState

HORIZON_DAYS = 400

Partners = dict[Meeting, Occurrence]


def import_calendar(
    session: Session,
    settings: Settings,
    data: bytes,
    *,
    body: str | None = None,
    horizon_days: int = HORIZON_DAYS,
    now: datetime,
    who: str,
) -> ImportPlan:
    """Take an exported calendar into ours, and tell what was done. To look without doing, roll the session back.

    body: of all the events; None: found by the names of the bodies in title and categories. Past events are passed
    over; meetings on air or over are not moved; a recurring event is followed `horizon_days` ahead. Raises
    CalendarError where the file is no calendar.
    """
    if body is not None:
        must_be_known("Organet", [body], settings.bodies)
    export = read_export(data, settings.zone, now=now, until=now + timedelta(days=horizon_days))
    run = Run(session=session, settings=settings, body=body, now=now, who=who, refused=list(export.refused))
    known = list(
        session.scalars(
            select(Meeting).where(Meeting.ical_uid.in_(list(export.horizons))).order_by(Meeting.id)
        )
    )
    partners = _partners(known, export, now)
    _cancel(run, known, partners, export)
    _rename(session, partners)
    follow(run, {meeting: event for meeting, event in partners.items() if not event.cancelled})
    taken = {(event.uid, event.recurrence) for event in partners.values()}
    for event in export.occurrences:
        if not event.cancelled and (event.uid, event.recurrence) not in taken:
            _add(run, event)
    return run.plan()


def _partners(known: list[Meeting], export: Export, now: datetime) -> Partners:
    """Meeting → its event: the same key; else, when a whole series has been moved, the nearest in time."""
    events = {(event.uid, event.recurrence): event for event in export.occurrences}
    partners = {meeting: events[_key(meeting)] for meeting in known if _key(meeting) in events}
    left = [
        meeting
        for meeting in known
        if meeting not in partners
        and meeting.planned_start > now
        and not is_marked_cancelled(meeting.ical_hash)
    ]
    taken = {_key(meeting) for meeting in partners}
    for uid in {meeting.ical_uid for meeting in left}:
        new = {
            key: event.start
            for key, event in events.items()
            if event.uid == uid and key not in taken and not event.cancelled
        }
        old = {meeting: meeting.planned_start for meeting in left if meeting.ical_uid == uid}
        partners |= {meeting: events[key] for meeting, key in pair(old, new).items()}
    return partners


def _key(meeting: Meeting) -> tuple[str, str]:
    return meeting.ical_uid or "", meeting.ical_recurrence or ""


def _cancel(run: Run, known: list[Meeting], partners: Partners, export: Export) -> None:
    for meeting in known:
        event = partners.get(meeting)
        gone = event is None and run.now < meeting.planned_start <= export.horizons[meeting.ical_uid or ""]
        if not gone and not (event is not None and event.cancelled):
            continue
        if meeting.state is MeetingState.CANCELLED or is_marked_cancelled(meeting.ical_hash):
            run.note(Fate.UNCHANGED, meeting)  # cancelled already; or so it was, and a person has restored it
            continue
        try:
            cancel_meeting(
                run.session,
                meeting.id,
                reason="Struket ur kalendern." if event is None else "Inställt i kalendern.",
                now=run.now,
                who=run.who,
                ical_hash=mark_cancelled(meeting.ical_hash),
            )
        except CalendarError as error:
            run.refuse(meeting, error)
        else:
            run.note(Fate.CANCELLED, meeting)


def _rename(session: Session, partners: Partners) -> None:
    renamed = [meeting for meeting, event in partners.items() if meeting.ical_recurrence != event.recurrence]
    # All keys are given up first: two meetings may take each other's.
    for meeting in renamed:
        meeting.ical_recurrence = None
    session.flush()
    for meeting in renamed:
        meeting.ical_recurrence = partners[meeting].recurrence
    session.flush()


def _add(run: Run, event: Occurrence) -> None:
    try:
        body = run.body or match_body(run.settings, [event.summary, *event.categories])
        meeting = add_meeting(
            run.session,
            run.settings,
            body=body,
            title=event.summary or run.settings.bodies[body].name,
            start=event.start,
            end=event.end,
            agenda=event.agenda,
            now=run.now,
            who=run.who,
            ical_uid=event.uid,
            ical_recurrence=event.recurrence,
            ical_hash=fingerprint(event),
        )
    except CalendarError as error:
        run.refuse(event, error)
    else:
        run.note(Fate.ADDED, meeting)
