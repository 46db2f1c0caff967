"""Does a preflight that is due, once: its Observation says that it is done and what was found."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import clear_alarm, meeting_subject, raise_alarm
from schedules.database import Database
from schedules.findings import Finding
from schedules.models import Meeting, Observation
from schedules.preflight import preflight, sources_on_air
from schedules.settings import Settings
from schedules.states import MeetingState
from schedules.timetable import Preflight

log = structlog.get_logger(__name__)


def run_preflight(database: Database, settings: Settings, due: Preflight, now: datetime) -> list[Finding]:
    """Try what the meeting needs, write down what was found, and raise or close the alarm. Takes some seconds.

    Nothing is done where the meeting has been moved, cancelled or begun meanwhile.
    """
    with database.session() as session:
        meeting = session.get(Meeting, due.meeting_id)
        if meeting is None or not _still_due(meeting, due, now):
            return []
        captured = sources_on_air(session, now)
    # No session is held meanwhile: a camera may take its time, and SQLite has one writer.
    findings = preflight(meeting, settings, now, captured=captured, database=database)
    with database.session() as session:
        _write_down(session, due, findings, now)
    log.info("preflight", meeting=meeting.id, minutes=due.minutes, ok=all(f.ok for f in findings))
    return findings


def _still_due(meeting: Meeting, due: Preflight, now: datetime) -> bool:
    waiting = meeting.state in (MeetingState.PLANNED, MeetingState.PREPARING)
    return waiting and meeting.planned_start == due.planned_start and now < due.planned_start


def _write_down(session: Session, due: Preflight, findings: list[Finding], now: datetime) -> None:
    faults = [finding for finding in findings if not finding.ok]
    detail = {
        "minutes": due.minutes,
        "planned_start": due.planned_start.isoformat(),
        "ok": not faults,
        "findings": [{"part": f.part, "ok": f.ok, "sentence": f.sentence} for f in findings],
    }
    session.add(Observation(meeting_id=due.meeting_id, at=now, kind="preflight", detail=detail))
    subject = meeting_subject(due.meeting_id)
    # Closed first: what the earlier preflight found may have been mended, and something else be wrong now.
    clear_alarm(session, AlarmKind.PREFLIGHT, subject, now)
    if faults:
        message = " ".join(f"{fault.part.capitalize()}: {fault.sentence}" for fault in faults)
        raise_alarm(session, AlarmKind.PREFLIGHT, subject, message, now, due.meeting_id)
