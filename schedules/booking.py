"""What a meeting in the calendar must be: known keys, a possible time, a free source, an audience that fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.errors import CalendarError
from schedules.models import Meeting
from schedules.settings import Settings, wrong_channels
from schedules.states import ON_AIR, Audience, MeetingState
from schedules.times import show_span
from schedules.wording import planned_wording
from uploader.metadata import MetadataError

LONGEST = timedelta(hours=24)
HOLDING_A_SOURCE = frozenset({MeetingState.PLANNED, *ON_AIR})


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """How a meeting is sent and kept: keys of the settings."""

    source: str
    platforms: tuple[str, ...]
    channel: str
    also: tuple[str, ...]
    audience: Audience


def wire(
    settings: Settings,
    body: str,
    *,
    source: str | None = None,
    platforms: Sequence[str] | None = None,
    channel: str | None = None,
    also: Sequence[str] | None = None,
    audience: Audience | None = None,
) -> Wiring:
    """The body's own way of being sent, but for what is given. Raises CalendarError where it does not hold together."""
    must_be_known("Organet", [body], settings.bodies)
    chosen = settings.bodies[body]
    audience = chosen.audience if audience is None else audience
    if also is None and audience is Audience.PUBLIC:
        also = chosen.also  # what only the staff may see never leaves the machine
    wiring = Wiring(
        source=settings.source_of(body) if source is None else source,
        platforms=tuple(chosen.platforms if platforms is None else platforms),
        channel=chosen.channel if channel is None else channel,
        also=tuple(also or ()),
        audience=audience,
    )
    check_wiring(settings, wiring)
    return wiring


def check_wiring(settings: Settings, wiring: Wiring) -> None:
    """Raises CalendarError at an unknown key, or a channel or platform for another audience than the meeting's."""
    must_be_known("Källan", [wiring.source], settings.sources)
    must_be_known("Plattformen", wiring.platforms, settings.platforms)
    must_be_known("Kanalen", [wiring.channel, *wiring.also], settings.channels)
    for fault in wrong_channels("", settings.channels, wiring.channel, wiring.also, wiring.audience):
        raise CalendarError(f"{fault[0].upper()}{fault[1:]}.")
    if wiring.audience is Audience.STAFF and settings.channels[wiring.channel].audience is not Audience.STAFF:
        raise CalendarError(
            f"Sammanträdet är bara för anställda men alla ser kanalen {wiring.channel}:"
            " välj en annan kanal eller målgrupp."
        )
    for key in wiring.platforms:
        if wiring.audience is Audience.STAFF and settings.platforms[key].kind != "local":
            raise CalendarError(
                f"Sammanträdet är bara för anställda, men {key} sänder från en annan plats: välj en annan plattform."
            )
        if settings.platforms[key].audience not in (None, wiring.audience):
            whom = "bara för anställda" if wiring.audience is Audience.STAFF else "för alla"
            raise CalendarError(
                f"Sammanträdet är {whom}, vilket plattformen {key} inte är: välj en annan plattform eller målgrupp."
            )


def check_title_elsewhere(
    settings: Settings, wiring: Wiring, *, body: str, title: str, start: datetime, agenda: Sequence[str]
) -> None:
    """Raises CalendarError where YouTube, if the meeting goes there, would refuse its title or description."""
    there = [settings.platforms[key].kind for key in wiring.platforms]
    there += [settings.channels[key].kind for key in wiring.also]
    if "youtube" not in there:
        return
    try:
        planned_wording(settings, body=body, title=title, start=start, agenda=agenda)
    except MetadataError as error:
        raise CalendarError(f"Sammanträdet ska till YouTube, men {error}.") from None


def must_be_known(kind: str, keys: Iterable[str], known: Mapping[str, object]) -> None:
    """Raises CalendarError at the first key that is not among the known."""
    for key in keys:
        if key not in known:
            there = ", ".join(sorted(known)) or "ännu inget"
            raise CalendarError(f"{kind} {key!r} finns inte i inställningarna; där finns {there}.")


def check_times(start: datetime, end: datetime, now: datetime) -> None:
    """Raises CalendarError at times no meeting can have, or whose end has passed."""
    if end <= start:
        raise CalendarError("Sammanträdet måste sluta efter att det börjar.")
    if end - start > LONGEST:
        raise CalendarError("Ett sammanträde kan vara högst 24 timmar; dela upp ett längre.")
    if end <= now:
        raise CalendarError("Sluttiden har redan passerat; ange en tid som kommer.")


def check_source_is_free(
    session: Session,
    settings: Settings,
    source: str,
    start: datetime,
    end: datetime,
    *,
    but: int | None = None,
) -> None:
    """Raises CalendarError where another meeting (than `but`) that is not cancelled has the source at that time."""
    query = select(Meeting).where(
        Meeting.source == source,
        Meeting.state.in_(HOLDING_A_SOURCE),
        Meeting.planned_start < end,
        Meeting.planned_end > start,
    )
    if but is not None:
        query = query.where(Meeting.id != but)
    other = session.scalars(query.order_by(Meeting.planned_start, Meeting.id)).first()
    if other is not None:
        raise CalendarError(
            f"Källan {source} är upptagen av sammanträde {other.id}, {other.title},"
            f" {show_span(other.planned_start, other.planned_end, settings.zone)}: välj en annan tid eller källa."
        )


def clean(text: str, what: str, longest: int) -> str:
    """`text` on one line without needless blanks. Raises CalendarError where it is empty or too long."""
    line = " ".join(text.split())
    if not line:
        raise CalendarError(f"{what} får inte vara tom.")
    if len(line) > longest:
        raise CalendarError(f"{what} får ha högst {longest} tecken; den här har {len(line)}.")
    return line
