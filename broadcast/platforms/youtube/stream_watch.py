"""What YouTube sees of the stream it is sent: nothing (behind a green light), or how well it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from broadcast.events import BroadcastHealth, Event, NotTaken, Taken
from broadcast.platforms import Moment
from broadcast.platforms.youtube.calls import Calls
from broadcast.platforms.youtube.health import fault_of

HEALTH_SECONDS = 15.0  # between two looks
UNSEEN_SECONDS = 5.0  # between two looks at a stream that is sent and not seen
TAKEN_SECONDS, LONGEST_TAKEN_SECONDS = 30.0, 300.0  # of sending, until YouTube must see it
_EVER = datetime.min.replace(tzinfo=UTC)


class StreamWatch:
    """Looks when it is due. active: whether YouTube saw the stream at the last look; None: not known."""

    def __init__(self, platform: str) -> None:
        self._platform = platform
        self._due = _EVER
        self._healthy: tuple[str, str] | None = None  # as told
        self._seen: tuple[str, str] | None = None  # at the last look
        self._taken_within = TAKEN_SECONDS
        self.active: bool | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to look."""
        return now >= self._due

    def hasten(self) -> None:
        """Look at the next opportunity."""
        self._due = _EVER

    def forget(self) -> None:
        """What was seen does not hold any more: look at the next opportunity."""
        self.active, self._due = None, _EVER

    def look(
        self, calls: Calls, stream: str, moment: Moment, *, on_air: bool, thrift: float
    ) -> Iterator[Event]:
        """One request, and what it shows. on_air: whether a missing stream is a fault; thrift: how much more seldom
        than usual to look. Raises PlatformError."""
        at, frame, platform = moment.now, moment.frame, self._platform
        state = calls.stream_state(stream)
        sending = moment.sending or 0.0
        if state.active and self.active is not True:
            yield Taken(at=at, frame=frame, platform=platform)
            self._taken_within = TAKEN_SECONDS
        elif not state.active and sending >= self._taken_within:
            yield NotTaken(at=at, frame=frame, platform=platform, seconds=sending)
            self._taken_within = min(2 * self._taken_within, LONGEST_TAKEN_SECONDS)
        self.active = state.active
        healthy, before = (state.health, fault_of(state)), self._seen
        self._seen = healthy
        # A fault is told at once, but is over, or another one, when it has been seen so twice: else a poor line would
        # have a person told every quarter of a minute. So is a stream that is missing, as just after a restart.
        certain = healthy == before or (state.active and (self._healthy is None or not self._healthy[1]))
        if (state.active or on_air) and healthy != self._healthy and certain:
            self._healthy = healthy
            yield BroadcastHealth(at=at, frame=frame, platform=platform, health=healthy[0], fault=healthy[1])
        # Soon, where each second counts; not all evening, where it is YouTube that is ill.
        soon = not state.active and moment.sending is not None and self._taken_within == TAKEN_SECONDS
        self._due = at + timedelta(seconds=UNSEEN_SECONDS if soon else HEALTH_SECONDS * thrift)
