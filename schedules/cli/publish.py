"""`laktare publish`, `approve` and `worker`."""

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

from broadcast.errors import MediaError
from schedules import decisions
from schedules.cli.context import open_house, refusing, who
from schedules.database import Database
from schedules.intake import Copied, Wish, take_in
from schedules.models import Video
from schedules.settings import Settings
from schedules.states import Audience, VideoState
from schedules.videos import VideoRefused, find_video
from uploader.errors import UploadError

AUDIENCES = {Audience.PUBLIC: "alla", Audience.STAFF: "bara personalen"}
INTERRUPTED = 130  # what shells say of a program ended by Ctrl-C


def refusable(command: Callable[..., None]) -> Callable[..., None]:
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
@refusable
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
        wait_until_done(settings, database, video.id, console)
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


def wait_until_done(settings: Settings, database: Database, video_id: int, console: Console) -> None:
    """Show the progress of a video until it goes no further by itself."""
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
@refusable
def approve(ctx: click.Context, name: str, wait: bool) -> None:
    """Approve a video that waits for review."""
    settings, database = open_house(ctx)
    with database.session() as session:
        video = find_video(session, name)
        decisions.approve(session, video, who=who(), now=datetime.now(UTC))
    click.echo(f"Video {video.id} är godkänd och publiceras.")
    if wait:
        wait_until_done(settings, database, video.id, Console())


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
