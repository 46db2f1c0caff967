"""The data folder, the disk under it and the databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from schedules.alarms.watch import GB, free_bytes
from schedules.database import MIGRATIONS, open_database
from schedules.findings import Finding, fault, warning, well
from schedules.preflight import check_folder, recording_bytes
from schedules.settings import Settings

DATABASE = "databas"
WORKFLOWS = "arbetsflöden"
ROOM_FOR = timedelta(hours=12)  # less recording than this is worth a word
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p"}


def check_data(settings: Settings) -> list[Finding]:
    """The data folder can be written, and the disk has room."""
    return [check_folder("datamapp", settings.data), _disk(settings)]


def _disk(settings: Settings) -> Finding:
    free = free_bytes(settings.data)
    an_hour = recording_bytes(settings, timedelta(hours=1))
    hours = free / an_hour
    figures = f"{free / GB:.1f} GB ledigt, ungefär {hours:.0f} timmars inspelning".replace(".", ",", 1)
    if free < settings.live.low_disk_gb * GB:
        limit = f"{settings.live.low_disk_gb:g} GB"
        return fault("disk", f"{figures}; det är under gränsen {limit}: flytta eller ta bort filer.")
    if hours < ROOM_FOR.total_seconds() / 3600:
        return warning("disk", f"{figures}: gör snart plats.")
    return well("disk", f"{figures}.")


def check_databases(settings: Settings) -> list[Finding]:
    """The calendar's database, and the pipeline's own where it is another server."""
    findings = check_database(settings)
    if settings.workflows.get_secret_value():
        findings.append(_reachable(WORKFLOWS, settings.workflows_url))
    return findings


def check_database(settings: Settings) -> list[Finding]:
    """Reachable, in the newest form, sound and writable; on SQLite also its journal and the disk it lies on."""
    url = _understood(settings.database_url)
    if url is None:
        return [fault(DATABASE, _WRONG_URL.format("database"))]
    file = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
    if file is not None and not file.exists():
        return [warning(DATABASE, f"{file} finns inte än: den görs när laktare run startas första gången.")]
    try:
        database = open_database(settings.database_url)
        try:
            with database.engine.connect() as connection:
                findings = [_form(connection), *([_sound(connection)] if file else []), _writable(connection)]
        finally:
            database.close()
    except (SQLAlchemyError, ImportError, OSError) as error:
        return [fault(DATABASE, _no_answer(error, url))]
    troubles = [finding for finding in [*findings, *_place(file)] if finding.level != "OK"]
    kind = f"SQLite med WAL, {file}" if file is not None else f"PostgreSQL på {_place_of(url)}"
    return troubles or [well(DATABASE, f"Databasen är hel, skrivbar och i rätt version ({kind}).")]


def _form(connection: Connection) -> Finding:
    present = set(MigrationContext.configure(connection).get_current_heads())
    wanted = set(ScriptDirectory(str(MIGRATIONS)).get_heads())
    if present == wanted:
        return well(DATABASE, "Tabellerna är i rätt version.")
    if not present:
        return warning(DATABASE, "Databasen är tom: tabellerna görs när laktare run startas första gången.")
    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if present <= known:
        return warning(
            DATABASE, "Tabellerna är i en äldre version: de görs om när laktare run startas nästa gång."
        )
    return fault(DATABASE, "Tabellerna är gjorda av en nyare Läktare: installera den nyare igen.")


def _sound(connection: Connection) -> Finding:
    answer = connection.scalar(text("PRAGMA quick_check(1)"))
    if answer != "ok":
        return fault(DATABASE, "Databasfilen är skadad: stoppa Läktare och lägg tillbaka en säkerhetskopia.")
    journal = connection.scalar(text("PRAGMA journal_mode"))
    if journal != "wal":
        return fault(DATABASE, f"Databasen går inte i WAL ({journal}): lägg datamappen på en lokal disk.")
    return well(DATABASE, "Databasfilen är hel.")


def _writable(connection: Connection) -> Finding:
    connection.rollback()  # of the questions before
    try:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(
                "BEGIN IMMEDIATE"
            )  # Python's driver begins none before DDL, and commits it
        connection.exec_driver_sql("CREATE TABLE laktare_check (id INTEGER)")
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", "")).lower()
        if "locked" in said:
            return fault(
                DATABASE, "Databasen är låst av ett annat program: stäng det (t.ex. ett öppet verktyg)."
            )
        return fault(
            DATABASE, "Det går inte att skriva i databasen: ge kontot som kör Läktare rätt till den."
        )
    finally:
        connection.rollback()
    return well(DATABASE, "Databasen går att skriva i.")


def _place(file: Path | None) -> list[Finding]:
    if file is None or (system := file_system(file)) not in _NETWORK:
        return []
    return [fault(DATABASE, f"SQLite ligger på en nätverksdisk ({system}), där WAL inte är säkert: flytta datamappen "
                            "till en lokal disk eller använd PostgreSQL.")]  # fmt: skip


def file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The kind of file system `path` lies on ("ext4", "nfs4", …); empty where it cannot be told."""
    best, kind = -1, ""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        _device, point, system, *_ = line.split()
        mounted = Path(point.replace("\\040", " "))
        if path.resolve().is_relative_to(mounted) and len(mounted.parts) >= best:
            best, kind = len(mounted.parts), system
    return kind


def _reachable(part: str, address: str) -> Finding:
    url = _understood(address)
    if url is None:
        return fault(part, _WRONG_URL.format("workflows"))
    try:
        database = open_database(address)
        try:
            with database.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        finally:
            database.close()
    except (SQLAlchemyError, ImportError, OSError) as error:
        return fault(part, _no_answer(error, url))
    return well(part, f"Arbetsflödenas databas svarar ({_place_of(url)}).")


def _understood(address: str) -> URL | None:
    try:
        url = make_url(address)
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        return None
    return url if url.get_backend_name() in ("sqlite", "postgresql") else None


_WRONG_URL = "`{}` är ingen adress till SQLite eller PostgreSQL: skriv t.ex. postgresql+psycopg://namn:lösenord@värd/bas."


def _place_of(url: URL) -> str:
    # Never the whole address: it holds the password.
    return (
        f"{url.host or 'denna dator'}:{url.port or 5432}"
        if url.get_backend_name() == "postgresql"
        else "SQLite"
    )


def _no_answer(error: Exception, url: URL) -> str:
    said = str(getattr(error, "orig", "")).lower()
    if url.get_backend_name() == "sqlite":
        if "not a database" in said or "malformed" in said:
            return "Databasfilen är skadad: stoppa Läktare och lägg tillbaka en säkerhetskopia."
        if "locked" in said:
            return "Databasen är låst av ett annat program: stäng det (t.ex. ett öppet verktyg)."
        return "Databasfilen kan inte öppnas: ge kontot som kör Läktare rätt till den och dess mapp."
    place = _place_of(url)
    if "password" in said or "authentication" in said:
        return f"PostgreSQL på {place} nekar inloggningen: rätta namn och lösenord i `database`."
    if "does not exist" in said:
        return f"PostgreSQL på {place} saknar databasen eller kontot: skapa det eller rätta `database`."
    return f"PostgreSQL på {place} svarar inte: kontrollera att den är igång och att adressen i `database` är rätt."
