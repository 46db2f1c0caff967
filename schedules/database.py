"""One engine per process, one short session per piece of work; SQLite in WAL mode or PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.orm import Session, sessionmaker

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 10
MIGRATION_LOCK = 0x4C414B54  # any number, so long as nobody else locks by it


class DatabaseTooNew(Exception):
    """A newer Läktare has changed the tables, and this one does not know how they look."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"Databasen är ändrad av en nyare Läktare (tabellernas version {revision}). "
            "Installera den nyare igen eller lägg tillbaka en säkerhetskopia av databasen."
        )


def open_database(url: str) -> Database:
    """Open the database at `url` (an SQLAlchemy URL). The file's folder is made; tables come by `migrate`."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        file = Path(parsed.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            # For our account alone, and so are the files that SQLite makes beside it: uploads have their secrets here.
            file.touch(mode=0o600)
    engine = create_engine(url, pool_pre_ping=True)
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _tune_sqlite)
    return Database(engine)


def _tune_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    _write_ahead(cursor)
    # NORMAL loses nothing at a crash of ours, and no consistency at a power cut (sqlite.org/pragma.html).
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    # WAL: the pages read while the live process writes. The file remembers it, but when two processes open a new
    # file at once, the second is told "database is locked" without the wait that busy_timeout promises.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class Database:
    """The engine and its sessions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that commits at the end of the block and rolls back at an exception."""
        with self._sessions() as session, session.begin():
            yield session

    def migrate(self) -> None:
        """Bring the tables to the newest version. Taking it twice, or in two processes at once, changes nothing.

        Raises DatabaseTooNew when a newer Läktare has already changed the tables.
        """
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        versions = ScriptDirectory.from_config(config)
        with self.engine.connect() as connection:
            stands_at = MigrationContext.configure(connection).get_current_revision()
        if stands_at == versions.get_current_head():
            return  # and nobody who only looks at the calendar waits for the lock
        if stands_at is not None and stands_at not in {
            version.revision for version in versions.walk_revisions()
        }:
            raise DatabaseTooNew(stands_at)
        with self._alone() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """A transaction that no other process migrates beside; at the end of the block all of it counts, or nothing."""
        sqlite = self.engine.dialect.name == "sqlite"
        with self.engine.connect() as connection:
            if sqlite:
                # Alembic changes a column by copying its table, and to SQLite a dropped table is deleted rows unless
                # foreign keys are off, which must be said before the transaction (sqlite.org/lang_altertable.html).
                connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            try:
                yield connection
                connection.commit()
            finally:
                connection.rollback()
                if sqlite:
                    connection.exec_driver_sql("PRAGMA foreign_keys=ON")

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()
