"""`laktare check`: the doctor's visit, on the terminal or as JSON for a monitoring system."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from schedules.cli.context import settings_file
from schedules.doctor import examine, examine_without_settings
from schedules.findings import EXIT_CODES, Finding, Level, worst
from schedules.logs import configure_logs
from schedules.settings import SettingsError, load_settings

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.FAULT: "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Skriv resultatet som JSON.")
@click.option("--send", is_flag=True, help="Skicka också ett provmejl och ett prov till webhooken.")
@click.pass_context
def check(ctx: click.Context, as_json: bool, send: bool) -> None:
    """Undersök hela installationen: en rad per del, med vad som ska göras.

    Slutkoden är som för övervakningsprogram: 0 allt är väl, 1 varning, 2 fel.
    """
    configure_logs(level="WARNING")  # to standard error: what is printed here may be read by a program
    findings = []
    for finding in _visit(ctx, send=send):
        findings.append(finding)
        if not as_json:
            _say(finding)
    verdict = worst([finding.level for finding in findings])
    if as_json:
        _dump(findings, verdict)
    else:
        click.echo(_summary(findings))
    ctx.exit(EXIT_CODES[verdict])


def _visit(ctx: click.Context, *, send: bool) -> Iterator[Finding]:
    file = settings_file(ctx)
    try:
        settings = load_settings(file)
    except SettingsError as error:
        yield from examine_without_settings(str(error))
    else:
        yield from examine(settings, file, datetime.now(UTC), send=send)


def _say(finding: Finding) -> None:
    mark = click.style(f"{finding.level.value:<7}", fg=_COLOURS[finding.level])
    click.echo(f"{mark}  {finding.part}: {finding.sentence}")


def _summary(findings: list[Finding]) -> str:
    faults = sum(finding.level is Level.FAULT for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    if not faults and not warnings:
        return "Allt är väl."
    counts = [f"{faults} fel"] * bool(faults)
    counts += [f"{warnings} {'varning' if warnings == 1 else 'varningar'}"] * bool(warnings)
    return f"{' och '.join(counts)} att ta hand om."


def _dump(findings: list[Finding], verdict: Level) -> None:
    rows = [{"part": f.part, "level": f.level.value, "sentence": f.sentence} for f in findings]
    click.echo(json.dumps({"level": verdict.value, "findings": rows}, ensure_ascii=False, indent=2))
