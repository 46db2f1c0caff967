"""The command `laktare`. One module per group; a module is imported only when its command is used."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "run": "run",
    "demo": "demo",
    "check": "check",
    "init": "init",
    "meeting": "meeting",
    "series": "series",
    "air": "air",
    "publish": "publish",
    "approve": "publish",
    "video": "publish",
    "worker": "publish",
    "scheduler": "run",
}
"""Command → module in this package that defines it, under the same name."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"schedules.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


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
