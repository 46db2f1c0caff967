"""How the calendar is shown on the command line."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from schedules.ical import Fate, ImportPlan
from schedules.models import Meeting, Series
from schedules.settings import Settings
from schedules.states import Audience, MeetingState
from schedules.times import show_local, show_span

STATES = {
    MeetingState.PLANNED: "planerat",
    MeetingState.PREPARING: "förbereds",
    MeetingState.LIVE: "sänds",
    MeetingState.ENDED: "avslutat",
    MeetingState.CANCELLED: "inställt",
    MeetingState.MISSED: "sändes aldrig",
}
AUDIENCES = {Audience.PUBLIC: "alla", Audience.STAFF: "anställda"}
_FATES = {
    Fate.ADDED: "nytt",
    Fate.MOVED: "ändrat",
    Fate.CANCELLED: "inställt",
    Fate.UNCHANGED: "oförändrat",
}
_PIPED_WIDTH = 200  # a pipe has no width; a title is not broken for its sake


def console() -> Console:
    """Standard output, without reading markup into what people have written."""
    out = Console(markup=False, highlight=False)
    return out if out.is_terminal else Console(markup=False, highlight=False, width=_PIPED_WIDTH)


def meetings_table(meetings: Iterable[Meeting], settings: Settings) -> Table:
    """One line a meeting."""
    table = _table("Nr", "Tid", "Organ", "Rubrik", "Läge")
    for meeting in meetings:
        span = show_span(meeting.planned_start, meeting.planned_end, settings.zone)
        table.add_row(str(meeting.id), span, meeting.body, meeting.title, STATES[meeting.state])
    return table


def series_table(series: Iterable[Series]) -> Table:
    """One line a series."""
    table = _table("Nr", "Organ", "Rubrik", "Första", "Minuter", "Regel")
    for one in series:
        table.add_row(
            str(one.id), one.body, one.title, one.first.replace("T", " "), str(one.minutes), one.rule
        )
    return table


def meeting_table(meeting: Meeting, settings: Settings) -> Table:
    """All about one meeting, a line each."""
    table = Table(box=None, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    seen = (("I sändning", meeting.on_air_at), ("Började", meeting.began_at), ("Slutade", meeting.ended_at))
    rows = [
        ("Nr", str(meeting.id)),
        ("Organ", meeting.body),
        ("Rubrik", meeting.title),
        ("Planerad tid", show_span(meeting.planned_start, meeting.planned_end, settings.zone)),
        ("Läge", STATES[meeting.state]),
        ("Skäl", meeting.cancel_reason),
        *((name, show_local(at, settings.zone)) for name, at in seen if at is not None),
        ("Källa", meeting.source),
        ("Plattformar", ", ".join(meeting.platforms) or "inga"),
        ("Kanal", ", ".join([meeting.channel, *meeting.also])),
        ("Målgrupp", AUDIENCES[meeting.audience]),
        *((f"Ärende {item.position}", item.title) for item in meeting.agenda),
    ]
    for name, value in rows:
        if value:
            table.add_row(name, value)
    return table


def plan_table(plan: ImportPlan, settings: Settings) -> Table:
    """One line for each meeting that an import changes."""
    table = _table("Vad", "Tid", "Förut", "Organ", "Rubrik")
    for fate in (Fate.ADDED, Fate.MOVED, Fate.CANCELLED):
        for change in plan.of(fate):
            before = show_local(change.before, settings.zone) if change.before else ""
            span = show_span(change.start, change.end, settings.zone)
            table.add_row(_FATES[fate], span, before, change.body, change.title)
    return table


def plan_summary(plan: ImportPlan) -> str:
    """How many of each, in a line."""
    counts = [f"{len(plan.of(fate))} {_FATES[fate]}" for fate in Fate]
    return ", ".join([*counts, f"{len(plan.refused)} togs inte med"]) + "."


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column in ("Nr", "Tid", "Förut", "Organ"))
    return table
