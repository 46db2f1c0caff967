"""Rules of recurrence (RFC 5545 RRULE) on local wall-clock time: 18:00 stays 18:00 when the clocks change. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime

from dateutil.rrule import rrule, rruleset, rrulestr

from schedules.errors import CalendarError

_COUNTED = re.compile(r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)")
_TIMED = re.compile(r"BY(HOUR|MINUTE|SECOND)=")
_EXAMPLE = "t.ex. FREQ=MONTHLY;BYDAY=-1WE;BYMONTH=1,2,3,4,5,6,8,9,10,11,12 (sista onsdagen utom i juli)"


def checked_rule(text: str, first: datetime) -> str:
    """`text` as it is stored: upper case, without "RRULE:". Raises CalendarError where it is no rule for meetings."""
    rule = "".join(text.split()).upper().removeprefix("RRULE:")
    if not is_by_day(rule) or len(rule) > 500:
        raise CalendarError(
            f"Regeln {text!r} duger inte: skriv en RRULE per dag, vecka, månad eller år utan klockslag, {_EXAMPLE}."
        )
    if next(iter(_parsed(rule, first)), None) is None:
        raise CalendarError(
            f"Regeln {text!r} inträffar aldrig efter {first:%Y-%m-%d}: skriv en annan, {_EXAMPLE}."
        )
    return rule


def is_by_day(rule: str) -> bool:
    """Whether a rule in upper case is by day, week, month or year and well enough formed to be followed. Finer rules,
    or an interval of 0 at which dateutil never ends, are not for meetings."""
    until = re.search(r"UNTIL=([^;]*)", rule)
    return (
        _COUNTED.search(rule) is not None
        and _TIMED.search(rule) is None
        and re.search(r"INTERVAL=(?!0*[1-9]\d{0,3}(;|$))", rule) is None
        and (until is None or re.fullmatch(r"\d{8}(T\d{6}Z?)?", until[1]) is not None)
    )


def slots(rule: str, first: datetime, since: datetime, until: datetime) -> list[datetime]:
    """The naive wall-clock starts of a checked rule from `since` to `until`, both included, all naive."""
    parsed = _parsed(rule, first)
    return list(parsed.between(since, until, inc=True))


def ended(rule: str, last: date) -> str:
    """The rule with `last` as the last day on which it can come true."""
    kept = [part for part in rule.split(";") if not part.startswith(("UNTIL=", "COUNT="))]
    return ";".join([*kept, f"UNTIL={last:%Y%m%d}T235959"])


def _parsed(rule: str, first: datetime) -> rrule:
    try:
        parsed = rrulestr(_local(rule), dtstart=first)
    except (ValueError, TypeError, KeyError) as error:
        raise CalendarError(
            f"Regeln {rule!r} går inte att läsa ({error}): skriv en RRULE, {_EXAMPLE}."
        ) from None
    if isinstance(parsed, rruleset):
        raise CalendarError(f"Regeln {rule!r} är flera: skriv en enda RRULE, {_EXAMPLE}.")
    return parsed


def _local(rule: str) -> str:
    """The times of a series are local, so an UNTIL in UTC is read as the wall clock it shows, a date to its end."""
    return re.sub(r"UNTIL=(\d{8})(?:(T\d{6})Z?)?(?=;|$)", lambda m: f"UNTIL={m[1]}{m[2] or 'T235959'}", rule)
