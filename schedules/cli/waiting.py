"""Shows how far a video has come until it has come as far as it comes by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from schedules.database import Database
from schedules.models import Video
from schedules.settings import Settings
from schedules.slots import worker_runs
from schedules.states import VideoState
from schedules.worker import NICENESS, Worker

STEPS = {
    "": "Väntar på sin tur",
    "verify": "Kontrollerar",
    "render": "Färdigställer",
    "pictures": "Gör bilder",
    "settle": "Gör bilder",
    "publish": "Publicerar",
}
BUSY = frozenset({VideoState.PROCESSING, VideoState.APPROVED})
LOOK_SECONDS = 0.25
WORKER_SECONDS = 2.0


@dataclass(frozen=True)
class Seen:
    """What a video's row said."""

    state: VideoState
    step: str
    percent: float
    error: str


def wait_for(settings: Settings, database: Database, video_id: int, console: Console) -> Video:
    """Show the video's progress until it waits for a person or is done, and return it as it is then.

    Where no worker runs the work is done here.
    """
    with ExitStack() as stack:
        bar = stack.enter_context(
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                console=console,
                disable=not console.is_terminal,
            )
        )
        task = bar.add_task(STEPS[""], total=100)
        told = ""
        for seen in _follow(settings, database, video_id, stack):
            words = f"{STEPS.get(seen.step, seen.step)}{f' ({seen.error})' if seen.error else ''}"
            bar.update(task, description=words, completed=seen.percent)
            if not console.is_terminal and words != told:
                console.print(words)
                told = words
        with database.session() as session:
            video = session.get(Video, video_id)
        if video is None:
            raise click.ClickException(f"Video {video_id} har tagits bort medan den bearbetades.")
        if video.state is not VideoState.FAILED:
            bar.update(task, description="Klar", completed=100)
        return video


def _follow(settings: Settings, database: Database, video_id: int, stack: ExitStack) -> Iterator[Seen]:
    worker: Worker | None = None
    asked = -WORKER_SECONDS
    while True:
        with database.session() as session:
            video = session.get(Video, video_id)
            seen = Seen(video.state, video.step, video.percent, video.error) if video else None
        if seen is None or seen.state not in BUSY:
            return
        yield seen
        if worker is not None:
            worker.look()
        elif time.monotonic() - asked >= WORKER_SECONDS:
            asked = time.monotonic()
            if not worker_runs(settings):
                os.nice(NICENESS)
                worker = stack.enter_context(Worker(settings, database))
        time.sleep(LOOK_SECONDS)
