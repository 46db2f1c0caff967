"""Who may do a thing that only one process may do: a file lock on one machine, an advisory lock on PostgreSQL.

The kernel gives a file lock back when its holder dies, however it died; so a held lock is the one sure sign
of life, and no stale file is ever in the way.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

SCHEDULER_KEY = 0x4C414B54  # "LAKT": our number among the database's advisory locks


class FileLock:
    """An exclusive flock on `path`. The file's text is the holder's process id, for people who look."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take it without waiting. False: another process has it."""
        if self._descriptor is not None:
            return True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        with suppress(OSError):  # a full disk: whose it is cannot be read, but ours it is
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return True

    def give_back(self) -> None:
        """Let it go; harmless when it is not held. The file stays, or a third process could lock another one."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_held(path: Path) -> bool:
    """Whether any process holds the flock on `path`.

    It is found out by taking the lock for an instant, so ask only about a process believed to be dead:
    one that is just starting could find the lock taken by us.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


class AdvisoryLock:
    """A session lock on PostgreSQL, so that schedulers on two machines exclude each other. SQLite needs none:
    its one machine has the file lock."""

    def __init__(self, engine: Engine, key: int = SCHEDULER_KEY) -> None:
        self._engine = engine
        self._key = key
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Take it, or make sure that it is still ours. False: another process has it.

        The lock goes with its connection (a restart of the database ends both), so the holder asks again now and
        then. Raises SQLAlchemyError while the database does not answer.
        """
        if self._engine.dialect.name != "postgresql":
            return True
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
                return True
            except SQLAlchemyError:
                self.give_back()
        # Not from the pool's transaction: an idle transaction would hold back vacuum for as long as we live.
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}):
            connection.close()
            return False
        self._connection = connection
        return True

    def give_back(self) -> None:
        """Let it go; harmless when it is not held."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # Thrown away rather than returned: a pooled connection would keep the lock.
            connection.invalidate()
            connection.close()
