"""Local wall-clock time at the edge, UTC inside. Both nights when the clocks change are refused, not guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from schedules.errors import CalendarError

WEEKDAYS = ("mån", "tis", "ons", "tors", "fre", "lör", "sön")
_MINUTE = timedelta(minutes=1)
_WRITTEN = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d)[:.](\d\d)")


def parse_local(text: str, zone: ZoneInfo) -> datetime:
    """The instant (aware, UTC) of a local time such as "2026-10-28 18:00" or "2026-10-28T18:00".

    Raises CalendarError where it is no time, or one that does not exist or exists twice in `zone`.
    """
    return to_instant(parse_wall_clock(text), zone)


def parse_wall_clock(text: str) -> datetime:
    """The same as a naive wall-clock time. Raises CalendarError where it is no time."""
    found = _WRITTEN.fullmatch(text.strip())
    try:
        if found is not None:
            return datetime(*(int(part) for part in found.groups()))  # type: ignore[arg-type] # noqa: DTZ001 - wall clock
    except ValueError:
        pass
    raise CalendarError(f"{text!r} är ingen tid: skriv den som 2026-10-28 18:00.")


def to_instant(wall_clock: datetime, zone: tzinfo) -> datetime:
    """The instant (aware, UTC) at which clocks in `zone` show the naive `wall_clock`.

    Raises CalendarError where there is none (the night in spring) or two (the night in autumn).
    """
    if wall_clock.tzinfo is not None:
        raise ValueError(f"a wall-clock time has no zone: {wall_clock!r}")
    instants = _instants(wall_clock, zone)
    if len(instants) == 1:
        return instants[0]
    first = last = wall_clock
    while len(_instants(first - _MINUTE, zone)) == len(instants):
        first -= _MINUTE
    while len(_instants(last, zone)) == len(instants):
        last += _MINUTE
    why = (
        "inträffar två gånger: då ställs klockan tillbaka"
        if instants
        else "finns inte: då ställs klockan fram"
    )
    raise CalendarError(
        f"Tiden {wall_clock:%Y-%m-%d %H:%M} {why}. Ange en tid före {first:%H:%M} eller från {last:%H:%M}."
    )


def _instants(wall_clock: datetime, zone: tzinfo) -> list[datetime]:
    candidates = {wall_clock.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(c for c in candidates if c.astimezone(zone).replace(tzinfo=None, fold=0) == wall_clock)


def show_local(instant: datetime, zone: ZoneInfo) -> str:
    """An instant as local time, "2026-10-28 18:00"; in the hour that comes twice with the abbreviation of its zone."""
    local = instant.astimezone(zone)
    twice = len(_instants(local.replace(tzinfo=None, fold=0), zone)) > 1
    return f"{local:%Y-%m-%d %H:%M}" + (f" {local:%Z}" if twice else "")


def show_span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """From when to when, "ons 2026-10-28 18:00–21:00"; the day of the end too where it is another."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    until = f"{last:%H:%M}" if first.date() == last.date() else show_local(end, zone)
    return f"{WEEKDAYS[first.weekday()]} {show_local(start, zone)}–{until}"
