"""The command `laktare`. One module per group; a module is imported only when its command is used."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "run": ("run", "Kör allt: webb, schemaläggare och arbetare, som startas om när de dör."),
    "demo": ("demo", "Prova allt: ett kort sammanträde sänds, spelas in och publiceras av sig självt."),
    "check": ("check", "Undersök hela installationen: en rad per del, med vad som ska göras."),
    "connect": ("connect", "Anslut en YouTube-kanal."),
    "init": ("init", "Skriv en inställningsfil att börja med, där varje nyckel är förklarad."),
    "meeting": ("meeting", "Sammanträden: lägg till, visa, ändra, ställ in, hämta ur en kalender."),
    "statistics": ("statistics", "Hur mycket sammanträdena har setts, per kvartal."),
    "series": ("series", "Serier: återkommande sammanträden, t.ex. sista onsdagen i månaden."),
    "air": ("air", "Styr ett sammanträde som sänds."),
    "publish": ("publish", "Publicera en videofil."),
    "approve": ("publish", "Godkänn en video som väntar på granskning."),
    "video": ("video", "Videor: lista, visa, ta ner, återställ, klipp om, gallra, försök igen."),
    "worker": ("publish", "Bara arbetaren: gör klart och publicerar videor tills den stoppas."),
    "scheduler": ("run", "Bara schemaläggaren: sätter sammanträden i sändning och vakar över dem."),
}
"""Command → (module in this package that defines it under the same name, what it is for)."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"schedules.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # Click would import every command, and with them the workflows and the database, to list twelve lines.
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=_LazyGroup)
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(dir_okay=False),
    default=None,
    envvar="LAKTARE_SETTINGS",
    help="The settings file; laktare.toml in this folder when not given.",
)
@click.version_option(package_name="laktare")
@click.pass_context
def main(ctx: click.Context, settings_file: str | None) -> None:
    """Webcast council meetings and publish video."""
    ctx.obj = settings_file
