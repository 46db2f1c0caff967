"""What `laktare run` needs before it starts, and which parts it starts."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import clear_alarm, raise_alarm
from schedules.alarms.telling import tell
from schedules.alarms.watch import watch_air
from schedules.database import Database, open_database
from schedules.locks import FileLock
from schedules.settings import Settings
from schedules.supervisor import Part

PORT_PATIENCE_SECONDS = 5.0  # what a killed predecessor leaves needs a moment to end
SCHEDULER_SILENT_SECONDS = 15.0
WATCH_SECONDS = 5.0

log = structlog.get_logger(__name__)


class HouseError(RuntimeError):
    """The house cannot be started. The message is one Swedish sentence that says what to do."""


def house_parts(settings: Settings, settings_file: Path) -> list[Part]:
    """Web, scheduler and worker as commands."""
    python, file = sys.executable, str(settings_file)
    return [
        Part(name="web", command=(python, "-m", "web.server", "--settings", file)),
        Part(
            name="scheduler",
            command=(python, "-m", "schedules.cli", "--settings", file, "scheduler"),
            heartbeat=settings.data / "run" / "scheduler.heartbeat",
        ),
        Part(name="worker", command=(python, "-m", "schedules.cli", "--settings", file, "worker")),
    ]


class House:
    """The data folder held, the database migrated and the port free: ready to be run."""

    def __init__(self, settings: Settings, patience: float = PORT_PATIENCE_SECONDS) -> None:
        """Raises HouseError."""
        self.settings = settings
        self._lock = FileLock(settings.data / "run" / "house.lock")
        self._hold_data()
        try:
            self.database = _migrated(settings)
            _await_port(settings.site.host, settings.site.port, patience)
        except HouseError:
            self._lock.give_back()
            raise

    def close(self) -> None:
        """Give everything back."""
        self.database.close()
        self._lock.give_back()

    def on_trouble(self, part: str, dying: bool) -> None:
        """Raise or close the alarm about a part that keeps dying; in a thread, for the database may be the cause."""
        threading.Thread(target=self._note_trouble, args=(part, dying), name="trouble", daemon=True).start()

    def watch(self, stop: threading.Event) -> None:
        """Until `stop`: while the scheduler is silent, look in its place for meetings that are missing from air."""
        heartbeat = self.settings.data / "run" / "scheduler.heartbeat"
        silent_since, last = time.monotonic(), 0
        while not stop.wait(WATCH_SECONDS):
            beat = heartbeat.stat().st_mtime_ns if heartbeat.exists() else 0
            if beat != last:
                silent_since, last = time.monotonic(), beat
            if time.monotonic() - silent_since > SCHEDULER_SILENT_SECONDS:
                self._look(datetime.now(UTC))

    def _look(self, now: datetime) -> None:
        try:
            with self.database.session() as session:
                watch_air(session, now)
            tell(self.database, self.settings, now)
        except SQLAlchemyError as error:
            log.warning("database does not answer", error=type(error).__name__)

    def _note_trouble(self, part: str, dying: bool) -> None:
        now = datetime.now(UTC)
        message = f"{part} stannar gång på gång och startas om: kör laktare check och läs loggen."
        try:
            with self.database.session() as session:
                if dying:
                    raise_alarm(session, AlarmKind.PROCESS_DEAD, part, message, now)
                else:
                    clear_alarm(session, AlarmKind.PROCESS_DEAD, part, now)
            tell(self.database, self.settings, now)
        except SQLAlchemyError as error:
            log.warning("alarm about a part cannot be written", part=part, error=type(error).__name__)

    def _hold_data(self) -> None:
        data = self.settings.data
        try:
            taken = self._lock.take()
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise HouseError(
                f"Datamappen {data} går inte att skriva i ({why}): rätta `data` eller dess rättigheter."
            ) from None
        if not taken:
            raise HouseError(f"Ett annat laktare run håller redan datamappen {data}: stoppa det först.")


def _migrated(settings: Settings) -> Database:
    try:
        database = open_database(settings.database_url)
        database.migrate()
    except (SQLAlchemyError, OSError, ValueError) as error:
        # Only the kind of error: its text may hold the address with its password.
        raise HouseError(
            f"Databasen kan inte öppnas ({type(error).__name__}): kontrollera `database` i inställningarna och att "
            "databasen är igång."
        ) from None
    return database


def _await_port(host: str, port: int, patience: float) -> None:
    until = time.monotonic() + patience
    while (fault := port_fault(host, port)) == errno.EADDRINUSE and time.monotonic() < until:
        time.sleep(0.1)
    if fault == errno.EADDRINUSE:
        raise HouseError(
            f"Porten {port} på {host} är upptagen av ett annat program: stoppa det, eller välj en annan port i "
            "site.port."
        )
    if fault:
        raise HouseError(
            f"Webben kan inte starta på {host}:{port} ({os.strerror(fault)}): rätta site.host eller site.port."
        )


def port_fault(host: str, port: int) -> int:
    """The errno of listening on that address; 0: it can be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def pass_on(part: str, line: str) -> None:
    """Put a part's log line into our log: its fields where it is one of structlog's JSON lines, else as it is."""
    fields = _parsed(line)
    if fields is None:
        if line.strip():
            log.info(line, part=part)
        return
    level, event = fields.pop("level", "info"), fields.pop("event", "")
    fields.pop("timestamp", None)
    write = getattr(log, level if level in ("debug", "info", "warning", "error", "critical") else "info")
    write(str(event), **{**fields, "part": part})


def _parsed(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
    except json.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None
