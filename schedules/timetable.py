"""What is due: pure, from the meetings, the living processes and the time. All times are aware UTC.

Lengths are added to instants in UTC, so a night with 23 or 25 hours needs no case of its own here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from schedules.states import MeetingState

# A meeting put off by less keeps its slate up; put off by more, it goes off air meanwhile.
MOVED = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A meeting as the timetable sees it. `preflights`: those done, as (minutes before, for which planned start)."""

    id: int
    state: MeetingState
    planned_start: datetime
    planned_end: datetime
    preflights: frozenset[tuple[float, datetime]] = field(default=frozenset())


class Why(StrEnum):
    """Why a live process is started."""

    PREPARE = "prepare"  # before the meeting, as planned
    LATE = "late"  # in the middle of the meeting: nobody was there at its start
    RESTART = "restart"  # it was on air and its process is dead


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something to do for one meeting."""

    meeting_id: int


@dataclass(frozen=True, kw_only=True)
class Start(Action):
    """Start the live process."""

    why: Why


@dataclass(frozen=True, kw_only=True)
class Preflight(Action):
    """Try source, disk and platforms, `minutes` before `planned_start`."""

    minutes: float
    planned_start: datetime


@dataclass(frozen=True, kw_only=True)
class Missed(Action):
    """The whole planned time has passed with nothing on air: say so."""


@dataclass(frozen=True, kw_only=True)
class PutBack(Action):
    """It was being prepared, its process is gone and it has been moved to a later hour: planned again."""


@dataclass(frozen=True, kw_only=True)
class StandDown(Action):
    """It is being prepared and has been moved to an hour far ahead: its process is to go off air until then."""


@dataclass(frozen=True, kw_only=True)
class GiveUp(Action):
    """It was on air when its process died, and nobody can still be in the room: ended with what was recorded.

    Without this, a machine that was down over night would broadcast the next morning's empty room.
    """


def due(
    entries: Iterable[Entry],
    running: Collection[int],
    now: datetime,
    *,
    prepare: timedelta,
    preflights: Sequence[float],
    extend_limit: timedelta,
) -> list[Action]:
    """What is to be done at `now`, earliest meeting first.

    running: the meetings whose live process lives. prepare: how long before its start a meeting's process begins.
    preflights: minutes before the start. extend_limit: how long past its planned end a meeting may go on.
    Asking again before an action has shown its effect (state, process, preflight) gives it again.
    """
    actions: list[Action] = []
    action: Action | None
    for entry in sorted(entries, key=lambda entry: (entry.planned_start, entry.id)):
        if entry.id in running:
            early = now < entry.planned_start - prepare - MOVED
            action = (
                StandDown(meeting_id=entry.id) if early and entry.state is MeetingState.PREPARING else None
            )
        else:
            action = _without_process(entry, now, prepare, extend_limit)
        if action is not None:
            actions.append(action)
        if (preflight := _preflight(entry, now, preflights)) is not None:
            actions.append(preflight)
    return actions


def _without_process(
    entry: Entry, now: datetime, prepare: timedelta, extend_limit: timedelta
) -> Action | None:
    opens = entry.planned_start - prepare
    match entry.state:
        case MeetingState.PLANNED:
            if now >= entry.planned_end:
                return Missed(meeting_id=entry.id)
            if now >= entry.planned_start:
                return Start(meeting_id=entry.id, why=Why.LATE)
            return Start(meeting_id=entry.id, why=Why.PREPARE) if now >= opens else None
        case MeetingState.PREPARING:
            if now >= entry.planned_end:
                return Missed(meeting_id=entry.id)
            return (
                Start(meeting_id=entry.id, why=Why.RESTART) if now >= opens else PutBack(meeting_id=entry.id)
            )
        case MeetingState.LIVE:
            if now >= entry.planned_end + extend_limit:
                return GiveUp(meeting_id=entry.id)
            return Start(meeting_id=entry.id, why=Why.RESTART)
        case MeetingState.ENDED | MeetingState.CANCELLED | MeetingState.MISSED:
            return None


def _preflight(entry: Entry, now: datetime, preflights: Sequence[float]) -> Preflight | None:
    if entry.state not in (MeetingState.PLANNED, MeetingState.PREPARING) or now >= entry.planned_start:
        return None
    passed = [minutes for minutes in preflights if now >= entry.planned_start - timedelta(minutes=minutes)]
    if not passed:
        return None
    # Only the nearest: with ten minutes left, the one of an hour before would tell nothing more.
    nearest = min(passed)
    if (nearest, entry.planned_start) in entry.preflights:
        return None
    return Preflight(meeting_id=entry.id, minutes=nearest, planned_start=entry.planned_start)


def wake_times(
    entry: Entry, now: datetime, *, prepare: timedelta, preflights: Sequence[float]
) -> list[datetime]:
    """The instants after `now` at which something becomes due for a meeting, rising."""
    if entry.state not in (MeetingState.PLANNED, MeetingState.PREPARING):
        return []
    instants = {entry.planned_start - prepare, entry.planned_start, entry.planned_end}
    instants |= {entry.planned_start - timedelta(minutes=minutes) for minutes in preflights}
    return sorted(instant for instant in instants if instant > now)
