"""Makes, edits and takes away one broadcast on YouTube. Every step can be taken twice, and the process may be killed
between any two of them: a broadcast is looked for by its marker before it is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from broadcast.platforms.youtube.calls import Calls
from broadcast.platforms.youtube.plan import EDITABLE, LIVE, OVER, BroadcastPlan, Seen
from broadcast.platforms.youtube.reasons import Do, PlatformError

REMOVED = "removed"  # reason: a broadcast that was there is there no longer, nor another with its marker
PRIVACY = "privacyDiffers"  # reason: all is done, and YouTube shows it to others than it should
_SHOWN = {"public": "offentlig", "unlisted": "olistad", "private": "privat"}


def ready_stream(calls: Calls, title: str) -> str:
    """The id of the persistent stream of that title, made where there is none."""
    return calls.stream_titled(title) or calls.insert_stream(title)


def announce(calls: Calls, plan: BroadcastPlan, address: str, now: datetime, *, edit: bool) -> Iterator[Seen]:
    """See to it that there is exactly one broadcast as planned, bound to its stream; gives it after each step, so that
    its id can be written down at once.

    address: its id where it is known, else "". edit: tell it what the plan says, should it be there already. Not for
    two processes at once: both would find none. Raises PlatformError; with the reason REMOVED where the known one is
    not there, which may be a list that lags behind: it is never made again by itself.
    """
    stream = ready_stream(calls, plan.stream)
    seen = calls.broadcast(address) if address else None
    if seen is None:
        seen = calls.find(plan.marker)
    if seen is None and address:
        raise PlatformError(
            "Sändningen har tagits bort på YouTube: ta bort plattformen ur sammanträdet och lägg till den igen om den "
            "ska göras om.",
            Do.GONE,
            REMOVED,
        )
    if seen is None:
        seen = calls.insert(plan, now)
    elif edit and seen.life not in OVER:
        yield seen
        seen = calls.update(seen, plan, now)
    yield seen
    if seen.life in EDITABLE and seen.stream != stream:
        seen = calls.bind(seen.id, stream)
        yield seen
    if seen.privacy != plan.privacy and seen.life not in OVER:
        raise PlatformError(
            f"YouTube visar sändningen som {_SHOWN.get(seen.privacy, seen.privacy)} i stället för "
            f"{_SHOWN[plan.privacy]}: ändra synligheten i YouTube Studio, eller privacy i inställningarna.",
            Do.MISTAKE,
            PRIVACY,
        )


def take_away(calls: Calls, marker: str, address: str) -> str:
    """Delete the broadcast, or end it where it is live: "deleted", "complete", or "gone" where there is none.

    Raises PlatformError; with Do.REREAD where its state allows neither just now.
    """
    seen = (calls.broadcast(address) if address else None) or calls.find(marker)
    if seen is None:
        return "gone"
    if seen.life in OVER:
        return "complete"
    if seen.life in LIVE:
        return complete(calls, seen.id)
    try:
        calls.delete(seen.id)
    except PlatformError as error:
        if error.do is Do.GONE:
            return "gone"
        if error.do is Do.REREAD:  # it is being tested: neither the one nor the other is sure to be allowed
            return complete(calls, seen.id)
        raise
    return "deleted"


def complete(calls: Calls, address: str) -> str:
    """End a live broadcast, for ever. Raises PlatformError."""
    try:
        return calls.transition(address, "complete")
    except PlatformError as error:
        if error.do in (Do.REREAD, Do.GONE) and (life := calls.life(address)) in (*OVER, None):
            return life or "gone"
        raise
