"""The doctor's visit: a healthy house, and each wound by itself, made for real."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr
from sqlalchemy import make_url

from broadcast.ffmpeg import find_ffmpeg
from schedules.alarms.watch import free_bytes
from schedules.database import Database, open_database
from schedules.doctor import examine, examine_without_settings
from schedules.doctor.clock import UNSYNCHRONISED_US, check_clock, largest_error
from schedules.doctor.machinery import check_ffmpeg, check_running
from schedules.doctor.messages import check_mail, check_webhook
from schedules.doctor.storage import check_data, check_database, check_databases, file_system
from schedules.findings import Finding, Level
from schedules.locks import FileLock
from schedules.models import LiveProcess
from schedules.settings import Live, Mail, Settings, Site, SourceSettings, Webhook
from schedules.states import MeetingState
from tests.schedules.meetings import START, new_meeting
from tests.standins.ports import free_tcp_port
from tests.standins.smtp import PASSWORD, USER, run_smtp
from tests.standins.sockets import run_answering, unused_port
from tests.standins.webhook import run_webhook

NOW = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


def level_of(findings: list[Finding]) -> Level:
    (finding,) = findings
    return finding.level


def database_file(settings: Settings) -> Path:
    return Path(make_url(settings.database_url).database or "")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedules.source_check.SECONDS", 1.0)


@pytest.mark.usefixtures("sqlite_database", "quick")
def test_a_whole_visit(settings: Settings) -> None:
    sources = {
        "test": SourceSettings(kind="test"),
        "sal": SourceSettings(kind="file", address=SecretStr("/none")),
    }
    findings = list(examine(settings.model_copy(update={"sources": sources}), Path("laktare.toml"), NOW))
    levels = {finding.part: finding.level for finding in findings}
    assert [finding.part for finding in findings if finding.level is Level.FAULT] == ["källan sal"]
    for part in (
        "inställningar",
        "datamapp",
        "disk",
        "databas",
        "ffmpeg",
        "källan test, bild",
        "källan test, ljud",
    ):
        assert levels[part] is Level.OK, part
    assert {"klocka", "webbspelare", "e-post", "webhook", "schemaläggare", "arbetare", "webbplats"} <= set(
        levels
    )
    assert all(finding.sentence.endswith((".", "…")) for finding in findings)


def test_a_source_on_air_is_left_alone(sqlite_database: Database, settings: Settings) -> None:
    with sqlite_database.session() as session:
        meeting = new_meeting(state=MeetingState.LIVE, planned_start=START)
        session.add(meeting)
        session.flush()
        session.add(
            LiveProcess(meeting_id=meeting.id, host="h", pid=1, started_at=NOW, heartbeat_at=NOW, status={})
        )
    findings = [finding for finding in examine(settings, None, NOW) if finding.part.startswith("källan")]
    assert [finding.part for finding in findings] == ["källan test"]
    assert "öppnas inte en gång till" in findings[0].sentence


def test_a_part_that_breaks_down_does_not_hide_the_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faint(_settings: Settings) -> list[Finding]:
        raise RuntimeError(f"postgresql://u:{PASSWORD}@h/d")

    monkeypatch.setattr("schedules.doctor.check_data", faint)
    monkeypatch.setattr("schedules.doctor.check_source", lambda *_: [])
    findings = list(examine(settings, None, NOW))
    assert (findings[1].part, findings[1].level) == ("datamapp", Level.FAULT)
    assert PASSWORD not in findings[1].sentence
    assert len(findings) > 8


def test_broken_settings_are_said_and_the_rest_is_looked_at() -> None:
    findings = list(
        examine_without_settings("laktare.toml måste rättas:\nsite.port = 99999: tillåtet är 0 till 65535")
    )
    assert [f.level for f in findings if f.part == "inställningar"] == [Level.FAULT, Level.FAULT]
    assert "site.port" in findings[1].sentence
    assert "ffmpeg" in {finding.part for finding in findings}


def test_the_disk(settings: Settings) -> None:
    assert [finding.level for finding in check_data(settings)] == [Level.OK, Level.OK]
    low = settings.model_copy(update={"live": Live(low_disk_gb=free_bytes(settings.data) / 1e9 + 1)})
    assert [finding.level for finding in check_data(low)] == [Level.OK, Level.FAULT]
    settings.data.parent.mkdir(exist_ok=True)
    settings.data.write_text("a file where the folder should be")
    assert check_data(settings)[0].level is Level.FAULT


def test_a_database_in_order(database: Database, database_settings: Settings) -> None:
    assert level_of(check_database(database_settings)) is Level.OK
    with database.engine.connect() as connection:
        assert "laktare_check" not in database.engine.dialect.get_table_names(connection)


def test_a_database_that_is_not_there_yet_is_not_made(settings: Settings) -> None:
    assert level_of(check_database(settings)) is Level.WARNING
    assert not database_file(settings).exists()


def test_an_empty_and_an_unknown_version(sqlite_database: Database, settings: Settings) -> None:
    with sqlite_database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'f00d'")
    (newer,) = check_database(settings)
    assert newer.level is Level.FAULT
    assert "nyare Läktare" in newer.sentence
    with sqlite_database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    assert level_of(check_database(settings)) is Level.WARNING


def test_a_damaged_database(sqlite_database: Database, settings: Settings) -> None:
    with sqlite_database.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    sqlite_database.close()
    file = database_file(settings)
    whole = file.read_bytes()
    page = 4096
    file.write_bytes(whole[: 3 * page] + b"\xa5" * page * 4 + whole[7 * page :])
    (damaged,) = check_database(settings)
    assert (damaged.level, "skadad" in damaged.sentence) == (Level.FAULT, True)
    file.write_text("This is a letter, and no database at all, though it is named like one. " * 20)
    (letter,) = check_database(settings)
    assert (letter.level, "skadad" in letter.sentence) == (Level.FAULT, True)


@pytest.mark.usefixtures("sqlite_database")
def test_a_locked_database(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedules.database.BUSY_SECONDS", 0.2)
    other = sqlite3.connect(database_file(settings), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    (locked,) = check_database(settings)
    other.close()
    assert (locked.level, "låst" in locked.sentence) == (Level.FAULT, True)
    assert level_of(check_database(settings)) is Level.OK


@pytest.mark.postgres
def test_postgresql_away_wrong_and_without_the_database(
    settings: Settings, new_postgres_url: Callable[[str], str]
) -> None:
    def said(url: str) -> str:
        chosen = settings.model_copy(update={"database": SecretStr(url), "workflows": SecretStr(url)})
        findings = check_databases(chosen)
        assert {finding.level for finding in findings} == {Level.FAULT}
        assert [finding.part for finding in findings] == ["databas", "arbetsflöden"]
        sentences = " ".join(finding.sentence for finding in findings)
        assert PASSWORD not in sentences
        return sentences

    assert "svarar inte" in said(f"postgresql+psycopg://u:{PASSWORD}@127.0.0.1:{unused_port()}/laktare")
    assert "ingen adress" in said(f"mysql://u:{PASSWORD}@h/d")
    assert "ingen adress" in said("laktare.db")
    there = make_url(new_postgres_url("migrated"))
    assert "saknar databasen" in said(there.set(database="gone").render_as_string(hide_password=False))


def test_sqlite_on_a_network_disk(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nfiler:/vol {tmp_path}/my\\040share nfs4 rw 0 0\n")
    assert file_system(tmp_path / "my share" / "data" / "laktare.db", mounts) == "nfs4"
    assert file_system(tmp_path / "laktare.db", mounts) == "ext4"


def test_the_clock(settings: Settings) -> None:
    good = check_clock(settings, NOW, 2_000)
    assert good.level is Level.OK
    assert "2026-11-25 18:00:00 i Europe/Stockholm" in good.sentence
    assert check_clock(settings, NOW, UNSYNCHRONISED_US).level is Level.WARNING
    assert check_clock(settings, NOW, None).level is Level.WARNING
    error = largest_error()
    assert error is None or 0 <= error < 10**12


def test_an_ffmpeg_that_is_none_old_or_lacks_something(tmp_path: Path, settings: Settings) -> None:
    assert level_of(check_ffmpeg(tmp_path / "none", settings)) is Level.FAULT
    assert (
        level_of(check_ffmpeg(_program(tmp_path / "old", "echo ffmpeg version 4.4.2 Copyright"), settings))
        is Level.FAULT
    )
    real = find_ffmpeg().path
    poor = _program(tmp_path / "poor", f'{real} "$@" | grep -v libx264')
    (finding,) = check_ffmpeg(poor, settings)
    assert finding.level is Level.FAULT
    assert "saknar libx264:" in finding.sentence
    without_srt = _program(tmp_path / "no-srt", f'{real} "$@" | grep -v srt')
    assert level_of(check_ffmpeg(without_srt, settings)) is Level.WARNING
    srt = {"sal": SourceSettings(kind="srt", address=SecretStr("srt://x:1"))}
    assert level_of(check_ffmpeg(without_srt, settings.model_copy(update={"sources": srt}))) is Level.FAULT


def _program(path: Path, line: str) -> Path:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return path


def mailed(settings: Settings, port: int, **changes: object) -> Settings:
    usual = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "l@p.se", "to": ("a@p.se",)}
    return settings.model_copy(update={"mail": Mail.model_validate({**usual, **changes})})


def test_mail_is_tried_without_a_letter_unless_asked(settings: Settings) -> None:
    with run_smtp(login=True) as server:
        chosen = mailed(settings, server.port, user=USER, password=PASSWORD)
        assert check_mail(chosen, NOW, send=False).level is Level.OK
        assert server.letters == []
        assert check_mail(chosen, NOW, send=True).level is Level.OK
        assert [letter["Subject"] for letter in server.letters] == ["Provmejl från Läktare"]
        wrong = check_mail(mailed(settings, server.port, user=USER, password="fel"), NOW, send=False)
        assert (wrong.level, "nekade inloggningen" in wrong.sentence) == (Level.FAULT, True)
        server.refused["a@p.se"] = "550 no such user"
        assert check_mail(chosen, NOW, send=True).level is Level.FAULT
    assert check_mail(chosen, NOW, send=False).level is Level.FAULT
    assert check_mail(settings, NOW, send=False).level is Level.WARNING
    assert check_mail(mailed(settings, 25, to=()), NOW, send=False).level is Level.WARNING


def test_mail_with_a_certificate_nobody_trusts(settings: Settings) -> None:
    with run_smtp("starttls", authority=trustme.CA()) as server:
        finding = check_mail(mailed(settings, server.port, security="starttls"), NOW, send=False)
    assert (finding.level, "certifikat" in finding.sentence) == (Level.FAULT, True)


def test_the_webhook_is_tried_only_when_asked(settings: Settings) -> None:
    with run_webhook() as hook:
        chosen = settings.model_copy(update={"webhook": Webhook(url=SecretStr(hook.url))})
        assert check_webhook(chosen, send=False).level is Level.OK
        assert hook.hits == 0
        assert check_webhook(chosen, send=True).level is Level.OK
        assert hook.posts[0]["occasion"] == "test"
        hook.status = 500
        failed = check_webhook(chosen, send=True)
    assert failed.level is Level.FAULT
    assert "hemlig" not in failed.sentence
    assert check_webhook(settings, send=True).level is Level.OK
    nonsense = settings.model_copy(update={"webhook": Webhook(url=SecretStr("hooks/hemlig"))})
    assert check_webhook(nonsense, send=False).level is Level.FAULT


def test_what_runs_and_what_does_not(settings: Settings) -> None:
    port = free_tcp_port()
    chosen = settings.model_copy(update={"site": Site(host="0.0.0.0", port=port)})  # noqa: S104
    assert [finding.level for finding in check_running(chosen)] == [Level.WARNING] * 3
    run = settings.data / "run"
    lock = FileLock(run / "scheduler.lock")
    assert lock.take()
    assert check_running(chosen)[0].level is Level.FAULT  # it has the lock and gives no sign of life
    (run / "scheduler.heartbeat").touch()
    assert check_running(chosen)[0].level is Level.OK
    lock.give_back()
    assert check_running(chosen)[2].level is Level.WARNING
    with run_webhook() as site:  # any server that answers 200
        answering = chosen.model_copy(update={"site": Site(port=site.port)})
        assert check_running(answering)[2].level is Level.OK
        site.status = 503
        assert "säger att något är fel" in check_running(answering)[2].sentence
        site.status = 404
        assert "Något annat än Läktare" in check_running(answering)[2].sentence
    with run_answering(b"SSH-2.0-OpenSSH\r\n") as other:
        assert check_running(chosen.model_copy(update={"site": Site(port=other)}))[2].level is Level.WARNING


def test_the_databases_of_workflows(settings: Settings, tmp_path: Path) -> None:
    made = open_database(f"sqlite:///{tmp_path / 'w.db'}")
    made.close()
    chosen = settings.model_copy(update={"workflows": SecretStr(f"sqlite:///{tmp_path / 'w.db'}")})
    assert [finding.part for finding in check_databases(chosen)] == ["databas", "arbetsflöden"]
    assert check_databases(chosen)[1].level is Level.OK
    assert [finding.part for finding in check_databases(settings)] == ["databas"]
