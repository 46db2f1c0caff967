"""A PostgreSQL server of our own for the tests: Debian's programs, a throw-away folder, a Unix socket, no network.

PostgreSQL refuses to run as root, so root starts it as an unprivileged user by setpriv; its folder is that user's
and closed to all others, therefore nobody else can reach the socket and no password is needed.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

START_SECONDS = 30
INIT = ("--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C")
# Nothing here must survive a power cut, so nothing waits for a disk.
FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=16MB",
    "max_connections=60",
)


def find_programs() -> Path | None:
    """The folder with initdb and postgres: on PATH, else the newest of Debian's. None: not installed."""
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres"):
        return Path(on_path).parent
    found = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    return max(found, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0), default=None)


class Postgres:
    """A running server."""

    def __init__(self, folder: Path, user: str) -> None:
        self._folder, self._user = folder, user

    def url(self, database: str) -> str:
        """SQLAlchemy URL of a database on this server."""
        return f"postgresql+psycopg://{self._user}@/{database}?host={self._folder}"

    def create(self, database: str, template: str = "template0") -> str:
        """Make a database, as a copy of another if one is named, and return its URL."""
        with self._connect() as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"'.encode())
        return self.url(database)

    def drop(self, database: str) -> None:
        """Throw a database away, whoever is still connected to it."""
        with self._connect() as connection:
            connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)'.encode())

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self._folder), user=self._user, dbname="postgres", autocommit=True)

    def wait(self, server: subprocess.Popen[bytes], log: Path) -> None:
        """Return when the server answers; raise RuntimeError with its log when it does not."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._connect().close()
                return
            except psycopg.OperationalError as error:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(
                        f"PostgreSQL did not start:\n{log.read_text(errors='replace')}"
                    ) from error
                time.sleep(0.05)


@contextmanager
def run_postgres(programs: Path) -> Iterator[Postgres]:
    """Start a server of its own with the programs in that folder; it and its data are gone afterwards."""
    account = _account()
    prefix = () if account.pw_uid == os.getuid() else _become(account)
    # Not pytest's own folder: that one is closed to every user but the one who runs the tests. And a socket's
    # path may be no longer than 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="laktare-pg-", dir="/tmp"))
    os.chown(folder, account.pw_uid, account.pw_gid)
    data, log = folder / "data", folder / "log"
    init: list[str | Path] = [programs / "initdb", "-D", data, *INIT, f"--username={account.pw_name}"]
    subprocess.run([*prefix, *init], check=True, capture_output=True, cwd=folder)
    settings = [
        f"--{setting}" for setting in (*FAST, "listen_addresses=", f"unix_socket_directories={folder}")
    ]
    start: list[str | Path] = [*_die_with_us(), *prefix, programs / "postgres", "-D", data, *settings]
    with log.open("wb") as output:
        server = subprocess.Popen(start, stdout=output, stderr=output, cwd=folder)
    try:
        postgres = Postgres(folder, account.pw_name)
        postgres.wait(server, log)
        yield postgres
    finally:
        server.send_signal(signal.SIGQUIT)  # PostgreSQL's immediate shutdown
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> pwd.struct_passwd:
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    names = {account.pw_name for account in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")


def _become(account: pwd.struct_passwd) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")


def _die_with_us() -> tuple[str, ...]:
    # A test run that is killed must not leave a server behind.
    return ("setpriv", "--pdeathsig=QUIT") if shutil.which("setpriv") else ()
