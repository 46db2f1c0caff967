"""A worker's slot: one holder at a time, gone with its process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from schedules.database import Database, open_database
from schedules.settings import Settings
from schedules.slots import SLOTS, Slot, TooManyWorkers, worker_runs
from schedules.worker import Worker


def test_one_holder_at_a_time(settings: Settings, sqlite_database: Database) -> None:
    first, second = Slot(settings, sqlite_database, 1), Slot(settings, sqlite_database, 1)
    assert not worker_runs(settings)
    assert first.take()
    assert first.take()  # still ours
    assert not second.take()
    assert worker_runs(settings)
    first.give_back()
    assert second.take()
    second.give_back()
    assert not worker_runs(settings)


@pytest.mark.postgres
def test_postgresql_excludes_a_worker_with_another_folder(
    settings: Settings, new_postgres_url: Callable[[str], str], tmp_path: Path
) -> None:
    url = SecretStr(new_postgres_url("migrated"))
    here = settings.model_copy(update={"database": url, "workflows": url})
    there = here.model_copy(update={"data": tmp_path / "elsewhere"})
    first, second = open_database(here.database_url), open_database(there.database_url)
    mine, theirs = Slot(here, first, 1), Slot(there, second, 1)
    assert mine.take()
    assert not theirs.take()
    mine.give_back()
    assert theirs.take()
    theirs.give_back()
    first.close()
    second.close()


def test_no_more_workers_than_slots(settings: Settings, sqlite_database: Database) -> None:
    taken = [Slot(settings, sqlite_database, number) for number in range(1, SLOTS + 1)]
    assert all(slot.take() for slot in taken)
    with pytest.raises(TooManyWorkers, match="redan igång"):
        Worker(settings, sqlite_database).__enter__()
    for slot in taken:
        slot.give_back()
