"""`laktare statistics`: how much the meetings were watched in a quarter."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from datetime import datetime

import click
from rich.table import Table

from schedules.cli.context import open_house, refuse
from schedules.cli.tables import console
from schedules.youtube.statistics import Watched, per_meeting, quarter_of

COLUMNS = ("Datum", "Rubrik", "Samtidiga tittare", "Visningar", "Minuter")


@click.command()
@click.option("--quarter", help='Ett kvartal, t.ex. "2026Q4"; det pågående när inget anges.')
@click.option("--csv", "as_csv", is_flag=True, help="Skriv som CSV med semikolon, för ett kalkylprogram.")
@click.pass_context
def statistics(ctx: click.Context, quarter: str | None, as_csv: bool) -> None:
    """Hur mycket sammanträdena har setts på YouTube, per kvartal. En tom ruta: YouTube har inte sagt något."""
    settings, database = open_house(ctx)
    running = quarter_of(datetime.now(settings.zone).date())
    chosen = quarter or running
    try:
        with database.session() as session:
            rows = per_meeting(session, chosen, settings.zone)
    except ValueError:
        refuse(f"{chosen!r} är inget kvartal: skriv det som {running}.")
    if as_csv:
        writer = csv.writer(sys.stdout, delimiter=";", lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_cells(row) for row in rows)
    elif rows:
        console().print(_table(rows))
    else:
        click.echo(f"Inga sammanträden har sänts och inga filmer setts under {chosen}.")


def _cells(row: Watched) -> list[str]:
    """Empty where nothing is known, which is not nought."""
    figures = ("" if figure is None else str(figure) for figure in (row.peak, row.views, row.minutes))
    return [row.date.isoformat(), row.title, *figures]


def _table(rows: Iterable[Watched]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in COLUMNS[:2] else "right")
    for row in rows:
        table.add_row(*_cells(row))
    return table
