"""Notices what did not happen: a meeting that should be on air and is not, and a disk that is about to be full."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import clear_alarm, clear_meeting, meeting_subject, raise_alarm
from schedules.alarms.rules import ON_AIR_KINDS
from schedules.models import Alarm, LiveProcess, Meeting
from schedules.settings import Settings
from schedules.states import ON_AIR, MeetingState, Phase

GRACE = timedelta(seconds=15)  # from the planned start until the room must have been seen
STALE = timedelta(seconds=5)  # a live process reports once a second
MISSED_FOR = timedelta(days=1)  # so long the alarm about a meeting that never came on air stays open
GB = 1_000_000_000
DISK = "disk"


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A meeting that should be on air and is not. message: Swedish, why and what to do."""

    meeting_id: int
    kind: AlarmKind
    message: str


def missing_from_air(
    meetings: Iterable[Meeting],
    live_processes: Iterable[LiveProcess],
    now: datetime,
    grace: timedelta = GRACE,
) -> list[Missing]:
    """The meetings that should be on air at `now` and are not, whatever the cause. Pure."""
    processes = {process.meeting_id: process for process in live_processes}
    found = (_missing(meeting, processes.get(meeting.id), now, grace) for meeting in meetings)
    return [missing for missing in found if missing is not None]


def _missing(
    meeting: Meeting, process: LiveProcess | None, now: datetime, grace: timedelta
) -> Missing | None:
    dead = process is None or now - process.heartbeat_at > STALE
    due = meeting.planned_start + grace <= now
    match meeting.state:
        case MeetingState.PLANNED if due and now < meeting.planned_end:
            return _not_on_air(meeting, "den har inte startats" if dead else "den håller på att startas")
        case MeetingState.PREPARING if due:
            if dead:
                return _not_on_air(meeting, "den har stannat")
            # A closed session before anything else is the chair's decision, not a fault.
            if meeting.phase is not Phase.CLOSED:
                return _not_on_air(meeting, "den visar fortfarande skylt, och källan har inte synts")
        case MeetingState.PREPARING if dead and process is not None:
            message = (
                f"Förberedelsen av sändningen svarar inte och startas om: läs data/logs/live-{meeting.id}.log om "
                "larmet varar."
            )
            return Missing(meeting_id=meeting.id, kind=AlarmKind.LIVE_PROCESS_DEAD, message=message)
        case MeetingState.LIVE if dead:
            return _not_on_air(meeting, "den har stannat mitt i sammanträdet")
    return None


def _not_on_air(meeting: Meeting, why: str) -> Missing:
    message = (
        f"Sändningen skulle pågå, men {why}: kontrollera att laktare run är igång, kör laktare check och läs "
        f"data/logs/live-{meeting.id}.log."
    )
    return Missing(meeting_id=meeting.id, kind=AlarmKind.NOT_ON_AIR, message=message)


def watch_air(session: Session, now: datetime, grace: timedelta = GRACE) -> list[Missing]:
    """Raise an alarm for each meeting missing from air, and close those that are back or no longer matter.

    To be run every few seconds, by the scheduler and by whoever watches the scheduler.
    """
    going = or_(
        Meeting.state.in_(ON_AIR),
        (Meeting.state == MeetingState.PLANNED) & (Meeting.planned_start <= now - grace),
    )
    meetings = session.scalars(select(Meeting).where(going)).all()
    processes = session.scalars(select(LiveProcess)).all()
    missing = missing_from_air(meetings, processes, now, grace)
    for one in missing:
        raise_alarm(session, one.kind, meeting_subject(one.meeting_id), one.message, now, one.meeting_id)
    _close(
        session, {one.meeting_id for one in missing}, {p.meeting_id: p.heartbeat_at for p in processes}, now
    )
    return missing


def _close(session: Session, missing: set[int], beats: Mapping[int, datetime], now: datetime) -> None:
    watched = (AlarmKind.NOT_ON_AIR.value, AlarmKind.LIVE_PROCESS_DEAD.value)
    pairs = session.execute(
        select(Alarm, Meeting)
        .join(Meeting, Alarm.meeting_id == Meeting.id)
        .where(Alarm.cleared_at.is_(None), Alarm.kind.in_([kind.value for kind in ON_AIR_KINDS]))
    ).all()
    for alarm, meeting in pairs:
        match meeting.state:
            case MeetingState.ENDED | MeetingState.CANCELLED:
                clear_meeting(session, meeting.id, ON_AIR_KINDS, now)
            case MeetingState.MISSED if now - meeting.planned_end > MISSED_FOR:
                clear_meeting(session, meeting.id, ON_AIR_KINDS, now)
            case MeetingState.MISSED:
                continue  # to say that this is over would be untrue
            case _ if alarm.kind in watched and meeting.id not in missing:
                # A dead process is back when a newer one has reported, not as long as the old report looks fresh.
                beat = beats.get(meeting.id)
                if meeting.state not in ON_AIR or (beat is not None and beat > alarm.raised_at):
                    clear_alarm(session, AlarmKind(alarm.kind), alarm.subject, now)


def watch_disk(session: Session, settings: Settings, now: datetime) -> int:
    """Raise or close the alarm about a full disk. Returns the free bytes where the data folder is (or will be)."""
    free = free_bytes(settings.data)
    limit = settings.live.low_disk_gb * GB
    if free < limit:
        message = (
            f"{free / GB:.1f} GB är ledigt på disken, under gränsen {settings.live.low_disk_gb:g} GB: flytta eller ta "
            "bort filer, annars stannar inspelningen."
        ).replace(".", ",", 1)
        raise_alarm(session, AlarmKind.LOW_DISK, DISK, message, now)
    elif free > limit * 1.1:  # not at the very limit, or a log line would open and close it all day
        clear_alarm(session, AlarmKind.LOW_DISK, DISK, now)
    return free


def free_bytes(folder: Path) -> int:
    """Bytes free for us where `folder` is, or will be made."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    return shutil.disk_usage(there).free
