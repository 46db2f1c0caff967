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
    if not _COUNTED.search(rule) or _TIMED.search(rule) or len(rule) > 500:
        raise CalendarError(
            f"Regeln {text!r} duger inte: skriv en RRULE per dag, vecka, månad eller år utan klockslag, {_EXAMPLE}."
        )
    _parsed(rule, first)
    return rule


def slots(rule: str, first: datetime, since: datetime, until: datetime) -> list[datetime]:
    """The naive wall-clock starts of a checked rule from `since` to `until`, both included, all naive."""
    parsed = _parsed(rule, first)
    # Bounded, since a rule that never comes true (30 February) would be searched for until the year 9999.
    last = min(filter(None, (parsed._until, until)))
    bounded = parsed if parsed._count is not None else parsed.replace(until=last)
    return list(bounded.between(since, until, inc=True))


def ended(rule: str, last: date) -> str:
    """The rule with `last` as the last day on which it can come true."""
    kept = [part for part in rule.split(";") if not part.startswith(("UNTIL=", "COUNT="))]
    return ";".join([*kept, f"UNTIL={last:%Y%m%d}T235959"])


def _parsed(rule: str, first: datetime) -> rrule:
    # The clock times of a series are local, so an UNTIL in UTC is read as the local time it shows.
    local = re.sub(r"(UNTIL=\d{8}(T\d{6})?)Z", r"\1", rule)
    local = re.sub(r"(UNTIL=\d{8})(?=;|$)", r"\1T235959", local)
    try:
        parsed = rrulestr(local, dtstart=first)
    except (ValueError, TypeError, KeyError) as error:
        raise CalendarError(
            f"Regeln {rule!r} går inte att läsa ({error}): skriv en RRULE, {_EXAMPLE}."
        ) from None
    if isinstance(parsed, rruleset):
        raise CalendarError(f"Regeln {rule!r} är flera: skriv en enda RRULE, {_EXAMPLE}.")
    return parsed
