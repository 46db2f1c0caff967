"""Looks the whole house over, part by part, as at a doctor's visit. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from schedules.database import open_database
from schedules.doctor.clock import check_clock, largest_error
from schedules.doctor.machinery import check_ffmpeg, check_front_end, check_running
from schedules.doctor.messages import check_mail, check_webhook
from schedules.doctor.storage import check_data, check_databases
from schedules.doctor.youtube import check_youtube
from schedules.findings import Finding, fault, warning, well
from schedules.preflight import sources_on_air
from schedules.settings import Settings
from schedules.source_check import check_source

SOURCES_AT_ONCE = 4

log = structlog.get_logger(__name__)


def examine(settings: Settings, file: Path | None, now: datetime, *, send: bool = False) -> Iterator[Finding]:
    """All findings, in the order in which a person would ask. file: where the settings were read from.

    Takes some seconds for each source, several at a time. send: mail and post a trial message, too.
    """
    checks: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
        ("inställningar", lambda: [_settings(settings, file)]),
        ("datamapp", lambda: check_data(settings)),
        ("databas", lambda: check_databases(settings)),
        ("klocka", lambda: [check_clock(settings, now, largest_error())]),
        ("ffmpeg", lambda: check_ffmpeg(settings.ffmpeg, settings)),
        ("webbspelare", lambda: [check_front_end()]),
        ("källor", lambda: _sources(settings, now)),
        ("e-post", lambda: [check_mail(settings, now, send=send)]),
        ("webhook", lambda: [check_webhook(settings, send=send)]),
        ("konton", lambda: check_youtube(settings, now)),
        ("processer", lambda: check_running(settings)),
    )
    for part, look in checks:
        yield from _looked(part, look)


def _looked(part: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    # A doctor who faints at one wound never sees the others. Only the kind of error: its text may hold a secret.
    try:
        yield from look()
    except Exception as error:
        log.exception("a check broke down", part=part)
        yield fault(part, f"Undersökningen gick inte att göra ({type(error).__name__}): läs felet i loggen.")


def examine_without_settings(error: str) -> Iterator[Finding]:
    """What can be said where the settings are broken. error: a sentence per line."""
    for line in error.splitlines():
        yield fault("inställningar", line.strip())
    yield from check_ffmpeg(None, None)
    yield check_front_end()


def _settings(settings: Settings, file: Path | None) -> Finding:
    where = f"{file}: " if file is not None else ""
    if not settings.bodies:
        return warning("inställningar", f"{where}inget organ är inställt: lägg till ett under [bodies.…].")
    sources, channels = len(settings.sources), len(settings.channels)
    counts = f"{len(settings.bodies)} organ, {sources} {'källa' if sources == 1 else 'källor'}"
    counts += f", {channels} {'kanal' if channels == 1 else 'kanaler'}"
    return well("inställningar", f"{where}{counts}.")


def _sources(settings: Settings, now: datetime) -> Iterator[Finding]:
    taken = _on_air(settings, now)
    free = [key for key in settings.sources if key not in taken]
    for key in taken:
        yield well(
            f"källan {key}", "Källan är i sändning och öppnas inte en gång till; följ sändningen i stället."
        )
    with ThreadPoolExecutor(SOURCES_AT_ONCE) as pool:
        for findings in pool.map(lambda key: check_source(settings, key), free):
            yield from findings


def _on_air(settings: Settings, now: datetime) -> list[str]:
    """The sources a live process has open; none where the database cannot tell, which is said elsewhere."""
    try:
        url = make_url(settings.database_url)
        if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
            return []  # to ask would make the file
        database = open_database(settings.database_url)
        try:
            with database.session() as session:
                return [key for key in sources_on_air(session, now) if key in settings.sources]
        finally:
            database.close()
    except (SQLAlchemyError, ImportError, OSError, ValueError):
        return []
