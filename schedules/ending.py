"""When a meeting ends by itself: the end follows the meeting, not the plan. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from schedules.settings import Live
from schedules.states import Phase


def reason_to_end(
    *, planned_end: datetime, now: datetime, phase: Phase, last_speech: datetime, live: Live
) -> str | None:
    """Why the meeting should end now, "silence" or "limit"; None while it should go on.

    Before the planned end nothing ends it but a hand: a long vote may be silent. After it the meeting goes on while
    people speak; an adjournment or closed session is no silence, and only the limit ends what was forgotten.
    last_speech: when the room was last heard, or when the source came on air.
    """
    if now < planned_end:
        return None
    if now >= planned_end + timedelta(minutes=live.extend_limit_minutes):
        return "limit"
    if phase is Phase.OPEN and now - last_speech >= timedelta(minutes=live.silence_ends_minutes):
        return "silence"
    return None
