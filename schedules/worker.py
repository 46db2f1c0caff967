"""The worker: a process that carries videos from PROCESSING to PUBLISHED.

Each worker holds a slot, a lock that dies with it. Its slot's name is its name in the pipeline, so a worker that was
killed is followed by one of the same name that goes on with its work; and a slot that nobody holds, but whose work is
still written down as running, is cleared by any worker. Workers on several machines share the data folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from schedules import pipeline
from schedules.database import Database
from schedules.settings import Settings
from schedules.slots import SLOTS, Slot, TooManyWorkers
from schedules.slots import worker_runs as worker_runs
from schedules.stopping import set_at_signals
from schedules.workshop import Workshop

LOOK_SECONDS = 0.3  # how often the videos table is asked for work
ADOPT_SECONDS = 2.0
FORGET_SECONDS = 86_400.0
WORKFLOWS_KEPT = timedelta(
    days=30
)  # for whoever wants to know what happened; the audit log keeps it for good
STOP_SECONDS = 3.0  # for the steps to end their children
NICENESS = 15  # a meeting on air goes first; Linux derives the disk's priority from it as well

log = structlog.get_logger(__name__)


class WorkflowsUnreachable(RuntimeError):
    """The database of the workflows does not answer, or is not one that we can use."""


class Worker:
    """Takes a slot and does the work that is there, until it is stopped. Use as a context manager; one a process."""

    def __init__(self, settings: Settings, database: Database, workshop: Workshop | None = None) -> None:
        self.workshop = workshop or Workshop(settings=settings, database=database)
        self._settings, self._database = settings, database
        self._slot: Slot | None = None
        self._adopted_at = 0.0
        self._forgot_at: float | None = None

    def __enter__(self) -> Worker:
        self._slot = self._free_slot()
        try:
            pipeline.launch(self.workshop, self._slot.name)
        except Exception as error:
            self._slot.give_back()
            # Only the kind of error: its text may hold the address with its password.
            raise WorkflowsUnreachable(
                f"Bearbetningens databas kan inte användas ({type(error).__name__}): kontrollera `workflows` i"
                " inställningarna, att databasen är igång och att den går att skriva i."
            ) from error
        log.info("worker started", slot=self._slot.name, pid=os.getpid())
        return self

    def __exit__(self, *_: object) -> None:
        self.workshop.stop.set()
        pipeline.land()
        if self._slot is not None:
            self._slot.give_back()

    def look(self) -> None:
        """Start what waits, and now and then take over what dead workers left."""
        try:
            pipeline.discover(self.workshop)
            if time.monotonic() - self._adopted_at >= ADOPT_SECONDS:
                self._adopted_at = time.monotonic()
                self._adopt()
            if self._forgot_at is None or time.monotonic() - self._forgot_at >= FORGET_SECONDS:
                self._forgot_at = time.monotonic()
                pipeline.forget(self.workshop.now() - WORKFLOWS_KEPT)
        except SQLAlchemyError as error:
            log.warning("database does not answer", error=type(error).__name__)

    def work(self, enough: Callable[[], bool]) -> None:
        """Look for work until `enough` or until the workshop is stopped."""
        while not self.workshop.stop.is_set() and not enough():
            self.look()
            self.workshop.stop.wait(LOOK_SECONDS)

    def _free_slot(self) -> Slot:
        for number in range(1, SLOTS + 1):
            slot = Slot(self._settings, self._database, number)
            if slot.take():
                return slot
        raise TooManyWorkers(f"{SLOTS} arbetare är redan igång; fler behövs inte.")

    def _adopt(self) -> None:
        assert self._slot is not None  # noqa: S101 - taken in __enter__
        if not self._slot.take():
            log.error("another worker has our slot", slot=self._slot.name)
            self.workshop.stop.set()
            return
        for name in pipeline.strangers(self._slot.name):
            number = name.removeprefix("worker-")
            if not number.isdecimal():
                continue
            slot = Slot(self._settings, self._database, int(number))
            if slot.take():
                try:
                    taken = pipeline.adopt(name)
                finally:
                    slot.give_back()
                log.info("work of a dead worker taken over", slot=name, workflows=taken)


def run_worker(settings: Settings, database: Database, workshop: Workshop | None = None) -> None:
    """Be a worker until SIGTERM or SIGINT. Does not return: the process ends with exit code 0 within seconds.

    Steps that run are left where they are, to be taken again. Raises TooManyWorkers.
    """
    os.nice(NICENESS)
    worker = Worker(settings, database, workshop)
    set_at_signals(worker.workshop.stop)
    with worker:
        worker.work(lambda: False)
        worker.workshop.await_steps(STOP_SECONDS)
        log.info("worker stopped")
        # DBOS's threads may sleep between two tries for many minutes, and Python would wait for them.
        os._exit(0)
