"""The alarm clock: APScheduler in one process, its jobs rebuilt from the meetings at start and at every change.

The meetings table is the truth. Every job only calls the same sweep, which reads the rows anew; the date jobs make it
punctual, the tick every second makes it certain. Nothing here is lost when the process dies.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import DBAPIError

from schedules.alarms.telling import tell
from schedules.alarms.watch import watch_air, watch_disk
from schedules.broadcasts import BroadcastKeeper
from schedules.database import Database
from schedules.housekeeping import keep_house
from schedules.launcher import Launcher
from schedules.locks import AdvisoryLock, FileLock
from schedules.preflight_run import run_preflight
from schedules.settings import Settings
from schedules.sweep import Sweep
from schedules.timetable import Entry, Preflight, wake_times
from schedules.youtube.statistics import fetch_statistics
from schedules.youtube.watch import watch_accounts

TICK_SECONDS = 1.0
WATCH_SECONDS = 5.0
TELL_SECONDS = 2.0
BROADCAST_SECONDS = 60.0
STOP_SECONDS = 3.0
LOCK_SECONDS = 10.0  # how often the database is asked whether its lock is still ours
HOUSEKEEPING_HOUR = 2  # UTC: a night with two half past twos has two in local time only
STATISTICS_HOUR = 4  # UTC

log = structlog.get_logger(__name__)


class SchedulerTaken(RuntimeError):
    """Another scheduler runs. The message is one Swedish sentence."""


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Scheduler:
    """One running scheduler. `failed` is set, with `why`, when it must not go on."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        launcher: Launcher,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.failed = threading.Event()
        self.why = ""
        self._database = database
        self._settings = settings
        self._now = now
        self._heartbeat = settings.data / "run" / "scheduler.heartbeat"
        self._file_lock = FileLock(settings.data / "run" / "scheduler.lock")
        self._advisory_lock = AdvisoryLock(database.engine)
        self._lock_asked = 0.0
        self._sweep = Sweep(database, settings, launcher, self._begin_preflight)
        self._turn = threading.Lock()
        self._entries: tuple[Entry, ...] | None = None
        self._trouble = ""
        self._jobs = BackgroundScheduler(
            timezone=UTC,
            executors={
                "default": ThreadPoolExecutor(4),
                # A camera that does not answer, or a mail server, must not hold up the clock.
                "slow": ThreadPoolExecutor(8),
            },
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Take the locks and begin. Raises SchedulerTaken, and SQLAlchemyError where the database does not answer."""
        if not self._file_lock.take():
            raise SchedulerTaken(
                f"En schemaläggare är redan igång för datamappen {self._settings.data}: den här avslutas."
            )
        if not self._advisory_lock.take():
            self._file_lock.give_back()
            raise SchedulerTaken("En schemaläggare är redan igång mot samma databas: den här avslutas.")
        self.tick()
        start = self._now()
        self._jobs.add_job(self.tick, "interval", seconds=TICK_SECONDS, id="tick")
        for work, seconds in ((_watch, WATCH_SECONDS), (tell, TELL_SECONDS)):
            self._slowly(work, "interval", id=work.__name__, seconds=seconds)
        keep = BroadcastKeeper().keep_broadcasts
        self._slowly(keep, "interval", id="broadcasts", seconds=BROADCAST_SECONDS, next_run_time=start)
        self._slowly(keep_house, "cron", id="housekeeping", hour=HOUSEKEEPING_HOUR)
        self._slowly(keep_house, "date", id="housekeeping at start", run_date=start)
        self._slowly(watch_accounts, "interval", id="accounts", hours=1)
        self._slowly(watch_accounts, "date", id="accounts at start", run_date=start)
        self._slowly(fetch_statistics, "cron", id="statistics", hour=STATISTICS_HOUR)
        self._jobs.start()
        log.info("scheduler started", meetings=len(self._entries or ()))

    def stop(self) -> None:
        """Stop the clock and give the locks back; what runs gets some seconds to end. Live processes go on."""
        if self._jobs.running:
            with self._turn:
                # First, or the clock's thread hands a job to a pool that is closed already, and dies of it.
                self._jobs.remove_all_jobs()
            closing = threading.Thread(target=self._jobs.shutdown, name="closing", daemon=True)
            closing.start()
            closing.join(STOP_SECONDS)
        self._advisory_lock.give_back()
        self._file_lock.give_back()

    def tick(self) -> None:
        """One sweep, now. Never raises: a database that is away, or a fault of ours, must not stop the clock."""
        with self._turn:
            try:
                self._keep_lock()
                entries = self._sweep(self._now())
                if entries != self._entries:
                    self._rebuild(entries)
                    self._entries = entries
                self._well()
            except Exception as error:
                self._unwell(error)
        # Touched after the sweep, whatever came of it: it says that the clock ticks, not that all is well.
        self._heartbeat.parent.mkdir(parents=True, exist_ok=True)
        self._heartbeat.touch()

    def jobs(self) -> list[tuple[str, datetime]]:
        """The meetings' jobs as (id, when), rising."""
        own = [job for job in self._jobs.get_jobs() if job.id.startswith("meeting-")]
        return sorted(((job.id, job.trigger.run_date) for job in own), key=lambda job: (job[1], job[0]))

    def _rebuild(self, entries: tuple[Entry, ...]) -> None:
        now = self._now()
        for job_id, _ in self.jobs():
            self._jobs.remove_job(job_id)
        for entry in entries:
            instants = wake_times(
                entry, now, prepare=self._settings.prepare, preflights=self._settings.live.preflight_minutes
            )
            for number, instant in enumerate(instants):
                grace = max(1, int((entry.planned_end - instant) / timedelta(seconds=1)))
                self._jobs.add_job(
                    self.tick, "date", run_date=instant, id=f"meeting-{entry.id}-{number}",
                    misfire_grace_time=grace, replace_existing=True,
                )  # fmt: skip
        log.info("timetable rebuilt", meetings=len(entries))

    def _begin_preflight(self, preflight: Preflight) -> None:
        name = f"preflight-{preflight.meeting_id}-{preflight.minutes}-{preflight.planned_start.isoformat()}"

        def run(database: Database, settings: Settings, now: datetime) -> None:
            run_preflight(database, settings, preflight, now)
            self._jobs.remove_job(name)

        if self._jobs.get_job(name) is None:
            # An interval, removed when it is done: it may have to be tried again where the database was away.
            self._slowly(run, "interval", id=name, seconds=30, next_run_time=self._now())

    def _slowly(
        self, work: Callable[[Database, Settings, datetime], object], trigger: str, **when: Any
    ) -> None:
        self._jobs.add_job(self._guarded, trigger, args=[work], executor="slow", **when)

    def _guarded(self, work: Callable[[Database, Settings, datetime], object]) -> None:
        try:
            work(self._database, self._settings, self._now())
        except Exception as error:
            log.error("job failed", job=work.__name__, error=_named(error), exc_info=not _away(error))

    def _keep_lock(self) -> None:
        if time.monotonic() - self._lock_asked < LOCK_SECONDS:
            return
        if not self._advisory_lock.take():
            self.why = "En annan schemaläggare har tagit över databasen: den här avslutas."
            self.failed.set()
            raise SchedulerTaken(self.why)
        self._lock_asked = time.monotonic()

    def _well(self) -> None:
        if self._trouble:
            log.info("sweep works again", was=self._trouble)
        self._trouble = ""

    def _unwell(self, error: Exception) -> None:
        # Once for each trouble, not once a second.
        if self._trouble != _named(error):
            log.error("sweep failed", error=_named(error), exc_info=not _away(error))
        self._trouble = _named(error)
        self._lock_asked = 0.0


def _watch(database: Database, settings: Settings, now: datetime) -> None:
    with database.session() as session:
        watch_air(session, now)
        watch_disk(session, settings, now)


def _away(error: Exception) -> bool:
    return isinstance(error, DBAPIError)


def _named(error: Exception) -> str:
    # A DBAPIError's own text may hold the statement's parameters; its type tells enough.
    return type(error.orig).__name__ if isinstance(error, DBAPIError) and error.orig else type(error).__name__
