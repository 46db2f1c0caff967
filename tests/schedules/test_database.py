"""The database: the migrations make the models' tables, once, and what is stored comes back as it was."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from schedules.database import MIGRATIONS, Database, DatabaseTooNew, open_database
from schedules.models import AgendaItem, Base, Publication
from schedules.states import PublicationState
from tests.schedules.meetings import new_meeting

STOCKHOLM = ZoneInfo("Europe/Stockholm")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'folder to be made' / 'laktare.db'}"
    new_postgres_url: Callable[[str], str] = request.getfixturevalue("new_postgres_url")
    return new_postgres_url("template0")


def test_the_migrated_schema_is_that_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_nobody_else_on_the_machine_reads_it(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'laktare.db'}")
    database.migrate()
    with database.session() as session:
        session.add(new_meeting())
        session.flush()
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    database.close()


def test_a_second_migration_changes_nothing(database: Database) -> None:
    with database.session() as session:
        session.add(new_meeting(title="Budget"))
    database.migrate()
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT title FROM meetings")) == "Budget"
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1


def test_processes_that_migrate_at_once_do_not_clash(empty_url: str) -> None:
    program = (
        "import sys; from schedules.database import open_database; print('ready', flush=True); "
        "sys.stdin.readline(); open_database(sys.argv[1]).migrate()"
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [
        subprocess.Popen([sys.executable, "-c", program, empty_url], text=True, **pipes) for _ in range(2)
    ]
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 2
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in processes] == [
        ("", 0)
    ] * 2
    database = open_database(empty_url)
    assert set(Base.metadata.tables) < set(inspect(database.engine).get_table_names())
    database.close()


def test_a_migration_that_fails_leaves_nothing_behind(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_table = op.create_table

    def fail_at_meetings(name: str, *columns: Any, **options: Any) -> Any:
        if name == "meetings":
            raise RuntimeError("power cut")
        return create_table(name, *columns, **options)

    database = open_database(empty_url)
    with monkeypatch.context() as patch:
        patch.setattr(op, "create_table", fail_at_meetings)
        with pytest.raises(RuntimeError, match="power cut"):
            database.migrate()
    assert inspect(database.engine).get_table_names() == []
    database.migrate()
    assert "meetings" in inspect(database.engine).get_table_names()
    database.close()


def test_what_stood_in_the_archive_before_stands_there_after(empty_url: str) -> None:
    """From the first tables: a published film and a withdrawn one keep their pages."""
    database = open_database(empty_url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with database.engine.begin() as connection:
        for number in (1, 2):
            connection.execute(
                text(
                    "INSERT INTO videos (id, key, title, description, recorded_at, channel, audience, review, original,"
                    " state, step, percent, error, checksum, gaps, cuts, made_cuts, chapters, duration) VALUES"
                    " (:id, :key, 'Budget', '', '2026-09-30 16:00:00+00:00', 'archive', 'public', :review, '/film',"
                    " 'published', '', 100, '', '', '[]', '[]', '[]', '[{\"start\": 0, \"title\": \"Upprop\"}]', 60)"
                ).bindparams(id=number, key=f"k{number}", review=True)
            )
            connection.execute(
                text(
                    "INSERT INTO publications (id, video_id, channel, address, published_at, withdraw_reason)"
                    " VALUES (:id, :id, 'archive', :key, '2026-09-30 20:00:00+00:00', '')"
                ).bindparams(id=number, key=f"k{number}")
            )
        connection.execute(text("UPDATE publications SET withdrawn_at = published_at WHERE id = 2"))
    database.migrate()
    with database.session() as session:
        shown, hidden = session.scalars(select(Publication).order_by(Publication.id)).all()
        assert (shown.state, hidden.state) == (PublicationState.PUBLISHED, PublicationState.WITHDRAWN)
        assert (shown.film["title"], shown.film["duration"]) == ("Budget", 60)
        assert shown.film["chapters"] == [{"start": 0, "title": "Upprop"}]
        assert (shown.version, shown.video.version, shown.video.also) == (1, 1, [])
    database.close()


def test_tables_of_a_newer_program_are_not_touched(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew, match=r"nyare Läktare .*9999.* säkerhetskopia"):
        database.migrate()


def test_foreign_keys_hold_after_a_migration(empty_url: str) -> None:
    database = open_database(empty_url)
    database.migrate()
    with pytest.raises(IntegrityError), database.session() as session:
        session.add(AgendaItem(meeting_id=4711, position=1, title="Val av justerare"))
    database.close()


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 10, 25, 2, 30, tzinfo=STOCKHOLM, fold=0),
        datetime(2026, 10, 25, 2, 30, tzinfo=STOCKHOLM, fold=1),
        datetime(2026, 3, 29, 3, 0, tzinfo=STOCKHOLM),
        datetime(2026, 11, 23, 18, 0, 0, 123456, tzinfo=UTC),
    ],
)
def test_a_time_comes_back_as_the_same_instant_in_utc(database: Database, moment: datetime) -> None:
    with database.session() as session:
        session.add(meeting := new_meeting(planned_start=moment))
    with database.session() as session:
        stored = session.get_one(type(meeting), meeting.id).planned_start
    assert stored.tzinfo is UTC
    assert stored == moment.astimezone(UTC)


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 11, 23, 18, 0)  # noqa: DTZ001 - the mistake that is tested
    with pytest.raises(Exception, match="without a zone"), database.session() as session:
        session.add(new_meeting(planned_start=naive))


def test_a_session_that_fails_stores_nothing(database: Database) -> None:
    def add_and_stumble() -> None:
        with database.session() as session:
            session.add(new_meeting())
            session.flush()
            raise RuntimeError("stumbled")

    with pytest.raises(RuntimeError, match="stumbled"):
        add_and_stumble()
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM meetings")) == 0


def test_the_pages_read_while_the_live_process_writes(database: Database) -> None:
    with database.session() as session:
        session.add(meeting := new_meeting(title="Before"))
    table = type(meeting)
    with database.session() as writer, database.session() as reader:
        writer.execute(update(table).values(title="After"))
        assert reader.get_one(table, meeting.id).title == "Before"
    with database.session() as reader:
        assert reader.get_one(table, meeting.id).title == "After"
