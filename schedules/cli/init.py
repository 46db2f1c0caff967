"""`laktare init`: a settings file to begin with."""

from __future__ import annotations

import click

from schedules.cli.context import refuse, settings_file
from schedules.settings import EXAMPLE


@click.command()
@click.pass_context
def init(ctx: click.Context) -> None:
    """Skriv en inställningsfil att börja med, där varje nyckel är förklarad."""
    file = settings_file(ctx)
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(EXAMPLE.read_text(encoding="utf-8"))
        file.chmod(0o600)  # it will hold passwords
    except FileExistsError:
        refuse(f"{file} finns redan och skrivs inte över.")
    except OSError as error:
        refuse(f"{file} kan inte skrivas: {error.strerror}.")
    click.echo(f"Skrev {file}. Fyll i källor och organ i den, och pröva den med `laktare check`.")
