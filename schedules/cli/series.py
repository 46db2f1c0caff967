"""`laktare series`: rules that make meetings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import click

from schedules.cli.context import open_house, refusing, who
from schedules.cli.options import wiring_options, wiring_values
from schedules.cli.tables import console, meetings_table, series_table
from schedules.errors import CalendarError
from schedules.recurrence_words import rule_from_words
from schedules.series import Outcome, add_series, list_series, materialise_series
from schedules.series_changes import change_series, end_series
from schedules.settings import Settings
from schedules.times import parse_wall_clock

AHEAD = timedelta(days=400)


@click.group()
def series() -> None:
    """Serier: återkommande sammanträden, t.ex. sista onsdagen varje månad utom i juli."""


@series.command()
@click.argument("body")
@click.argument("first")
@click.option("--every", help='T.ex. "sista onsdagen", "varje måndag", "varannan torsdag".')
@click.option("--but", multiple=True, help="Månad utan sammanträde, t.ex. juli; kan upprepas.")
@click.option("--rule", help="I stället för --every: en RRULE enligt RFC 5545.")
@click.option("--title", help="Rubrik; organets namn om den inte anges.")
@click.option("--minutes", type=click.IntRange(1, 1440), help="Längd; organets om den inte anges.")
@wiring_options
@click.pass_context
def add(
    ctx: click.Context,
    body: str,
    first: str,
    every: str | None,
    but: tuple[str, ...],
    rule: str | None,
    title: str | None,
    minutes: int | None,
    source: str | None,
    platforms: tuple[str, ...],
    channel: str | None,
    also: tuple[str, ...],
    audience: str | None,
) -> None:
    """Lägg till en serie för organet BODY, tidigast från och med FIRST ("2026-09-30 18:00"; dess klockslag gäller)."""
    settings, database = open_house(ctx)
    now = datetime.now(UTC)
    with refusing(CalendarError), database.session() as session:
        known = settings.bodies.get(body)
        added = add_series(
            session,
            settings,
            body=body,
            title=title or (known.name if known else body),
            rule=_rule(every, but, rule) or "",
            first=parse_wall_clock(first),
            minutes=minutes,
            now=now,
            who=who(),
            **wiring_values(source, platforms, channel, also, audience),
        )
        outcome = materialise_series(session, settings, added, now + AHEAD, now, who())
        click.echo(f"Serie {added.id} är inlagd.")
        _tell(outcome, settings)


@series.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """Visa alla serier."""
    _settings, database = open_house(ctx)
    with database.session() as session:
        found = list_series(session)
        if found:
            console().print(series_table(found))
        else:
            click.echo("Inga serier. Lägg till med `laktare series add`.")


@series.command()
@click.argument("number", type=int)
@click.option("--first", help="Ny tidigaste start; dess klockslag gäller.")
@click.option("--every", help='T.ex. "sista onsdagen", "varje måndag", "varannan torsdag".')
@click.option("--but", multiple=True, help="Månad utan sammanträde, t.ex. juli; kan upprepas.")
@click.option("--rule", help="I stället för --every: en RRULE enligt RFC 5545.")
@click.option("--title", help="Ny rubrik.")
@click.option("--minutes", type=click.IntRange(1, 1440), help="Ny längd.")
@click.pass_context
def edit(
    ctx: click.Context,
    number: int,
    first: str | None,
    every: str | None,
    but: tuple[str, ...],
    rule: str | None,
    title: str | None,
    minutes: int | None,
) -> None:
    """Ändra serie NUMBER. Kommande sammanträden följer med, utom de som ändrats för hand."""
    settings, database = open_house(ctx)
    now = datetime.now(UTC)
    with refusing(CalendarError), database.session() as session:
        outcome = change_series(
            session,
            settings,
            number,
            title=title,
            rule=_rule(every, but, rule) if every or but or rule else None,
            first=None if first is None else parse_wall_clock(first),
            minutes=minutes,
            until=now + AHEAD,
            now=now,
            who=who(),
        )
        click.echo(f"Serie {number} är ändrad.")
        _tell(outcome, settings)


@series.command()
@click.argument("number", type=int)
@click.option("--last", help="Sista dag, t.ex. 2026-12-31; i dag om den inte anges.")
@click.pass_context
def end(ctx: click.Context, number: int, last: str | None) -> None:
    """Avsluta serie NUMBER: senare sammanträden ställs in, utom de som ändrats för hand."""
    settings, database = open_house(ctx)
    now = datetime.now(UTC)
    with refusing(CalendarError), database.session() as session:
        day = now.astimezone(settings.zone).date() if last is None else _date(last)
        outcome = end_series(session, settings, number, last=day, now=now, who=who())
        click.echo(f"Serie {number} slutar {day}.")
        _tell(outcome, settings)


def _rule(every: str | None, but: tuple[str, ...], rule: str | None) -> str:
    if (every is None) == (rule is None):
        raise CalendarError('Ange antingen --every, t.ex. --every "sista onsdagen", eller --rule.')
    if rule is not None and but:
        raise CalendarError("--but hör till --every; i en --rule skrivs månaderna med BYMONTH.")
    return rule if rule is not None else rule_from_words(str(every), but)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CalendarError(f"{text!r} är ingen dag: skriv den som 2026-12-31.") from None


def _tell(outcome: Outcome, settings: Settings) -> None:
    for heading, meetings in (
        ("Nya sammanträden:", outcome.made),
        ("Ändrade sammanträden:", outcome.moved),
        ("Inställda sammanträden:", outcome.cancelled),
    ):
        if meetings:
            click.echo(heading)
            console().print(meetings_table(meetings, settings))
    for sentence in outcome.refused:
        click.echo(f"Blev inte av: {sentence}")
