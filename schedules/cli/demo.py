"""`laktare demo`: the whole house in a minute, with nothing to set up."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from rich.console import Console
from rich.status import Status

from schedules.cli.run import stop_at_signals
from schedules.demo import DemoElsewhere, DemoError, DemoHouse
from schedules.demo_story import ACTS_SECONDS, Story, Told
from schedules.logs import configure_logs

SHORTEST_MINUTES = 0.75


class _Interrupted(Exception):
    pass


class Display:
    """Milestones as lines; between them, on a terminal, one line that says how things stand."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = console.status("") if console.is_terminal else None
        if self._status is not None:
            self._status.start()

    def show(self, told: Told) -> None:
        """Show it."""
        if told.milestone:
            # Addresses stay whole, to be clicked.
            self._console.print(f"• {told.text}", soft_wrap=True, highlight=False, markup=False)
        elif self._status is not None:
            self._status.update(told.text)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._status is not None:
            self._status.stop()


@click.command()
@click.option(
    "--source", metavar="FIL|ADRESS", help="A video file, or an rtsp://, rtmp:// or srt:// address."
)
@click.option("--exit", "leave", is_flag=True, help="Stop when the film plays, with a last line of JSON.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=SHORTEST_MINUTES, max=240),
    default=ACTS_SECONDS / 60,
    help="Length of the meeting.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port of the site, 0 for any free one. Not given: 8080, or the next free one.",
)
@click.option("--keep", is_flag=True, help="Keep the data folder at the end.")
@click.option("--youtube", is_flag=True, help="Send to a stand-in for YouTube as well (from a clone only).")
def demo(
    source: str | None, leave: bool, minutes: float, port: int | None, keep: bool, youtube: bool
) -> None:
    """Try everything: a short meeting goes live by itself, is recorded and published on this machine.

    Uses a throw-away data folder and touches nothing else.
    """
    console = Console()
    try:
        house = DemoHouse(port, source, _youtube if youtube else None)
    except DemoError as error:
        _fail(str(error))
    house.keep = keep
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    with house.log_file.open("w", encoding="utf-8") as lines:
        configure_logs("json", stream=lines)
        try:
            with house:
                story = _play(house, console, minutes * 60)
                if leave:
                    film = house.save(Path(story.outcome.mp4))
                    outcome = replace(story.outcome, mp4=str(film))
                else:
                    _stay(house, console, story)
        except _Interrupted:
            console.print("Demon avbröts.")
            sys.exit(130)
        except DemoError as error:
            _fail(f"{error} Loggarna finns kvar i {house.folder}." if house.folder.exists() else str(error))
    if keep:
        console.print(f"Datamappen finns kvar: {house.folder}", soft_wrap=True, highlight=False, markup=False)
    if leave:
        click.echo(json.dumps(asdict(outcome)))


def _youtube(folder: Path) -> DemoElsewhere:
    from schedules.demo_youtube import (
        DemoYouTube,  # loads Google's clients, which the other demos need not wait for
    )

    return DemoYouTube(folder)


def _play(house: DemoHouse, console: Console, length: float) -> Story:
    display = Display(console)
    try:
        display.show(Told(text="Läktare startar webb, schemaläggare och arbetare"))
        house.await_ready()
        display.show(Told(text=f"Webbplatsen: {house.settings.address}"))
        story = Story(house, length)
        for told in story.tell():
            display.show(told)
    except DemoError:
        house.keep = True
        raise
    finally:
        display.close()
    return story


def _stay(house: DemoHouse, console: Console, story: Story) -> None:
    stop = stop_at_signals()
    console.print(f"Titta: {story.address}", soft_wrap=True, highlight=False, markup=False)
    console.print("Webbplatsen är uppe tills du trycker Ctrl-C.")
    while not stop.wait(1.0):
        pass


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    # Once: a second Ctrl-C must not tear the clearing up in two.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Interrupted


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)
