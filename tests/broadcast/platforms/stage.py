"""One meeting on YouTube, steered against the stand-in by a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from broadcast.events import BroadcastSeen, Event
from broadcast.platforms import Moment
from broadcast.platforms.youtube import YouTubePlatform
from broadcast.platforms.youtube.director import Clients, Known
from broadcast.platforms.youtube.plan import BroadcastPlan
from tests.standins.youtube import YouTube
from tests.standins.youtube_live import Broadcast

MARKER = "Läktare-ref: 0123456789abcdef"


class Stage:
    """One meeting that starts in ten minutes, its platform, and what was seen. Packets flow where `sending` says so."""

    def __init__(self, youtube: YouTube, connect: Callable[[], Clients], **plan: Any) -> None:
        self.youtube, self.connect = youtube, connect
        self.starts = (youtube.now() + timedelta(minutes=10)).replace(microsecond=0)
        given: dict[str, Any] = {
            "marker": MARKER, "title": "Kommunfullmäktige 24 november 2026", "description": f"Välkomna\n\n{MARKER}",
            "starts": self.starts, "privacy": "public", "monitor": False, "stream": "Läktare kamera",
        }  # fmt: skip
        self.plan = BroadcastPlan(**{**given, **plan})
        self.address = ""  # as the database would know it
        self.seen: list[Event] = []
        self.sending_since: datetime | None = None
        self.opened = self.over = self.refused = False
        self.turns = [True]  # the answers to whether it is our turn; the last one stays
        self.restart()

    def restart(self, *, forgetting: bool = False) -> None:
        """A new process; forgetting: the old one died before the address was written down."""
        self.address = "" if forgetting else self.address
        self.platform = YouTubePlatform(
            "youtube", connect=lambda: self.connect(), settled=lambda: Known(self.plan, self.address), turn=self.turn,
            ca_file=str(self.youtube.ca_file), lead=120,
        )  # fmt: skip

    @contextmanager
    def turn(self) -> Iterator[bool]:
        yield self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]

    def send(self, *, flowing: bool = True) -> None:
        """The encoder is connected, and its packets arrive or, behind a green light, do not."""
        self.sending_since = self.youtube.now()
        if flowing:
            self.youtube.packets(self.key, flowing=True)

    def cut(self) -> None:
        """The encoder's link is lost."""
        self.sending_since = None
        self.youtube.packets(self.key, flowing=False)

    @property
    def key(self) -> str:
        (stream,) = self.youtube.streams.values()
        return stream.key

    @property
    def broadcast(self) -> Broadcast:
        """The one broadcast: a second one would be the fault that may never happen."""
        (broadcast,) = self.youtube.broadcasts.values()
        return broadcast

    def step(self) -> list[Event]:
        """One step now."""
        now = self.youtube.now()
        sending = None if self.sending_since is None else (now - self.sending_since).total_seconds()
        moment = Moment(
            now=now, frame=0, starts=self.starts, opened=self.opened, sending=sending, refused=self.refused,
            over=self.over,
        )  # fmt: skip
        seen = list(self.platform.steer(moment))
        for event in seen:
            if isinstance(event, BroadcastSeen):
                self.address = event.address
        self.seen += seen
        return seen

    def run(self, seconds: float, *, every: float = 1) -> list[Event]:
        """So many seconds pass; what was seen in them."""
        seen: list[Event] = []
        for _ in range(int(seconds / every)):
            seen += self.step()
            self.youtube.advance(every)
        return seen

    def until(self, life: str, seconds: float = 60) -> None:
        """Go on until the broadcast has come so far."""
        for _ in range(int(seconds)):
            if self.life == life:
                return
            self.step()
            self.youtube.advance(1)
        raise AssertionError(f"{self.life} instead of {life}: {self.seen[-5:]}")

    @property
    def life(self) -> str | None:
        """The state as told last."""
        told = [e.state for e in self.seen if isinstance(e, BroadcastSeen)]
        return told[-1] if told else None

    def go_live(self) -> None:
        """Sending, opened and live."""
        self.until("ready")
        self.send()
        self.opened = True
        self.until("live")

    def of(self, kind: type[Event]) -> list[Any]:
        """What was seen of one kind."""
        return [event for event in self.seen if isinstance(event, kind)]
