"""The units that Google grants the project a day: counted by all processes together, some kept for what is on air.

Google counts too, and its word is the last: ours only sees to it that ordinary work leaves something over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import CursorResult, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from schedules.database import Database
from schedules.models import Spending
from schedules.settings import YouTube
from schedules.youtube.methods import OWN_BUCKETS, UNITS, bucket_of, cost_of

PACIFIC = ZoneInfo("America/Los_Angeles")  # whose midnight gives new units
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

log = structlog.get_logger(__name__)


def quota_day(now: datetime) -> str:
    """The day whose units are spent at `now`, "2026-11-24"."""
    return now.astimezone(PACIFIC).date().isoformat()


def seconds_to_reset(now: datetime) -> float:
    """Seconds until there are new units."""
    tomorrow = now.astimezone(PACIFIC).date() + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=PACIFIC)
    return (midnight.astimezone(UTC) - now).total_seconds()


def units_left(
    session: Session, settings: YouTube, project: str, now: datetime, *, reserve: bool = False
) -> int:
    """The units left of the day as we have counted them; without the reserve unless it is asked for."""
    used = session.scalar(
        select(Spending.used).where(
            Spending.project == project, Spending.day == quota_day(now), Spending.bucket == UNITS
        )
    )
    return max(0, _limit(settings, UNITS, may_use_reserve=reserve) - (used or 0))


class NoMeter:
    """Counts nothing: for the doctor, where there is no database yet."""

    def spend(self, method: str) -> bool:
        return True

    def used_up(self, method: str) -> None:
        return


class QuotaMeter:
    """Counts one project's requests in table `spendings`.

    may_use_reserve: for steering a broadcast on air, which our own count never refuses; all else is refused when
    no more than the reserve is left.
    """

    def __init__(
        self,
        database: Database,
        settings: YouTube,
        project: str,
        *,
        may_use_reserve: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._settings = settings
        self._project = project
        self._may_use_reserve = may_use_reserve
        self._now = now

    def spend(self, method: str) -> bool:
        """Count a request that is about to be sent. False: nothing is left for it, and it is not counted."""
        bucket, cost = bucket_of(method), cost_of(method)
        limit = _limit(self._settings, bucket, may_use_reserve=False)
        # What these cost is documented nowhere, so our count may be wrong, and a broadcast must be ended.
        enough = [] if self._may_use_reserve else [Spending.used + cost <= limit]
        try:
            with self._database.session() as session:
                row = self._row(session, bucket)
                counted = update(Spending).where(*row, *enough).values(used=Spending.used + cost)
                return cast("CursorResult[Any]", session.execute(counted)).rowcount == 1
        except SQLAlchemyError as error:
            log.warning("quota cannot be counted", method=method, error=type(error).__name__)
            return True  # Google counts too

    def used_up(self, method: str) -> None:
        """Take Google's word that nothing is left: only who may use the reserve asks again before midnight."""
        bucket = bucket_of(method)
        limit = _limit(self._settings, bucket, may_use_reserve=False)
        try:
            with self._database.session() as session:
                row = self._row(session, bucket)
                session.execute(update(Spending).where(*row, Spending.used < limit).values(used=limit))
        except SQLAlchemyError as error:
            log.warning("quota cannot be counted", method=method, error=type(error).__name__)

    def _row(self, session: Session, bucket: str) -> tuple[Any, ...]:
        """What selects the day's row, which is there from now on."""
        day = quota_day(self._now())
        insert = _INSERT[session.get_bind().dialect.name](Spending)
        session.execute(
            insert.values(project=self._project, day=day, bucket=bucket, used=0).on_conflict_do_nothing()
        )
        return (Spending.project == self._project, Spending.day == day, Spending.bucket == bucket)


def _limit(settings: YouTube, bucket: str, *, may_use_reserve: bool) -> int:
    if bucket != UNITS:
        return OWN_BUCKETS[f"youtube.{bucket}"]
    kept = 0 if may_use_reserve else settings.reserve_units
    return max(0, settings.daily_units - kept)
