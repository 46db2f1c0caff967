"""Locks against real processes and a real PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from schedules.database import Database, open_database
from schedules.locks import AdvisoryLock, FileLock, is_held

HOLDER = """
import sys, time
from pathlib import Path
from schedules.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
time.sleep(60)
"""


def test_a_lock_held_by_another_process_is_refused_until_that_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "run" / "a.lock"
    assert not is_held(path)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    lock = FileLock(path)
    assert is_held(path)
    assert not lock.take()
    assert path.read_text() == f"{holder.pid}\n"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert not is_held(path)
    assert lock.take()
    assert lock.take()  # ours already
    lock.give_back()
    lock.give_back()
    assert not is_held(path)


def test_a_lock_is_not_inherited_by_what_its_holder_starts(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "a.lock")
    assert lock.take()
    child = subprocess.Popen(["sleep", "30"])
    lock.give_back()
    assert not is_held(tmp_path / "a.lock")
    child.kill()
    child.wait()


@pytest.mark.postgres
def test_one_of_two_schedulers_on_one_postgresql_gets_the_lock(
    new_postgres_url: Callable[[str], str],
) -> None:
    url = new_postgres_url("migrated")
    first, second = open_database(url), open_database(url)
    try:
        one, two = AdvisoryLock(first.engine), AdvisoryLock(second.engine)
        assert one.take()
        assert one.take()
        assert not two.take()
        assert AdvisoryLock(second.engine, key=17).take()  # another thing altogether
        one.give_back()
        assert two.take()
        two.give_back()
    finally:
        first.close()
        second.close()


def test_sqlite_needs_no_advisory_lock(sqlite_database: Database) -> None:
    assert AdvisoryLock(sqlite_database.engine).take()


FULL = """
import resource, sys
from pathlib import Path
from schedules.locks import FileLock
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
lock = FileLock(Path(sys.argv[1]))
print(lock.take())
lock.give_back()
print(FileLock(lock.path).take())
"""


def test_where_nothing_can_be_written_it_can_be_taken_all_the_same(tmp_path: Path) -> None:
    words = [sys.executable, "-c", FULL, str(tmp_path / "a.lock")]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "True\nTrue\n"
