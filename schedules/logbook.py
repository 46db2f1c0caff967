"""Writes down what was seen on air. A database that is away for a while loses nothing: what waits is kept in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from re import sub
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from broadcast.events import (
    Event,
    OnAir,
    PlatformEvent,
    ProgramChanged,
    SecondMeasured,
    ViewersCounted,
)
from broadcast.slate import Slate
from schedules.alarms.raising import apply_changes
from schedules.alarms.rules import AlarmRules, AlarmState
from schedules.broadcast_rows import follow
from schedules.database import Database
from schedules.models import Level, Meeting, Observation
from schedules.states import MeetingState, Phase
from schedules.transitions import move_meeting

MOST_WAITING = 50_000  # some hours of seconds; beyond it the oldest are let go, the ledger has them all
_PHASES = {
    Slate.WAITING: Phase.WAITING,
    Slate.ADJOURNED: Phase.ADJOURNED,
    Slate.CLOSED: Phase.CLOSED,
    Slate.OVER: Phase.OVER,
}
_log = structlog.get_logger()


def phase_of(event: ProgramChanged) -> Phase:
    """The phase that a change of the program shows. The slate for a lost source is shown in an open meeting."""
    if event.on_air is OnAir.SLATE and event.slate != Slate.SOURCE_LOST:
        return _PHASES[Slate(event.slate)]
    return Phase.OPEN


def kind_of(event: Event) -> str:
    """The event's name in the table of observations: its class in lower_snake_case."""
    return sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


class Logbook:
    """One meeting's entries in the database."""

    def __init__(self, database: Database, meeting_id: int, fps: int, rules: AlarmRules, alarms: AlarmState):
        self._database, self._meeting_id, self._fps = database, meeting_id, fps
        self._rules, self._alarms = rules, alarms
        self._waiting: deque[Callable[[Session], None]] = deque(maxlen=MOST_WAITING)

    def note(self, event: Event, now: datetime) -> None:
        """Take an event; it is written by the next `write`."""
        self._alarms, changes = self._rules.observe(event, self._alarms)
        self._waiting.append(lambda session: self._enter(session, event))
        if changes:
            self.later(lambda session: apply_changes(session, self._meeting_id, changes, now))

    def later(self, work: Callable[[Session], None]) -> None:
        """Have `work` done with a session, after everything that waits already. It may be tried more than once."""
        self._waiting.append(work)

    def write(self) -> bool:
        """Write all that waits. False: the database could not be written; everything still waits."""
        if not self._waiting:
            return True
        try:
            with self._database.session() as session:
                for work in list(self._waiting):
                    work(session)
        except (SQLAlchemyError, OSError) as error:
            _log.warning(
                "logbook cannot be written, kept in memory",
                waiting=len(self._waiting),
                error=type(error).__name__,
            )
            return False
        self._waiting.clear()
        return True

    def _enter(self, session: Session, event: Event) -> None:
        if isinstance(event, SecondMeasured):
            session.merge(
                Level(
                    meeting_id=self._meeting_id, second=event.frame // self._fps, loudness=event.loudness,
                    peak=event.peak, black=event.black, frozen=event.frozen, on_air=event.on_air.value,
                )
            )  # fmt: skip
            return
        if isinstance(event, PlatformEvent):
            follow(session, self._meeting_id, event)
        if isinstance(event, ViewersCounted):
            return
        session.add(
            Observation(meeting_id=self._meeting_id, at=event.at, kind=kind_of(event), detail=_plain(event))
        )
        if isinstance(event, ProgramChanged):
            self._follow(session, event)

    def _follow(self, session: Session, event: ProgramChanged) -> None:
        meeting = session.get_one(Meeting, self._meeting_id)
        meeting.phase = phase_of(event)
        if event.on_air is OnAir.SOURCE and meeting.began_at is None:
            meeting.began_at = event.at
            session.flush()
            move_meeting(session, self._meeting_id, MeetingState.LIVE, now=event.at, who="laktare")


def _plain(event: Event) -> dict[str, Any]:
    return {key: _json(value) for key, value in asdict(event).items() if key != "at"}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
