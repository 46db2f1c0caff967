"""`laktare meeting agenda`: the items of a meeting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

import click
from sqlalchemy.orm import Session

from schedules.agenda import add_item, move_item, remove_item, rename_item, set_agenda
from schedules.cli.context import open_house, refuse, refusing, who
from schedules.errors import CalendarError
from schedules.models import Meeting
from schedules.queries import get_meeting


@click.group()
def agenda() -> None:
    """Dagordningen för ett sammanträde. Ärendena räknas från 1."""


@agenda.command()
@click.argument("number", type=int)
@click.argument("title")
@click.option("--position", type=int, help="Plats på dagordningen; sist om den inte anges.")
@click.pass_context
def add(ctx: click.Context, number: int, title: str, position: int | None) -> None:
    """Lägg till ärendet TITLE i sammanträde NUMBER."""
    with _changing(ctx, number) as (session, meeting):
        add_item(session, meeting, title, position=position, now=datetime.now(UTC), who=who())


@agenda.command()
@click.argument("number", type=int)
@click.argument("position", type=int)
@click.argument("title")
@click.pass_context
def rename(ctx: click.Context, number: int, position: int, title: str) -> None:
    """Ge ärende POSITION i sammanträde NUMBER rubriken TITLE."""
    with _changing(ctx, number) as (session, meeting):
        rename_item(session, meeting, position, title, now=datetime.now(UTC), who=who())


@agenda.command()
@click.argument("number", type=int)
@click.argument("position", type=int)
@click.argument("to", type=int)
@click.pass_context
def move(ctx: click.Context, number: int, position: int, to: int) -> None:
    """Flytta ärende POSITION i sammanträde NUMBER till plats TO."""
    with _changing(ctx, number) as (session, meeting):
        move_item(session, meeting, position, to, now=datetime.now(UTC), who=who())


@agenda.command()
@click.argument("number", type=int)
@click.argument("position", type=int)
@click.pass_context
def remove(ctx: click.Context, number: int, position: int) -> None:
    """Ta bort ärende POSITION ur sammanträde NUMBER."""
    with _changing(ctx, number) as (session, meeting):
        remove_item(session, meeting, position, now=datetime.now(UTC), who=who())


@agenda.command("set")
@click.argument("number", type=int)
@click.argument("file", type=click.File(encoding="utf-8"))
@click.pass_context
def set_(ctx: click.Context, number: int, file: TextIO) -> None:
    """Låt dagordningen för sammanträde NUMBER vara raderna i FILE ("-": det som skrivs in)."""
    try:
        lines = [line for line in file if line.strip()]
    except UnicodeDecodeError:
        refuse("Filen måste vara text i UTF-8, ett ärende per rad.")
    with _changing(ctx, number) as (session, meeting):
        set_agenda(session, meeting, lines, now=datetime.now(UTC), who=who())


@contextmanager
def _changing(ctx: click.Context, number: int) -> Iterator[tuple[Session, Meeting]]:
    _settings, database = open_house(ctx)
    with refusing(CalendarError), database.session() as session:
        meeting = get_meeting(session, number)
        yield session, meeting
        lines = [f"{item.position}. {item.title}" for item in meeting.agenda]
    click.echo("\n".join(lines) or f"Sammanträde {number} har ingen dagordning.")
