"""What every command begins with: the settings read and the database open; and how a command says no."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy.exc import SQLAlchemyError

from schedules.database import Database, open_database
from schedules.settings import FILE_NAME, Settings, SettingsError, load_settings


def settings_file(ctx: click.Context) -> Path:
    """The file of --settings, else laktare.toml in the working folder; absolute. It may be missing."""
    return Path(ctx.find_root().obj or FILE_NAME).absolute()


def read_settings(ctx: click.Context) -> Settings:
    """The settings. Wrong or missing ones end the command: the sentences on standard error, exit code 2."""
    try:
        return load_settings(settings_file(ctx))
    except SettingsError as error:
        refuse(str(error))


def open_house(ctx: click.Context) -> tuple[Settings, Database]:
    """The settings and the migrated database, which is closed when the command ends.

    What is wrong ends the command: one sentence on standard error, exit code 2.
    """
    settings = read_settings(ctx)
    try:
        database = open_database(settings.database_url)
        database.migrate()
    except (SQLAlchemyError, OSError, ValueError) as error:
        # Only the kind of error: its text may hold the address with its password.
        refuse(
            f"Databasen kan inte öppnas ({type(error).__name__}): kontrollera `database` och `data` i"
            f" {settings_file(ctx)}, att databasen är igång och att mappen går att skriva i."
        )
    ctx.find_root().call_on_close(database.close)
    return settings, database


def refuse(sentence: str) -> NoReturn:
    """Say `sentence` on standard error and end with exit code 2."""
    click.echo(sentence, err=True)
    raise SystemExit(2)


@contextmanager
def refusing(*kinds: type[Exception]) -> Iterator[None]:
    """An error of these kinds inside the block is said as its sentence, with exit code 2."""
    try:
        yield
    except kinds as error:
        refuse(str(error))


def who() -> str:
    """Who gives the command, for the audit log: the account on this machine."""
    try:
        return f"{getpass.getuser()} (kommandoraden)"
    except (KeyError, OSError):  # no such account in this container
        return "kommandoraden"
