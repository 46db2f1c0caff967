"""`laktare run` and `laktare scheduler`."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import click

from schedules.cli.context import open_house, read_settings, settings_file
from schedules.house import House, HouseError, house_parts, pass_on
from schedules.launcher import Launcher, live_command
from schedules.logs import configure_logs
from schedules.scheduler import Scheduler, SchedulerTaken
from schedules.stopping import set_at_signals
from schedules.supervisor import Supervisor


def stop_at_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    set_at_signals(stop)
    return stop


@click.command()
@click.pass_context
def run(ctx: click.Context) -> None:
    """Run everything: web, scheduler and worker, restarted when they die, until SIGTERM or Ctrl-C.

    Meetings on air have processes of their own and go on when this ends.
    """
    settings = read_settings(ctx)
    configure_logs()
    stop = stop_at_signals()
    try:
        house = House(settings)
    except HouseError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    threading.Thread(target=house.watch, args=(stop,), name="watch", daemon=True).start()
    click.echo(f"Läktare är igång: {settings.address}", err=True)
    parts = house_parts(settings, settings_file(ctx))
    Supervisor(parts, on_line=pass_on, on_trouble=house.on_trouble).run(stop)
    house.close()


@click.command()
@click.pass_context
def scheduler(ctx: click.Context) -> None:
    """Put meetings on air when it is time, and watch that they are. `laktare run` starts it."""
    settings, database = open_house(ctx)
    configure_logs()
    stop = stop_at_signals()
    file: Path = settings_file(ctx)
    clock = Scheduler(database, settings, Launcher(settings, lambda meeting: live_command(meeting, file)))
    try:
        clock.start()
    except SchedulerTaken as taken:
        click.echo(str(taken), err=True)
        sys.exit(1)
    while not stop.wait(0.2) and not clock.failed.is_set():
        pass
    clock.stop()
    if clock.failed.is_set():
        click.echo(clock.why, err=True)
    sys.stderr.flush()
    # A camera that does not answer may still hold a thread, and Python would wait for it.
    os._exit(1 if clock.failed.is_set() else 0)
