"""Rules of recurrence in a clerk's words: "sista onsdagen", utom juli. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from schedules.errors import CalendarError

_DAYS = dict(zip(("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"),
                 ("MO", "TU", "WE", "TH", "FR", "SA", "SU"), strict=True))  # fmt: skip
_WHICH = {"första": "1", "andra": "2", "tredje": "3", "fjärde": "4", "sista": "-1"}
_MONTHS = ("januari", "februari", "mars", "april", "maj", "juni", "juli",
           "augusti", "september", "oktober", "november", "december")  # fmt: skip
_WORDS = re.compile(rf"(varje|varannan|{'|'.join(_WHICH)})\s+({'|'.join(_DAYS)})(en)?", re.IGNORECASE)


def rule_from_words(every: str, but: Collection[str] = ()) -> str:
    """The RRULE of "sista onsdagen", "varje måndag", "varannan torsdag", without the months in `but` (their names).

    Raises CalendarError.
    """
    found = _WORDS.fullmatch(every.strip())
    if found is None:
        raise CalendarError(
            f"{every!r} förstås inte: skriv t.ex. sista onsdagen, varje måndag eller varannan torsdag."
        )
    which, day = found[1].lower(), _DAYS[found[2].lower()]
    if which in _WHICH:
        rule = f"FREQ=MONTHLY;BYDAY={_WHICH[which]}{day}"
    else:
        rule = f"FREQ=WEEKLY;BYDAY={day}" if which == "varje" else f"FREQ=WEEKLY;INTERVAL=2;BYDAY={day}"
    left_out = {_month(name) for name in but}
    months = [str(month) for month in range(1, 13) if month not in left_out]
    if not months:
        raise CalendarError("Alla månader är undantagna; då blir det inga sammanträden.")
    return f"{rule};BYMONTH={','.join(months)}" if left_out else rule


def _month(name: str) -> int:
    if name.strip().lower() not in _MONTHS:
        raise CalendarError(f"{name!r} är ingen månad: skriv t.ex. juli.")
    return _MONTHS.index(name.strip().lower()) + 1
