"""`laktare video …`: what is known of the videos, and what a person decides about them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table

from broadcast.captions import read_captions
from broadcast.ffmpeg import find_ffmpeg
from schedules import decisions
from schedules.captioning import caption
from schedules.cli.context import open_house, who
from schedules.cli.publish import refusable, wait_until_done
from schedules.database import Database
from schedules.models import Publication, Video
from schedules.settings import Settings
from schedules.states import Audience, PublicationState, VideoState
from schedules.videos import VideoRefused, destroy_files, find_video, list_videos

AUDIENCES = {Audience.PUBLIC: "alla", Audience.STAFF: "bara personalen"}


@click.group()
def video() -> None:
    """List, show, caption, withdraw, restore, cut, delete and retry videos."""


@video.command("list")
@click.option("--state", type=click.Choice([s.value for s in VideoState]), help="Only those in this state.")
@click.pass_context
def list_(ctx: click.Context, state: str | None) -> None:
    """List the videos, the latest recorded first."""
    settings, database = open_house(ctx)
    table = Table("Nr", "Inspelad", "Titel", "Läge", box=None)
    with database.session() as session:
        for row in list_videos(session, states=[VideoState(state)] if state else None):
            recorded = row.recorded_at.astimezone(settings.zone)
            table.add_row(str(row.id), f"{recorded:%Y-%m-%d %H:%M}", row.title, _where(row))
    Console().print(table if table.row_count else "Det finns inga videor.")


def _where(row: Video) -> str:
    words = decisions.STATES[row.state]
    if row.state in (VideoState.PROCESSING, VideoState.APPROVED) and row.step:
        words += f" ({row.step} {row.percent:.0f} %)"
    return f"{words}: {row.error}" if row.error else words


@video.command()
@click.argument("name", metavar="VIDEO")
@click.pass_context
@refusable
def show(ctx: click.Context, name: str) -> None:
    """Show all that is known of a video."""
    settings, database = open_house(ctx)
    with database.session() as session:
        row = find_video(session, name)
        facts = _facts(settings, row)
    for label, fact in facts:
        if fact:
            click.echo(f"{label + ':':<14} {fact}")


def _facts(settings: Settings, row: Video) -> list[tuple[str, str]]:
    zone = settings.zone
    body = settings.bodies[row.body].name if row.body in settings.bodies else row.body or ""
    facts = [
        ("Video", f"{row.id} ({row.key})"),
        ("Titel", row.title),
        ("Organ", body),
        ("Inspelad", f"{row.recorded_at.astimezone(zone):%Y-%m-%d %H:%M}"),
        ("Läge", _where(row)),
        ("Kanal", ", ".join([row.channel, *row.also])),
        ("Visas för", AUDIENCES[row.audience]),
        ("Längd", "" if row.duration is None else _clock(row.duration)),
        ("Bild", f"{row.width}×{row.height}" if row.width else ""),
        ("Ljudstyrka", "" if row.loudness is None else f"{row.loudness:.1f} LUFS"),
        ("Original", str(row.original)),
        ("SHA-256", row.checksum),
        ("Färdig fil", str(row.rendition or "")),
    ]
    facts += [("Kapitel", f"{_clock(float(c['start']))} {c['title']}") for c in row.chapters]
    facts += [
        ("Klippt", f"{_clock(float(c['start']))}–{_clock(float(c['end']))} {c['reason']}")
        for c in row.made_cuts
    ]
    facts += [("Lucka", f"{g['seconds']} s vid {g['at']}") for g in row.gaps]
    for publication in row.publications:
        facts += _publication_facts(publication, zone)
    return facts


def _publication_facts(publication: Publication, zone: ZoneInfo) -> list[tuple[str, str]]:
    where = f"{publication.channel}: {publication.address}".rstrip(": ")
    facts = []
    if publication.state is PublicationState.WAITING:
        step = f"{publication.step} {publication.percent:.0f} %" if publication.step else "väntar"
        facts.append(("På väg till", f"{where} ({step}) {publication.error}".rstrip()))
    elif publication.state is PublicationState.FAILED:
        facts.append(("Stannade", f"{where} ({publication.step}): {publication.error}"))
    elif publication.published_at is not None:
        since = f"{publication.published_at.astimezone(zone):%Y-%m-%d %H:%M}"
        facts.append(("Publicerad", f"{where} ({since})"))
    facts += [("Utelämnat", f"{step}: {note['sentence']}") for step, note in publication.notes.items()]
    if publication.withdrawn_at is not None:
        away = f"{publication.withdrawn_at.astimezone(zone):%Y-%m-%d %H:%M}"
        facts.append(("Tillbakadragen", f"{where} {away}: {publication.withdraw_reason}"))
    if publication.state is PublicationState.DELETED:
        facts.append(("Gallrad", where))
    return facts


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


@video.command()
@click.argument("name", metavar="VIDEO")
@click.option("--reason", required=True, help="Why; it is kept, and citizens read it.")
@click.pass_context
@refusable
def withdraw(ctx: click.Context, name: str, reason: str) -> None:
    """Take a published video off the air at once; its files remain."""
    settings, database = open_house(ctx)
    with database.session() as session:
        row = find_video(session, name)
        decisions.withdraw(session, settings, row, reason=reason, who=who(), now=datetime.now(UTC))
    if row.state is VideoState.WITHDRAWN:
        click.echo(f"Video {row.id} är tillbakadragen. Ångra med: laktare video restore {row.id}")
    else:
        click.echo(
            f"Det som syntes av video {row.id} är dolt. Den visas först när den godkänns: laktare approve {row.id}"
        )
    _take_down(settings, database, row.id)


def _take_down(settings: Settings, database: Database, video_id: int) -> None:
    from schedules.elsewhere_steps import take_down
    from schedules.workshop import Workshop

    for channel, why in take_down(Workshop(settings=settings, database=database), video_id):
        click.echo(f"Den kan fortfarande ses på {channel}: {why} Nya försök görs av laktare run.", err=True)


@video.command()
@click.argument("name", metavar="VIDEO")
@click.option(
    "--remove",
    "pieces",
    multiple=True,
    metavar="FROM-TO",
    help="What is to go, in the film's own time: 0:10:00-0:12:30; can be repeated.",
)
@click.option("--reason", required=True, help="Why; it is kept in the audit log.")
@click.option("--wait/--no-wait", default=False, help="Show the progress until it is done.")
@click.pass_context
@refusable
def cut(ctx: click.Context, name: str, pieces: tuple[str, ...], reason: str, wait: bool) -> None:
    """Cut pieces away and replace the film, behind the same page, wherever it is published."""
    settings, database = open_house(ctx)
    with database.session() as session:
        row = find_video(session, name)
        spans = [_span(piece) for piece in pieces]
        decisions.cut(session, row, pieces=spans, reason=reason, who=who(), now=datetime.now(UTC))
    click.echo(
        f"Video {row.id} klipps om; den gamla visas tills den nya är publicerad. En textning följer inte med, för den "
        "passar inte den nya: lämna en ny med laktare video captions."
    )
    if wait:
        wait_until_done(settings, database, row.id, Console())


def _span(piece: str) -> tuple[float, float]:
    found = re.fullmatch(r"((?:\d+:)?\d+:\d\d)-((?:\d+:)?\d+:\d\d)", piece.strip())
    if found is None:
        raise VideoRefused(f"{piece!r} är ingen tid i filmen: skriv från och till, t.ex. 0:10:00-0:12:30.")
    start, end = (
        sum(int(part) * 60**n for n, part in enumerate(reversed(mark.split(":")))) for mark in found.groups()
    )
    return float(start), float(end)


@video.command()
@click.argument("name", metavar="VIDEO")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--language", default="sv", show_default=True, help="The language of the captions.")
@click.pass_context
@refusable
def captions(ctx: click.Context, name: str, file: Path, language: str) -> None:
    """Give a film captions (WebVTT or SRT), wherever it is published."""
    settings, database = open_house(ctx)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise VideoRefused(f"Filen {file} kan inte läsas: {error.strerror}.") from None
    text = read_captions(content, find_ffmpeg(settings.ffmpeg))
    with database.session() as session:
        row = find_video(session, name)
        caption(session, row, text, language=language, who=who(), now=datetime.now(UTC))
    published = row.state is VideoState.APPROVED
    click.echo(f"Video {row.id} är textad" + (" och publiceras med textningen." if published else "."))


@video.command()
@click.argument("name", metavar="VIDEO")
@click.option("--decision", required=True, help="The reference of the decision that permits it: KS 2026/123.")
@click.confirmation_option(prompt="Videon och dess inspelning förstörs för alltid. Fortsätta?")
@click.pass_context
@refusable
def delete(ctx: click.Context, name: str, decision: str) -> None:
    """Destroy a video and its recording, here and on every channel, by a retention decision."""
    settings, database = open_house(ctx)
    with database.session() as session:
        row = find_video(session, name)
        decisions.delete(session, settings, row, decision=decision, who=who(), now=datetime.now(UTC))
    destroy_files(settings, row)
    click.echo(f"Video {row.id} är gallrad.")
    _take_down(settings, database, row.id)


@video.command()
@click.argument("name", metavar="VIDEO")
@click.pass_context
@refusable
def restore(ctx: click.Context, name: str) -> None:
    """Put a withdrawn video back under the same address."""
    settings, database = open_house(ctx)
    with database.session() as session:
        row = find_video(session, name)
        decisions.restore(session, settings, row, who=who(), now=datetime.now(UTC))
    click.echo(f"Video {row.id} {decisions.STATES[row.state]}.")


@video.command()
@click.argument("name", metavar="VIDEO")
@click.option("--wait/--no-wait", default=False, help="Show the progress until it is done.")
@click.pass_context
@refusable
def retry(ctx: click.Context, name: str, wait: bool) -> None:
    """Try a failed video again."""
    settings, database = open_house(ctx)
    with database.session() as session:
        row = find_video(session, name)
        decisions.retry(session, row, who=who(), now=datetime.now(UTC))
    click.echo(f"Video {row.id} {decisions.STATES[row.state]}.")
    if wait:
        wait_until_done(settings, database, row.id, Console())
