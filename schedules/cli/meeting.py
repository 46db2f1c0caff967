"""`laktare meeting`: the calendar from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from schedules.cli.agenda import agenda
from schedules.cli.context import open_house, refuse, refusing, who
from schedules.cli.options import end_of, wiring_options, wiring_values
from schedules.cli.tables import console, meeting_table, meetings_table, plan_summary, plan_table
from schedules.errors import CalendarError
from schedules.ical import HORIZON_DAYS, import_calendar
from schedules.queries import (
    add_meeting,
    cancel_meeting,
    edit_meeting,
    get_meeting,
    list_meetings,
    restore_meeting,
)
from schedules.times import parse_local, show_span


@click.group()
def meeting() -> None:
    """Sammanträden: lägg till, visa, ändra, ställ in, hämta ur en kalender.

    Tider skrivs som "2026-10-28 18:00", i kommunens tidszon.
    """


meeting.add_command(agenda)


@meeting.command()
@click.argument("body")
@click.argument("start")
@click.option("--title", help="Rubrik; organets namn om den inte anges.")
@click.option("--end", help='Slut: en tid, eller bara klockslag ("21:00") samma dag.')
@click.option("--minutes", type=click.IntRange(1, 1440), help="Längd, i stället för --end.")
@click.option("--item", "items", multiple=True, help="Ärende på dagordningen; kan upprepas.")
@wiring_options
@click.pass_context
def add(
    ctx: click.Context,
    body: str,
    start: str,
    title: str | None,
    end: str | None,
    minutes: int | None,
    items: tuple[str, ...],
    source: str | None,
    platforms: tuple[str, ...],
    channel: str | None,
    also: tuple[str, ...],
    audience: str | None,
) -> None:
    """Lägg till ett sammanträde för organet BODY som börjar START."""
    settings, database = open_house(ctx)
    with refusing(CalendarError), database.session() as session:
        begins = parse_local(start, settings.zone)
        known = settings.bodies.get(body)
        added = add_meeting(
            session,
            settings,
            body=body,
            title=title or (known.name if known else body),
            start=begins,
            end=end_of(begins, end, minutes, settings.zone),
            agenda=items,
            now=datetime.now(UTC),
            who=who(),
            **wiring_values(source, platforms, channel, also, audience),
        )
        span = show_span(added.planned_start, added.planned_end, settings.zone)
    click.echo(f"Sammanträde {added.id} är inlagt: {added.title}, {span}.")


@meeting.command("list")
@click.option("--body", help="Bara detta organs.")
@click.option("--all", "everything", is_flag=True, help="Även det som varit.")
@click.pass_context
def list_(ctx: click.Context, body: str | None, everything: bool) -> None:
    """Visa kommande och pågående sammanträden."""
    settings, database = open_house(ctx)
    with database.session() as session:
        meetings = list_meetings(session, since=None if everything else datetime.now(UTC), body=body)
        if meetings:
            console().print(meetings_table(meetings, settings))
        else:
            click.echo(
                "Inga sammanträden. Lägg till med `laktare meeting add` eller `laktare meeting import`."
            )


@meeting.command()
@click.argument("number", type=int)
@click.pass_context
def show(ctx: click.Context, number: int) -> None:
    """Visa allt om sammanträde NUMBER, med dagordning."""
    settings, database = open_house(ctx)
    with refusing(CalendarError), database.session() as session:
        console().print(meeting_table(get_meeting(session, number), settings))


@meeting.command()
@click.argument("number", type=int)
@click.option("--title", help="Ny rubrik.")
@click.option("--start", help="Ny starttid; längden behålls om inget slut anges.")
@click.option("--end", help='Nytt slut: en tid, eller bara klockslag ("21:00") samma dag.')
@click.option("--minutes", type=click.IntRange(1, 1440), help="Ny längd, i stället för --end.")
@wiring_options
@click.pass_context
def edit(
    ctx: click.Context,
    number: int,
    title: str | None,
    start: str | None,
    end: str | None,
    minutes: int | None,
    source: str | None,
    platforms: tuple[str, ...],
    channel: str | None,
    also: tuple[str, ...],
    audience: str | None,
) -> None:
    """Ändra sammanträde NUMBER. Slutet kan ändras även medan det sänds, och gäller genast."""
    settings, database = open_house(ctx)
    with refusing(CalendarError), database.session() as session:
        begins = None if start is None else parse_local(start, settings.zone)
        changed = edit_meeting(
            session,
            settings,
            number,
            title=title,
            start=begins,
            end=end_of(begins or get_meeting(session, number).planned_start, end, minutes, settings.zone),
            now=datetime.now(UTC),
            who=who(),
            **wiring_values(source, platforms, channel, also, audience),
        )
        span = show_span(changed.planned_start, changed.planned_end, settings.zone)
    click.echo(f"Sammanträde {changed.id} är nu: {changed.title}, {span}.")


@meeting.command()
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Skälet, som allmänheten får läsa.")
@click.pass_context
def cancel(ctx: click.Context, number: int, reason: str) -> None:
    """Ställ in sammanträde NUMBER."""
    _settings, database = open_house(ctx)
    with refusing(CalendarError), database.session() as session:
        cancel_meeting(session, number, reason=reason, now=datetime.now(UTC), who=who())
    click.echo(f"Sammanträde {number} är inställt.")


@meeting.command()
@click.argument("number", type=int)
@click.pass_context
def restore(ctx: click.Context, number: int) -> None:
    """Ta tillbaka ett inställande: sammanträde NUMBER hålls ändå."""
    settings, database = open_house(ctx)
    with refusing(CalendarError), database.session() as session:
        restore_meeting(session, settings, number, now=datetime.now(UTC), who=who())
    click.echo(f"Sammanträde {number} är åter planerat.")


@meeting.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--body", help="Alla händelser gäller detta organ; annars känns organet igen i rubrik eller kategori."
)
@click.option(
    "--days", default=HORIZON_DAYS, show_default=True, type=click.IntRange(1, 3660), help="Så långt fram."
)
@click.option("--dry-run", is_flag=True, help="Visa vad som skulle ändras, utan att ändra något.")
@click.pass_context
def import_(ctx: click.Context, file: Path, body: str | None, days: int, dry_run: bool) -> None:
    """Hämta sammanträden ur kalenderfilen FILE (.ics). Samma fil två gånger ändrar inget."""
    settings, database = open_house(ctx)
    try:
        data = file.read_bytes()
    except OSError as error:
        refuse(f"{file} kan inte läsas: {error.strerror}.")
    with refusing(CalendarError), database.session() as session:
        plan = import_calendar(
            session, settings, data, body=body, horizon_days=days, now=datetime.now(UTC), who=who()
        )
        if dry_run:
            session.rollback()
    table = plan_table(plan, settings)
    if table.row_count:
        console().print(table)
    for sentence in plan.refused:
        click.echo(f"Togs inte med: {sentence}")
    click.echo(("Inget har ändrats. Så skulle det bli: " if dry_run else "") + plan_summary(plan))
