"""Tells every receiver what it has not been told yet. Several processes may do so at once; each alarm is claimed."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, case, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from schedules.alarms.kinds import AlarmKind
from schedules.alarms.plan import Record, failed, next_telling, succeeded
from schedules.alarms.raising import clear_alarm, raise_alarm
from schedules.alarms.receivers import RECEIVERS, Receiver
from schedules.alarms.receivers.notice import About, Notice, TellError
from schedules.database import Database
from schedules.models import Alarm, Meeting
from schedules.settings import Settings
from schedules.wording import meeting_page

LEASE = timedelta(minutes=2)  # a teller that dies leaves its alarms to the next one after this
COMPLAIN_AFTER = 3  # failures in a row before the other receivers hear of it

NAMES = {"mail": "e-post", "webhook": "webhook", "log": "logg"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Claimed:
    alarm: Alarm  # detached: only read
    meeting: About | None
    records: Mapping[str, Record]


def tell(
    database: Database, settings: Settings, now: datetime, receivers: Mapping[str, Receiver] = RECEIVERS
) -> int:
    """Tell all that is due at `now`: new alarms, those that are over, reminders, and what failed before.

    Returns how many messages went through. Never raises; takes at most some seconds per receiver (they are told
    side by side, and one that does not answer is asked once a round). Call it every few seconds.
    """
    wanted = {name: receiver for name, receiver in receivers.items() if receiver.is_set(settings)}
    try:
        with database.session() as session:
            claimed = _claim(session, settings, now)
        if not claimed:
            return 0
        with ThreadPoolExecutor(max_workers=max(1, len(wanted)), thread_name_prefix="tell") as pool:
            running = {
                name: pool.submit(_tell_one, name, receiver, claimed, settings, now)
                for name, receiver in wanted.items()
            }
        rounds = {name: future.result() for name, future in running.items()}
        with database.session() as session:
            _write_down(session, claimed, rounds, now)
            _complain(session, rounds, now)
        return sum(done.sent for done in rounds.values())
    except SQLAlchemyError:
        log.exception("alarms could not be told: the database does not answer")
        return 0


def _claim(session: Session, settings: Settings, now: datetime) -> list[_Claimed]:
    claimed = []
    for alarm in session.scalars(select(Alarm).where(Alarm.tell_at <= now).order_by(Alarm.id)).all():
        take = (
            update(Alarm)
            .where(Alarm.id == alarm.id, Alarm.tell_at == alarm.tell_at)
            .values(tell_at=now + LEASE)
        )
        if cast("CursorResult[Any]", session.execute(take, execution_options=_QUIET)).rowcount != 1:
            continue  # somebody else was first
        records = {name: Record.from_json(stored) for name, stored in alarm.told.items()}
        claimed.append(_Claimed(alarm=alarm, meeting=_about(session, settings, alarm), records=records))
    session.expunge_all()
    return claimed


_QUIET = {"synchronize_session": False}


def _about(session: Session, settings: Settings, alarm: Alarm) -> About | None:
    meeting = session.get(Meeting, alarm.meeting_id) if alarm.meeting_id is not None else None
    if meeting is None:
        return None
    return About(
        id=meeting.id,
        title=meeting.title,
        planned_start=meeting.planned_start,
        address=meeting_page(settings, meeting.id),
    )


@dataclass(frozen=True, kw_only=True)
class _Round:
    """What one receiver has been told: alarm id → its record now; how many went through; the last error."""

    records: dict[int, Record]
    sent: int
    trouble: str  # to be complained about: why, else empty


def _tell_one(
    name: str, receiver: Receiver, claimed: list[_Claimed], settings: Settings, now: datetime
) -> _Round:
    records: dict[int, Record] = {}
    sent, trouble, down = 0, "", ""
    for claim in claimed:
        alarm, record = claim.alarm, claim.records.get(name, Record())
        telling = next_telling(alarm.raised_at, alarm.cleared_at, record)
        if telling is None or telling[1] > now or _is_about(alarm, name):
            continue
        occasion = telling[0]
        try:
            if down:
                raise TellError(down)
            remark = receiver.tell(_notice(claim, occasion, settings, now), settings)
        except TellError as error:
            down = down if error.permanent else str(error)
            record = failed(
                record, occasion, now, str(error), permanent=error.permanent, cleared_at=alarm.cleared_at
            )
            if error.permanent or record.failures >= COMPLAIN_AFTER:
                trouble = str(error)
        except Exception as error:
            # A fault of our own in one way of telling must not silence the others. Its text may hold anything.
            log.warning("a receiver of alarms failed", receiver=name, fault=type(error).__name__)
            trouble = f"Ett fel i Läktare ({type(error).__name__})."
            record = failed(record, occasion, now, trouble, permanent=False, cleared_at=alarm.cleared_at)
        else:
            sent += 1
            record = succeeded(record, occasion, now, remark)
        records[alarm.id] = record
    return _Round(records=records, sent=sent, trouble=trouble)


def _is_about(alarm: Alarm, receiver: str) -> bool:
    """That a receiver cannot be reached is told to the others."""
    return alarm.kind == AlarmKind.TELLING_FAILED and alarm.subject == receiver


def _notice(claim: _Claimed, occasion: Any, settings: Settings, now: datetime) -> Notice:
    alarm = claim.alarm
    return Notice(
        alarm_id=alarm.id,
        occasion=occasion,
        kind=alarm.kind,
        subject=alarm.subject,
        message=alarm.message,
        raised_at=alarm.raised_at,
        cleared_at=alarm.cleared_at,
        meeting=claim.meeting,
        now=now,
        zone=settings.zone,
    )


def _write_down(
    session: Session, claimed: list[_Claimed], rounds: Mapping[str, _Round], now: datetime
) -> None:
    for claim in claimed:
        alarm = claim.alarm
        fresh = {name: done.records[alarm.id] for name, done in rounds.items() if alarm.id in done.records}
        records = {**claim.records, **fresh}
        tellings = [
            next_telling(alarm.raised_at, alarm.cleared_at, records.get(name, Record()))
            for name in rounds
            if not _is_about(alarm, name)
        ]
        next_at = min((telling[1] for telling in tellings if telling is not None), default=None)
        told = {name: record.as_json() for name, record in records.items()}
        session.execute(
            update(Alarm)
            .where(Alarm.id == alarm.id)
            # It may have been cleared while we were telling: then it is due already, and must stay so.
            .values(told=told, tell_at=case((Alarm.tell_at == now + LEASE, next_at), else_=Alarm.tell_at))
        )


def _complain(session: Session, rounds: Mapping[str, _Round], now: datetime) -> None:
    for name, done in rounds.items():
        if done.trouble:
            message = f"Larm når inte fram med {NAMES.get(name, name)}. {done.trouble}"
            raise_alarm(session, AlarmKind.TELLING_FAILED, name, message, now)
        elif done.sent:
            clear_alarm(session, AlarmKind.TELLING_FAILED, name, now)
