"""`laktare air`: what a clerk asks of a meeting on air, from the command line."""

from __future__ import annotations

import getpass
import time
from datetime import UTC, datetime
from typing import NoReturn

import click
from sqlalchemy import select

from schedules.cli.context import open_house
from schedules.commands import CommandRefused, ask
from schedules.database import Database
from schedules.models import AgendaItem, Command, LiveProcess, Meeting
from schedules.settings import Settings
from schedules.states import ON_AIR, CommandKind

PATIENCE_SECONDS = 10.0


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(2)


def _on_air(database: Database, meeting_id: int | None) -> int:
    with database.session() as session:
        meetings = list(
            session.scalars(select(Meeting).where(Meeting.state.in_(ON_AIR)).order_by(Meeting.id))
        )
        if meeting_id is not None:
            return meeting_id
        if not meetings:
            _refuse("Inget sammanträde sänds just nu.")
        if len(meetings) > 1:
            numbers = ", ".join(f"{m.id} ({m.title})" for m in meetings)
            _refuse(f"Flera sammanträden sänds just nu: ange vilket med --meeting. De är {numbers}.")
        return meetings[0].id


def _ask(ctx: click.Context, meeting_id: int | None, kind: CommandKind, argument: str = "") -> None:
    settings, database = open_house(ctx)
    chosen = _on_air(database, meeting_id)
    asked = datetime.now(UTC)
    try:
        with database.session() as session:
            command_id = ask(session, chosen, kind, argument, getpass.getuser(), asked).id
    except CommandRefused as refusal:
        _refuse(str(refusal))
    _wait(settings, database, command_id, asked)


def _wait(settings: Settings, database: Database, command_id: int, asked: datetime) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        with database.session() as session:
            command = session.get_one(Command, command_id)
            if command.refusal:
                _refuse(command.refusal)
            if command.observed_at is not None:
                local = command.observed_at.astimezone(settings.zone)
                seconds = max((command.observed_at - asked).total_seconds(), 0)
                click.echo(f"Syns i sändningen sedan {local:%H.%M.%S} (efter {seconds:.1f} s).")
                return
        time.sleep(0.1)
    _refuse(
        "Sändningen har inte svarat ännu: se laktare air status. Kommandot står kvar och utförs när den svarar."
    )


_meeting = click.option(
    "--meeting", "meeting_id", type=int, default=None, help="Numret; behövs bara när flera sänds."
)


@click.group()
def air() -> None:
    """Styr ett sammanträde som sänds."""


def _simple(kind: CommandKind, sentence: str) -> None:
    @air.command(name=kind.value, help=sentence)
    @_meeting
    @click.pass_context
    def command(ctx: click.Context, meeting_id: int | None) -> None:
        _ask(ctx, meeting_id, kind)


for _kind, _sentence in (
    (CommandKind.OPEN, "Öppna: visa rummet nu, före planerad tid."),
    (CommandKind.ADJOURN, "Ajournera: visa en skylt."),
    (CommandKind.CLOSE, "Stängda dörrar: skylt, och ingenting spelas in."),
    (CommandKind.RESUME, "Återuppta efter ajournering eller stängda dörrar."),
    (CommandKind.END, "Avsluta sammanträdet."),
):
    _simple(_kind, _sentence)


@air.command()
@click.argument("position", type=int)
@_meeting
@click.pass_context
def mark(ctx: click.Context, position: int, meeting_id: int | None) -> None:
    """Markera att ärende nummer POSITION på dagordningen börjar nu."""
    _settings, database = open_house(ctx)
    chosen = _on_air(database, meeting_id)
    with database.session() as session:
        agenda = list(
            session.scalars(
                select(AgendaItem).where(AgendaItem.meeting_id == chosen).order_by(AgendaItem.position)
            )
        )
        if not 1 <= position <= len(agenda):
            _refuse(f"Dagordningen har {len(agenda)} ärenden; nummer {position} finns inte.")
        item = agenda[position - 1].id
    _ask(ctx, chosen, CommandKind.MARK, str(item))


@air.command()
@click.argument("minutes", type=int)
@_meeting
@click.pass_context
def extend(ctx: click.Context, minutes: int, meeting_id: int | None) -> None:
    """Förläng den planerade tiden med MINUTES minuter."""
    _ask(ctx, meeting_id, CommandKind.EXTEND, str(minutes))


@air.command()
@_meeting
@click.pass_context
def status(ctx: click.Context, meeting_id: int | None) -> None:
    """Visa vad som sänds just nu och hur det mår."""
    settings, database = open_house(ctx)
    chosen = _on_air(database, meeting_id)
    with database.session() as session:
        meeting = session.get(Meeting, chosen)
        if meeting is None:
            _refuse(f"Sammanträde {chosen} finns inte.")
        process = session.get(LiveProcess, chosen)
        click.echo(f"{meeting.title}: {meeting.state.value}, {meeting.phase.value}")
        if process is None:
            return
        seen = process.heartbeat_at.astimezone(settings.zone)
        state = process.status
        click.echo(
            f"Senast sedd {seen:%H.%M.%S}, bildruta {state.get('frame', 0)}, förlorade {state.get('lost', 0)}"
        )
        click.echo(
            "Källan ger bild"
            if state.get("source")
            else f"Källan ger ingen bild: {state.get('source_reason')}"
        )
        for key, link in state.get("platforms", {}).items():
            click.echo(f"{key}: {'sänder' if link['up'] else 'sänder inte'}")
