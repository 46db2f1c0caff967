"""Series: a rule on wall-clock time that makes meetings, each once. A meeting that a person has changed is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.booking import LONGEST, Wiring, clean, wire
from schedules.errors import CalendarError
from schedules.models import Meeting, Series
from schedules.queries import add_meeting
from schedules.recurrence import checked_rule, slots
from schedules.settings import Settings
from schedules.states import Audience
from schedules.times import to_instant
from schedules.transitions import audit

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a series did to the calendar. `refused`: a Swedish sentence for each slot that could not be had."""

    made: tuple[Meeting, ...] = ()
    moved: tuple[Meeting, ...] = ()
    cancelled: tuple[Meeting, ...] = ()
    refused: tuple[str, ...] = ()


def add_series(
    session: Session,
    settings: Settings,
    *,
    body: str,
    title: str,
    rule: str,
    first: datetime,
    minutes: int | None = None,
    source: str | None = None,
    platforms: Sequence[str] | None = None,
    channel: str | None = None,
    also: Sequence[str] | None = None,
    audience: Audience | None = None,
    now: datetime,
    who: str,
) -> Series:
    """A new series, without meetings yet (materialise makes them).

    first: naive wall clock, the earliest possible start. What is not given is as the body's settings say when a
    meeting is made. Raises CalendarError.
    """
    wire(settings, body, source=source, platforms=platforms, channel=channel, also=also, audience=audience)
    given = {
        "source": source,
        "platforms": None if platforms is None else list(platforms),
        "channel": channel,
        "also": None if also is None else list(also),
        "audience": audience,
    }
    series = Series(
        body=body,
        title=clean(title, "Rubriken", 200),
        rule=checked_rule(rule, first),
        first=slot_key(first),
        minutes=checked_length(settings.bodies[body].minutes if minutes is None else minutes),
        defaults={name: value for name, value in given.items() if value is not None},
    )
    session.add(series)
    session.flush()
    audit(session, who, "series.added", f"series {series.id}", now, rule=series.rule, first=series.first)
    return series


def materialise(
    session: Session, settings: Settings, until: datetime, now: datetime, who: str
) -> list[Meeting]:
    """Make the meetings of all series up to `until` that have not been made, and return them.

    Taking it twice changes nothing; a meeting that was moved or cancelled is not made again. A slot that cannot be had
    (source taken, a time that does not exist) is logged and tried again the next time.
    """
    made: list[Meeting] = []
    for series in list_series(session):
        outcome = materialise_series(session, settings, series, until, now, who)
        made += outcome.made
        for sentence in outcome.refused:
            log.warning("meeting of a series not made", series=series.id, reason=sentence)
    return made


def materialise_series(
    session: Session, settings: Settings, series: Series, until: datetime, now: datetime, who: str
) -> Outcome:
    """The same for one series, with what was refused."""
    taken = set(session.scalars(select(Meeting.series_start).where(Meeting.series_id == series.id)))
    made, refused = [], []
    for slot in slots_of(settings, series, now - timedelta(minutes=series.minutes), until):
        if slot_key(slot) in taken:
            continue
        try:
            start = to_instant(slot, settings.zone)
            if start + timedelta(minutes=series.minutes) > now:
                made.append(_make(session, settings, series, slot, start, now, who))
        except CalendarError as error:
            refused.append(f"{slot:%Y-%m-%d %H:%M}: {error}")
    return Outcome(made=tuple(made), refused=tuple(refused))


def get_series(session: Session, series_id: int) -> Series:
    """The series of that number. Raises CalendarError where there is none."""
    series = session.get(Series, series_id)
    if series is None:
        raise CalendarError(f"Serie {series_id} finns inte. Numren visas av `laktare series list`.")
    return series


def list_series(session: Session) -> list[Series]:
    """All series, oldest first."""
    return list(session.scalars(select(Series).order_by(Series.id)))


def _make(
    session: Session,
    settings: Settings,
    series: Series,
    slot: datetime,
    start: datetime,
    now: datetime,
    who: str,
) -> Meeting:
    wiring = wiring_of_series(settings, series)
    return add_meeting(
        session,
        settings,
        body=series.body,
        title=series.title,
        start=start,
        end=start + timedelta(minutes=series.minutes),
        source=wiring.source,
        platforms=wiring.platforms,
        channel=wiring.channel,
        also=wiring.also,
        audience=wiring.audience,
        now=now,
        who=who,
        series_id=series.id,
        series_start=slot_key(slot),
    )


def wiring_of_series(settings: Settings, series: Series) -> Wiring:
    """How the meetings of the series are sent and kept. Raises CalendarError where that no longer holds together."""
    audience = series.defaults.get("audience")
    given = {name: series.defaults.get(name) for name in ("source", "platforms", "channel", "also")}
    return wire(settings, series.body, audience=None if audience is None else Audience(audience), **given)


def slots_of(settings: Settings, series: Series, since: datetime, until: datetime) -> list[datetime]:
    """The naive wall-clock starts of the series between two instants, both included."""
    local = (instant.astimezone(settings.zone).replace(tzinfo=None, fold=0) for instant in (since, until))
    return slots(series.rule, datetime.fromisoformat(series.first), *local)


def slot_key(wall_clock: datetime) -> str:
    """How a slot is written in `Meeting.series_start`."""
    return wall_clock.isoformat(timespec="minutes")


def checked_length(minutes: int) -> int:
    """`minutes`. Raises CalendarError where no meeting is that long."""
    if not 1 <= minutes <= LONGEST.total_seconds() // 60:
        raise CalendarError(f"Ett sammanträde kan vara 1 till 1440 minuter, inte {minutes}.")
    return minutes
