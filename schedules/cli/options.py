"""Options that several commands of the calendar share, and how their words become values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from schedules.errors import CalendarError
from schedules.states import Audience
from schedules.times import parse_local

AUDIENCES = [audience.value for audience in Audience]
F = TypeVar("F", bound=Callable[..., Any])


def wiring_options(command: F) -> F:
    """--source, --platform (repeated), --channel, --also (repeated), --audience."""
    for option in (
        click.option(
            "--audience",
            type=click.Choice([a.value for a in Audience]),
            help="public: alla; staff: anställda.",
        ),
        click.option("--also", multiple=True, help="En kanal till som videon läggs på; kan upprepas."),
        click.option("--channel", help="Kanal för videon, i stället för organets."),
        click.option(
            "--platform", "platforms", multiple=True, help="Plattform för direktsändningen; kan upprepas."
        ),
        click.option("--source", help="Källa, i stället för organets."),
    ):
        command = option(command)
    return command


def wiring_values(
    source: str | None,
    platforms: tuple[str, ...],
    channel: str | None,
    also: tuple[str, ...],
    audience: str | None,
) -> dict[str, Any]:
    """The values of wiring_options as add_meeting and its like take them; None where nothing was said."""
    return {
        "source": source,
        "platforms": platforms or None,
        "channel": channel,
        "also": also or None,
        "audience": None if audience is None else Audience(audience),
    }


def end_of(start: datetime, end: str | None, minutes: int | None, zone: ZoneInfo) -> datetime | None:
    """The end that --end ("2026-10-28 21:00", or "21:00" on the day of the start) or --minutes gives, if any.

    Raises CalendarError.
    """
    if end is not None and minutes is not None:
        raise CalendarError("Ange antingen --end eller --minutes, inte båda.")
    if minutes is not None:
        return start + timedelta(minutes=minutes)
    if end is None:
        return None
    if re.fullmatch(r"\d\d[:.]\d\d", end.strip()):
        end = f"{start.astimezone(zone):%Y-%m-%d} {end.strip()}"
    return parse_local(end, zone)
