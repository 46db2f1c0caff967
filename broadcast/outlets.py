"""Where one broadcast goes out: of each platform the pushers, one for each of its ingests, and the steering."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from broadcast.events import Event, LinkLost, LinkUp, NotTaken
from broadcast.feed import Feed
from broadcast.ffmpeg import Ffmpeg
from broadcast.platforms import LivePlatform, Moment
from broadcast.pusher import Pusher
from broadcast.steering import Steering

STOP_SECONDS = 3.0  # for what the feed still holds; an ingest that hangs must not keep the recording waiting
LEAVE_SECONDS = 30.0  # for the rest of it, and for the platforms' last requests
AT_ONCE_SECONDS = 1.0  # the same where another process goes on with them


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Who is told. event: takes what a platform saw; link: makes an event of a pusher's news, at the present frame;
    frame: the present one."""

    event: Callable[[Event], None]
    link: Callable[..., None]
    frame: Callable[[], int]


class Outlets:
    """All platforms of one broadcast, fed from `feed`."""

    def __init__(
        self, ffmpeg: Ffmpeg, platforms: Sequence[LivePlatform], feed: Feed, listener: Listener
    ) -> None:
        self._listener = listener
        self._pushers = {
            p.key: [Pusher(ffmpeg, i, feed, partial(self._link, p.key, i.part)) for i in p.ingests]
            for p in platforms
        }
        self._steerings = [Steering(p, partial(self._moment, p.key), self._seen) for p in platforms]
        self._stopping: list[threading.Thread] = []
        self._starts: datetime | None = None
        self._opened = self._ended = False

    @property
    def status(self) -> dict[str, Any]:
        """Platform → its primary ingest's state, with a backup's under "backup", in plain values."""
        return {
            key: {**primary.status, **{pusher.ingest.part: pusher.status for pusher in others}}
            for key, (primary, *others) in self._pushers.items()
        }

    def start(self) -> None:
        """Begin to push and to steer, in the background."""
        for pusher in self._all_pushers():
            pusher.start()
        for steering in self._steerings:
            steering.start()

    def aim(self, *, starts: datetime, opened: bool) -> None:
        """When the meeting is planned to start, and whether the room is or has been on air."""
        self._starts, self._opened = starts, opened

    def stop(self) -> None:
        """Send what the ended feed still holds. Not waited for longer than STOP_SECONDS; `leave` waits for the rest."""
        self._stopping = [threading.Thread(target=pusher.stop, daemon=True) for pusher in self._all_pushers()]
        for thread in self._stopping:
            thread.start()
        _join(self._stopping, STOP_SECONDS)

    def leave(self, *, ended: bool) -> None:
        """Let go of the platforms; where the meeting has ended, so do its broadcasts there. A platform that does not
        answer is left after LEAVE_SECONDS, and somebody else must end the broadcast."""
        self._ended = ended
        until = time.monotonic() + (LEAVE_SECONDS if ended else AT_ONCE_SECONDS)
        _join(self._stopping, (until - time.monotonic()) / 2)
        seconds = until - time.monotonic()
        leaving = [threading.Thread(target=steering.leave, args=(seconds,)) for steering in self._steerings]
        for thread in leaving:
            thread.start()
        for thread in leaving:
            thread.join()

    def _all_pushers(self) -> list[Pusher]:
        return [pusher for pushers in self._pushers.values() for pusher in pushers]

    def _moment(self, platform: str) -> Moment:
        primary = self._pushers[platform][0]
        return Moment(
            now=datetime.now(UTC), frame=self._listener.frame(), starts=self._starts, opened=self._opened,
            sending=primary.up_for, refused=primary.refused, over=self._ended,
        )  # fmt: skip

    def _seen(self, event: Event) -> None:
        self._listener.event(event)
        if isinstance(event, NotTaken):
            for pusher in self._pushers[event.platform]:
                pusher.again()

    def _link(self, platform: str, part: str, kind: str, what: dict[str, Any]) -> None:
        self._listener.link(LinkUp if kind == "up" else LinkLost, platform=platform, part=part, **what)


def _join(threads: Sequence[threading.Thread], seconds: float) -> None:
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
