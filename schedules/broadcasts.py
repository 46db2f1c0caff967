"""Keeps the broadcasts on platforms elsewhere as the calendar has them: announced ahead of the meeting, edited with it,
taken away when it is cancelled, and ended where its own process could not.

To be run every minute. Each pass compares rows with rows and asks the platform only where something differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from broadcast.platforms.youtube.announce import PRIVACY, REMOVED, announce, take_away
from broadcast.platforms.youtube.plan import OVER, BroadcastPlan
from broadcast.platforms.youtube.reasons import Do, PlatformError
from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import clear_alarm, meeting_subject, raise_alarm
from schedules.broadcast_duty import Deed, deed_of
from schedules.broadcast_rows import (
    DELETED,
    GONE,
    hash_of,
    our_turn,
    plan_of,
    renew,
    row_of,
    wanted_platforms,
)
from schedules.database import Database
from schedules.models import Broadcast, Meeting
from schedules.platforms import connect_youtube
from schedules.settings import Settings
from schedules.states import ON_AIR, MeetingState
from uploader.metadata import MARKER, MetadataError

NEAR = timedelta(hours=2)  # so long before a meeting a failure is not waited out for an hour
FIRST_WAIT, NEAR_WAIT, FAR_WAIT = timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1)
MISTAKE_WAIT = timedelta(
    hours=6
)  # what it will never take is asked again as it costs: some 50 units each time
PATIENT_TIMES = 3  # passing trouble is told when it has come so often in a row

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Something to be done about one row. plan: what it is to be; None: it is to be gone, or its texts do not fit
    (fault)."""

    row_id: int
    meeting_id: int
    platform: str
    deed: Deed
    starts: datetime
    known: bool  # its address is: it is, or was, there for sure
    plan: BroadcastPlan | None = None
    fault: str = ""

    @property
    def content(self) -> tuple[int, str]:
        """What is tried: something else need not wait for what failed before."""
        return self.row_id, f"{self.deed} {hash_of(self.plan) if self.plan else ''}"


@dataclass
class _Failures:
    times: int = 0
    not_before: datetime | None = None


class BroadcastKeeper:
    """Remembers only what failed and when it is worth another try."""

    def __init__(self) -> None:
        self._failures: dict[tuple[int, str], _Failures] = {}

    def keep_broadcasts(self, database: Database, settings: Settings, now: datetime) -> None:
        """One pass."""
        with database.session() as session:
            duties = sorted(_duties(session, settings, now), key=lambda duty: duty.deed is not Deed.TAKE_AWAY)
        current = {duty.content for duty in duties}
        self._failures = {key: kept for key, kept in self._failures.items() if key in current}
        for duty in duties:
            failures = self._failures.setdefault(duty.content, _Failures())
            if failures.not_before is None or now >= failures.not_before:
                self._try(database, settings, duty, failures, now)

    def _try(
        self, database: Database, settings: Settings, duty: Duty, failures: _Failures, now: datetime
    ) -> None:
        try:
            with our_turn(settings, database, duty.row_id) as mine:
                if not mine:
                    return
                _do(database, settings, duty, now)
        except PlatformError as error:
            self._failed(database, settings, duty, failures, error, now)
            return
        except SQLAlchemyError:
            raise  # none of the others could be written down either
        except Exception as error:  # a fault of ours with one of them must not stop the others
            log.exception("broadcast not settled", meeting=duty.meeting_id, platform=duty.platform)
            fault = f"Ett fel i Läktare ({type(error).__name__}) hindrar det: läs loggen."
            self._failed(database, settings, duty, failures, PlatformError(fault, Do.MISTAKE), now)
            return
        log.info("broadcast settled", meeting=duty.meeting_id, platform=duty.platform, deed=duty.deed.value)
        with database.session() as session:
            session.get_one(Broadcast, duty.row_id).error = ""
            subject = meeting_subject(duty.meeting_id, duty.platform)
            for kind in (AlarmKind.NOT_ANNOUNCED, AlarmKind.BROADCAST_LEFT):
                clear_alarm(session, kind, subject, now)

    def _failed(
        self,
        database: Database,
        settings: Settings,
        duty: Duty,
        failures: _Failures,
        error: PlatformError,
        now: datetime,
    ) -> None:
        failures.times += 1
        near = duty.deed is Deed.TAKE_AWAY or duty.starts - now < NEAR
        longest = MISTAKE_WAIT if error.do is Do.MISTAKE else NEAR_WAIT if near else FAR_WAIT
        failures.not_before = now + min(FIRST_WAIT * 2 ** min(failures.times - 1, 10), longest)
        log.warning(
            "broadcast not settled", meeting=duty.meeting_id, platform=duty.platform, deed=duty.deed.value,
            reason=error.reason, again=failures.not_before.isoformat(),
        )  # fmt: skip
        with database.session() as session:
            row = session.get_one(Broadcast, duty.row_id)
            row.error = str(error)
            # It may have been told all the same, or but half of it: what undoes the change is told as well.
            row.told = hash_of(duty.plan) if error.reason == PRIVACY and duty.plan is not None else ""
            if error.reason == REMOVED and failures.times >= PATIENT_TIMES:
                row.state, row.deleted_at = GONE, now
            if _worth_telling(duty, error, failures.times, near=near):
                _alarm(session, settings, duty, error, now)


def _worth_telling(duty: Duty, error: PlatformError, times: int, *, near: bool) -> bool:
    if duty.deed is Deed.TAKE_AWAY and not duty.known:
        return False  # as far as we know there is nothing to take away
    if error.do is Do.AWAIT_QUOTA:
        return near
    if error.reason in ("notConnected", "invalid_grant"):
        # The account has an alarm of its own; one for each meeting would tell no more.
        return duty.deed is Deed.TAKE_AWAY
    return error.permanent or times >= PATIENT_TIMES


def _duties(session: Session, settings: Settings, now: datetime) -> Iterator[Duty]:
    until = now + timedelta(days=settings.youtube.announce_days)
    coming = (Meeting.state == MeetingState.PLANNED) & (Meeting.planned_start < until)
    kept = Meeting.broadcasts.any(Broadcast.deleted_at.is_(None) & Broadcast.ended_at.is_(None))
    gone = Meeting.broadcasts.any(Broadcast.state == GONE)
    query = select(Meeting).where(or_(coming, Meeting.state.in_(ON_AIR), kept, gone)).order_by(Meeting.id)
    for meeting in session.scalars(query).all():
        wanted = wanted_platforms(settings, meeting)
        if meeting.state is MeetingState.PLANNED and meeting.planned_start < until:
            for platform in wanted:
                row_of(session, meeting.id, platform)
            session.refresh(meeting, ["broadcasts"])
        for row in meeting.broadcasts:
            duty = _duty(session, settings, meeting, row, row.platform in wanted, now)
            if duty is not None:
                yield duty


def _duty(
    session: Session, settings: Settings, meeting: Meeting, row: Broadcast, wanted: bool, now: datetime
) -> Duty | None:
    common: dict[str, Any] = {
        "row_id": row.id, "meeting_id": meeting.id, "platform": row.platform, "starts": meeting.planned_start,
        "known": bool(row.address),
    }  # fmt: skip
    plan, fault = None, ""
    if wanted:
        try:
            plan = plan_of(settings, meeting, row)
        except MetadataError as error:
            fault = f"Sändningens text passar inte på YouTube: {error}."
    deed = deed_of(meeting, row, wanted=wanted, differs=plan is None or row.told != hash_of(plan), now=now)
    if deed is Deed.FORGET:
        row.state = DELETED
        clear_alarm(session, AlarmKind.NOT_ANNOUNCED, meeting_subject(meeting.id, row.platform), now)
        return None
    if deed is Deed.RENEW:
        renew(row)
        deed = Deed.ANNOUNCE
        plan = plan_of(settings, meeting, row) if plan else None
    return None if deed is None else Duty(**common, deed=deed, plan=plan, fault=fault)


def _do(database: Database, settings: Settings, duty: Duty, now: datetime) -> None:
    platform = settings.platforms.get(duty.platform)
    if platform is None or platform.account is None:
        raise PlatformError(
            f"Plattformen {duty.platform} finns inte längre i inställningarna: lägg tillbaka den, eller ta bort "
            "sändningen i YouTube Studio.",
            Do.PERSON,
            "noPlatform",
        )
    calls = connect_youtube(settings, database, platform.account, steering=duty.deed is Deed.TAKE_AWAY)
    with closing(calls):
        with database.session() as session:
            row = session.get_one(Broadcast, duty.row_id)
            marker, address = MARKER + row.marker, row.address
        if duty.deed is Deed.TAKE_AWAY:
            outcome = take_away(calls, marker, address)
            with database.session() as session:
                _taken_away(session.get_one(Broadcast, duty.row_id), outcome, now)
            return
        if duty.plan is None:
            raise PlatformError(duty.fault, Do.MISTAKE, "texts")
        for seen in announce(calls, duty.plan, address, now, edit=True):
            with database.session() as session:
                row = session.get_one(Broadcast, duty.row_id)
                row.address, row.state = seen.id, seen.life
                if seen.life in OVER:
                    row.ended_at = row.ended_at or now
        with database.session() as session:
            session.get_one(Broadcast, duty.row_id).told = hash_of(duty.plan)


def _taken_away(row: Broadcast, outcome: str, now: datetime) -> None:
    if outcome in OVER:
        row.state, row.ended_at = outcome, row.ended_at or now
    else:
        row.state, row.deleted_at = DELETED, now


def _alarm(session: Session, settings: Settings, duty: Duty, error: PlatformError, now: datetime) -> None:
    subject = meeting_subject(duty.meeting_id, duty.platform)
    if duty.deed is Deed.ANNOUNCE:
        raise_alarm(session, AlarmKind.NOT_ANNOUNCED, subject, str(error), now, duty.meeting_id)
        return
    platform = settings.platforms.get(duty.platform)
    message = (
        f"Sändningen på {platform.name if platform else duty.platform} ska avslutas eller tas bort, men det går inte: "
        f"gör det i YouTube Studio; nya försök görs. {error}"
    )
    raise_alarm(session, AlarmKind.BROADCAST_LEFT, subject, message, now, duty.meeting_id)
