"""YouTube Live: a broadcast of the meeting's own, a persistent stream key, and a director who walks it to its end."""

from __future__ import annotations

from collections.abc import Iterator

from broadcast.events import Event
from broadcast.platforms import Ingest, Moment
from broadcast.platforms.youtube.director import Connect, Director, Settled, Turn
from broadcast.platforms.youtube.ingest import YouTubeIngest


class YouTubePlatform:
    """A meeting on YouTube.

    connect: gives the two clients, tried until it does; settled: what is planned and known, asked anew when it is
    needed; turn: taken while a broadcast may be made. backup: send to the second ingest as well. lead: seconds before
    the start at which it goes live. ca_file: PEM of whom to trust at the ingest.
    """

    def __init__(
        self,
        key: str,
        *,
        connect: Connect,
        settled: Settled,
        turn: Turn,
        ca_file: str,
        backup: bool = False,
        lead: float = 120,
    ) -> None:
        self.key = key
        parts = ("primary", "backup") if backup else ("primary",)
        self._ingests = tuple(YouTubeIngest(part, ca_file) for part in parts)
        self._director = Director(key, connect, settled, turn, self._ingests, lead=lead)

    @property
    def ingests(self) -> tuple[Ingest, ...]:
        """The primary one, and the backup where it is wanted."""
        return self._ingests

    def steer(self, moment: Moment) -> Iterator[Event]:
        """One step of the director."""
        return self._director.step(moment)

    @property
    def finished(self) -> bool:
        """Whether the broadcast has ended, or there is none to end."""
        return self._director.finished
