"""Reads what calendar programs export (iCalendar, RFC 5545) as single occurrences in UTC. Knows no meeting of ours.

The expansion is recurring-ical-events'; zones (also Windows' names and zones of the file's own) are icalendar's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import Any

import recurring_ical_events
from icalendar import Calendar, Component

from schedules.errors import CalendarError
from schedules.ical.text import agenda_in, one_line, plain_text
from schedules.recurrence import is_by_day
from schedules.times import to_instant

_TIMES = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE")
_LONGEST_UID = 255


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """One time an event takes place. recurrence: which of a recurring event's times it originally was, in UTC; "" for
    an event that does not recur. end: None where the file gives no length."""

    uid: str
    recurrence: str
    start: datetime
    end: datetime | None
    summary: str
    categories: tuple[str, ...]
    agenda: tuple[str, ...]
    cancelled: bool


@dataclass(frozen=True, kw_only=True)
class Export:
    """A file, read. horizons: UID → up to when its occurrences are all here; an event that was refused is not in it."""

    occurrences: tuple[Occurrence, ...]
    horizons: dict[str, datetime]
    refused: tuple[str, ...]


def read_export(data: bytes, zone: tzinfo, *, now: datetime, until: datetime) -> Export:
    """The occurrences that end after `now`; of recurring events those that begin before `until`.

    zone: of times that have none. An event that cannot be used is a Swedish sentence in `refused`. Raises
    CalendarError where the file is no calendar at all.
    """
    occurrences: list[Occurrence] = []
    refused: dict[str, None] = {}  # in order, each once
    horizons: dict[str, datetime] = {}
    for calendar in _calendars(data):
        called_off = str(calendar.get("METHOD", "")).upper() == "CANCEL"
        for uid, events in _by_uid(calendar).items():
            if _is_past(events, now):  # nobody needs to read what was wrong with it
                horizons[uid] = until
                continue
            try:
                horizon = max(
                    [
                        until,
                        *(
                            _instant(_moment(e, "DTSTART"), zone) + timedelta(days=1)
                            for e in _checked(events)
                        ),
                    ]
                )
                found = list(_expand(calendar, uid, events, zone, now, horizon, called_off))
            except CalendarError as error:
                refused[f"{_name(events[0])}: {error}"] = None
            except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
                # What the libraries raise at an event that contradicts itself; the other events are none the worse.
                refused[
                    f"{_name(events[0])}: händelsen går inte att tolka ({one_line(str(error), 120)})."
                ] = None
            else:
                occurrences += found
                horizons[uid] = horizon
    return Export(
        occurrences=tuple(sorted(occurrences, key=lambda o: (o.start, o.uid))),
        horizons=horizons,
        refused=tuple(refused),
    )


def _calendars(data: bytes) -> list[Calendar]:
    try:
        # Unfolded as bytes: RFC 5545 lets a line be folded in the middle of a letter.
        text = re.sub(rb"\r?\n[ \t]", b"", data).decode("utf-8-sig")
        calendars = [c for c in Calendar.from_ical(text, multiple=True) if c.name == "VCALENDAR"]
    except UnicodeDecodeError:
        raise CalendarError(
            "Filen är ingen kalender i UTF-8: exportera den på nytt som iCalendar (.ics)."
        ) from None
    except (ValueError, KeyError, IndexError) as error:
        raise CalendarError(
            f"Filen är ingen hel kalender ({one_line(str(error), 120)}): exportera den på nytt som iCalendar (.ics)."
        ) from None
    ends = re.findall(r"^END:VCALENDAR\s*$", text, re.MULTILINE | re.IGNORECASE)
    if not calendars or len(ends) < len(calendars):
        raise CalendarError("Filen är ingen hel kalender: exportera den på nytt som iCalendar (.ics).")
    return calendars


def _by_uid(calendar: Component) -> dict[str, list[Component]]:
    groups: dict[str, list[Component]] = defaultdict(list)
    for event in calendar.walk("VEVENT"):
        uid = str(event.get("UID", "")).strip()
        groups[uid if len(uid) <= _LONGEST_UID else sha256(uid.encode()).hexdigest()].append(event)
    return groups


def _checked(events: Iterable[Component]) -> Iterator[Component]:
    """The events, if their times can be read and are such as meetings have."""
    for event in events:
        if not str(event.get("UID", "")).strip():
            raise CalendarError(
                "händelsen saknar UID och kan inte kännas igen nästa gång; lägg till den för hand."
            )
        broken = sorted({str(name) for name, _ in event.errors if name in _TIMES})
        if broken or "DTSTART" not in event:
            raise CalendarError(f"{', '.join(broken) or 'DTSTART'} saknas eller går inte att läsa.")
        start: Any = event["DTSTART"]
        if not isinstance(start.dt, datetime):
            raise CalendarError("händelsen gäller hela dagar; ge den ett klockslag i kalendern.")
        if start.dt.tzinfo is None and "TZID" in start.params:
            raise CalendarError(f"tidszonen {start.params['TZID']!r} är okänd och beskrivs inte i filen.")
        rules: Any = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            if not is_by_day(rule.to_ical().decode().upper()):
                raise CalendarError(
                    "händelsen upprepas tätare än varje dag eller på ett sätt som inte går att följa."
                )
        yield event


def _is_past(events: list[Component], now: datetime) -> bool:
    if any(name in event for event in events for name in ("RRULE", "RDATE")):
        return False
    starts: list[Any] = [event.get("DTSTART") for event in events]
    if any(start is None or event.errors for start, event in zip(starts, events, strict=True)):
        return False
    # Whole days and zones make no difference to what lies two days back; no meeting is longer than one.
    return all(f"{start.dt:%Y%m%d}" < f"{now - timedelta(days=2):%Y%m%d}" for start in starts)


def _expand(
    calendar: Component,
    uid: str,
    events: list[Component],
    zone: tzinfo,
    now: datetime,
    until: datetime,
    called_off: bool,
) -> Iterator[Occurrence]:
    recurs = any(name in event for event in events for name in ("RRULE", "RDATE", "RECURRENCE-ID"))
    alone = Calendar()
    for name in ("VERSION", "PRODID", "X-WR-TIMEZONE"):
        if name in calendar:
            alone[name] = calendar[name]
    for part in [*calendar.walk("VTIMEZONE"), *events]:
        alone.add_component(part)
    for event in recurring_ical_events.of(alone).between(now - timedelta(days=1), until):
        start = _instant(_moment(event, "DTSTART"), zone)
        end = _instant(_moment(event, "DTEND"), zone)
        if (end if end > start else start) <= now:
            continue
        yield Occurrence(
            uid=uid,
            recurrence=_key(_moment(event, "RECURRENCE-ID"), zone) if recurs else "",
            start=start,
            end=end if end > start else None,
            summary=one_line(str(event.get("SUMMARY", "")), 200),
            categories=tuple(_categories(event)),
            agenda=agenda_in(plain_text(str(event.get("DESCRIPTION", "")))),
            cancelled=called_off or str(event.get("STATUS", "")).upper() == "CANCELLED",
        )


def _instant(moment: date, zone: tzinfo) -> datetime:
    if not isinstance(moment, datetime):
        raise CalendarError("händelsen gäller hela dagar; ge den ett klockslag i kalendern.")
    return to_instant(moment.replace(tzinfo=None, fold=0), moment.tzinfo or zone)


def _moment(event: Component, name: str) -> date:
    value: Any = event[name]
    moment: date = value.dt
    return moment


def _key(moment: date, zone: tzinfo) -> str:
    if not isinstance(moment, datetime):
        return f"{moment:%Y%m%d}"
    return f"{(moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _categories(event: Component) -> Iterator[str]:
    given: Any = event.get("CATEGORIES", [])
    for group in given if isinstance(given, list) else [given]:
        yield from (str(name) for name in group.cats)


def _name(event: Component) -> str:
    return one_line(str(event.get("SUMMARY", "")), 80) or "En händelse utan rubrik"
