"""The places of the workers: each a lock that dies with its holder, so a held slot is a living worker."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from schedules.database import Database
from schedules.locks import AdvisoryLock, FileLock, is_held
from schedules.settings import Settings

SLOTS = 8
SLOT_KEY = 0x4C414B5700  # "LAKW" and the slot's number: ours among PostgreSQL's advisory locks


class TooManyWorkers(RuntimeError):
    """Every slot is taken."""


class Slot:
    """One worker's place: a file lock for this machine and its shared folder, an advisory lock on PostgreSQL."""

    def __init__(self, settings: Settings, database: Database, number: int) -> None:
        self.name = f"worker-{number}"
        self._file = FileLock(_lock_folder(settings) / f"{self.name}.lock")
        self._advisory = AdvisoryLock(database.engine, SLOT_KEY + number)

    def take(self) -> bool:
        """Take it, or make sure it is still ours. False: a living worker has it."""
        if not self._file.take():
            return False
        try:
            taken = self._advisory.take()
        except SQLAlchemyError:
            self._file.give_back()
            raise
        if not taken:
            self._file.give_back()
        return taken

    def give_back(self) -> None:
        """Let it go."""
        self._advisory.give_back()
        self._file.give_back()


def worker_runs(settings: Settings) -> bool:
    """Whether a worker lives that shares our folder."""
    folder = _lock_folder(settings)
    return any(is_held(folder / f"worker-{number}.lock") for number in range(1, SLOTS + 1))


def _lock_folder(settings: Settings) -> Path:
    # Beside the workflows' file, for whoever opens that file must see the locks.
    url = make_url(settings.workflows_url)
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(url.database).absolute().parent / "workers"
    return settings.data.absolute() / "workers"
