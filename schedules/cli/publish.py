"""`laktare publish`, `approve`, `video …` and `worker`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from broadcast.errors import MediaError
from schedules import decisions
from schedules.cli.context import open_house, refusing, who
from schedules.database import Database
from schedules.intake import Copied, Wish, take_in
from schedules.models import Video
from schedules.settings import Settings
from schedules.states import Audience, VideoState
from schedules.videos import VideoRefused, find_video, list_videos
from uploader.errors import UploadError

AUDIENCES = {Audience.PUBLIC: "alla", Audience.STAFF: "bara personalen"}
INTERRUPTED = 130  # what shells say of a program ended by Ctrl-C


def _refusable(command: Callable[..., None]) -> Callable[..., None]:
    """A refusal is one sentence on standard error and exit code 2."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        with refusing(VideoRefused, MediaError, UploadError):
            command(*args, **kwargs)

    return run


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--title", help="Title of the film; the file's name when not given.")
@click.option("--body", help="The body it belongs to, by its key in the settings.")
@click.option(
    "--channel", help="Where it is published, by its key in the settings; the body's when not given."
)
@click.option("--also", multiple=True, help="One more channel to put it on; can be repeated.")
@click.option("--audience", type=click.Choice([a.value for a in Audience]), help="Who may see it.")
@click.option(
    "--review/--no-review", default=None, help="Wait for an approval; as the body has it when not given."
)
@click.option("--wait/--no-wait", default=True, help="Show the progress until it is done.")
@click.pass_context
@_refusable
def publish(
    ctx: click.Context,
    file: Path,
    title: str | None,
    body: str | None,
    channel: str | None,
    also: tuple[str, ...],
    audience: str | None,
    review: bool | None,
    wait: bool,
) -> None:
    """Publish any video file."""
    settings, database = open_house(ctx)
    console = Console()
    wish = Wish(
        title=title,
        body=body,
        channel=channel,
        also=also or None,
        audience=Audience(audience) if audience else None,
        review=review,
    )
    video = _take_in(settings, database, file, wish, console)
    console.print(f"Video {video.id} är mottagen: {video.title}", highlight=False, markup=False)
    if wait:
        _wait(settings, database, video.id, console)
    else:
        click.echo(f"Följ den med: laktare video show {video.id}")


def _take_in(settings: Settings, database: Database, file: Path, wish: Wish, console: Console) -> Video:
    taken = None
    with console.status("Tar emot filen …") as status:
        for event in take_in(settings, database, file, wish, who=who(), now=datetime.now(UTC)):
            if isinstance(event, Copied):
                status.update(f"Tar emot filen … {event.percent:.0f} %")
            else:
                taken = event
    assert taken is not None  # noqa: S101 - take_in ends with the video or an exception
    return taken


def _wait(settings: Settings, database: Database, video_id: int, console: Console) -> None:
    from schedules.cli.waiting import (
        wait_for,  # loads DBOS: two seconds that the other commands need not wait
    )

    try:
        video = wait_for(settings, database, video_id, console)
    except KeyboardInterrupt:
        click.echo(f"Arbetet med video {video_id} fortsätter när en arbetare körs (laktare run).", err=True)
        sys.stderr.flush()
        os._exit(INTERRUPTED)  # the pipeline's threads would keep the process
    click.echo(_outcome(settings, video))
    if video.state is VideoState.FAILED:
        sys.exit(1)


def _outcome(settings: Settings, video: Video) -> str:
    if video.state is VideoState.PUBLISHED:
        return f"Publicerad: {settings.archive_folder(video.key) / 'video.mp4'}"
    if video.state is VideoState.REVIEW:
        return f"Väntar på godkännande. Se på {video.rendition} och kör: laktare approve {video.id}"
    if video.state is VideoState.FAILED:
        return f"{video.error} Kör sedan om den: laktare video retry {video.id}"
    return f"Video {video.id} {decisions.STATES[video.state]}."


@click.command()
@click.argument("name", metavar="VIDEO")
@click.option("--wait/--no-wait", default=False, help="Show the progress until it is published.")
@click.pass_context
@_refusable
def approve(ctx: click.Context, name: str, wait: bool) -> None:
    """Approve a video that waits for review."""
    settings, database = open_house(ctx)
    with database.session() as session:
        video = find_video(session, name)
        decisions.approve(session, video, who=who(), now=datetime.now(UTC))
    click.echo(f"Video {video.id} är godkänd och publiceras.")
    if wait:
        _wait(settings, database, video.id, Console())


@click.group()
def video() -> None:
    """List, show, withdraw, restore and retry videos."""


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
@_refusable
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
        if publication.published_at is None:
            continue
        since = f"{publication.published_at.astimezone(zone):%Y-%m-%d %H:%M}"
        facts.append(("Publicerad", f"{publication.channel}: {publication.address} ({since})"))
        if publication.withdrawn_at is not None:
            away = f"{publication.withdrawn_at.astimezone(zone):%Y-%m-%d %H:%M}"
            facts.append(("Tillbakadragen", f"{away}: {publication.withdraw_reason}"))
    return facts


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


@video.command()
@click.argument("name", metavar="VIDEO")
@click.option("--reason", required=True, help="Why; it is kept, and citizens read it.")
@click.pass_context
@_refusable
def withdraw(ctx: click.Context, name: str, reason: str) -> None:
    """Take a published video off the air at once; its files remain."""
    settings, database = open_house(ctx)
    with database.session() as session:
        row = find_video(session, name)
        decisions.withdraw(session, settings, row, reason=reason, who=who(), now=datetime.now(UTC))
    click.echo(f"Video {row.id} är tillbakadragen. Ångra med: laktare video restore {row.id}")


@video.command()
@click.argument("name", metavar="VIDEO")
@click.pass_context
@_refusable
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
@_refusable
def retry(ctx: click.Context, name: str, wait: bool) -> None:
    """Try a failed video again."""
    settings, database = open_house(ctx)
    with database.session() as session:
        row = find_video(session, name)
        decisions.retry(session, row, who=who(), now=datetime.now(UTC))
    click.echo(f"Video {row.id} {decisions.STATES[row.state]}.")
    if wait:
        _wait(settings, database, row.id, Console())


@click.command()
@click.pass_context
def worker(ctx: click.Context) -> None:
    """Process and publish videos until told to stop."""
    from schedules.logs import configure_logs
    from schedules.slots import TooManyWorkers
    from schedules.worker import WorkflowsUnreachable, run_worker

    settings, database = open_house(ctx)
    configure_logs()
    with refusing(TooManyWorkers, WorkflowsUnreachable):
        run_worker(settings, database)
