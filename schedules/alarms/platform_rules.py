"""Which events of a platform raise an alarm and which clear it. Pure."""

from __future__ import annotations

from broadcast.events import (
    BroadcastEnded,
    BroadcastHealth,
    LinkLost,
    LinkUp,
    NotTaken,
    PlatformEvent,
    PlatformTrouble,
    PlatformWell,
    Taken,
)
from schedules.alarms.changes import Change, Clear, Raise
from schedules.alarms.kinds import AlarmKind


def platform_changes(event: LinkLost | LinkUp | PlatformEvent, name: str) -> list[Change]:
    """The alarms to raise or clear because of `event`; name: the platform's, for people."""
    part = event.platform
    match event:
        case LinkLost():
            lost = Raise(kind=AlarmKind.LINK_LOST, part=_link(event), message=_lost(event, name))
            # What a person must mend is told even where passing trouble was told before.
            return [Clear(kind=AlarmKind.LINK_LOST, part=_link(event)), lost] if event.permanent else [lost]
        case LinkUp():
            return [Clear(kind=AlarmKind.LINK_LOST, part=_link(event))]
        case PlatformTrouble():
            return [
                Clear(kind=AlarmKind.PLATFORM_TROUBLE, part=part),  # it is another trouble than before
                Raise(kind=AlarmKind.PLATFORM_TROUBLE, part=part, message=event.reason),
            ]
        case PlatformWell():
            return [Clear(kind=AlarmKind.PLATFORM_TROUBLE, part=part)]
        case BroadcastHealth():
            # Told anew where another thing is wrong now than before.
            well = Clear(kind=AlarmKind.STREAM_HEALTH, part=part)
            ill = Raise(kind=AlarmKind.STREAM_HEALTH, part=part, message=event.fault)
            return [well, ill] if event.fault else [well]
        case NotTaken():
            message = (
                f"{name} har tagit emot sändningen i {event.seconds:.0f} sekunder utan att visa den: en ny anslutning "
                "görs nu; varar det, titta i YouTube Studio."
            )
            return [Raise(kind=AlarmKind.NOT_TAKEN, part=part, message=message)]
        case Taken():
            return [Clear(kind=AlarmKind.NOT_TAKEN, part=part)]
        case BroadcastEnded():
            what = "tagits bort" if event.state == "gone" else "avslutats"
            message = (
                f"Sändningen på {name} har {what} där medan sammanträdet pågår, och går inte att återuppta: hänvisa "
                "tittarna till webbplatsen; inspelningen fortsätter."
            )
            return [Raise(kind=AlarmKind.BROADCAST_ENDED, part=part, message=message)]
    return []


def _link(event: LinkLost | LinkUp) -> str:
    return event.platform if event.part == "primary" else f"{event.platform} {event.part}"


def _lost(event: LinkLost, name: str) -> str:
    if event.part == "backup":
        return (
            f"Reservmottagaren hos {name} tar inte emot sändningen ({event.reason}); den ordinarie berörs inte och nya "
            "försök görs hela tiden: kontrollera nätet om det varar."
        )
    if event.permanent:
        return (
            f"{name} nekar sändningen ({event.reason}): kontrollera inloggning och sändningsnyckel för {name}; ett "
            "nytt försök görs i minuten och inspelningen fortsätter."
        )
    return (
        f"{name} tar inte emot sändningen ({event.reason}); nya försök görs hela tiden och inspelningen fortsätter: "
        "kontrollera nätet om det varar."
    )
