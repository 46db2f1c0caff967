"""Where a meeting is streamed live: one module per platform. `schedules.platforms` makes them for a meeting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from broadcast.events import Event
from broadcast.ffmpeg import Ffmpeg
from broadcast.process import Process


@dataclass(frozen=True, kw_only=True)
class Moment:
    """How things stand with a meeting on air, as a platform is told once a second."""

    now: datetime
    frame: int
    starts: datetime | None = None  # as planned; None: not known
    opened: bool = False  # the room is, or was, on air
    sending: float | None = None  # seconds since the primary ingest takes our stream; None: it does not
    refused: bool = False  # the primary ingest does not know our key
    over: bool = False  # everything has been sent and the meeting has ended


class Ingest(Protocol):
    """One place where a platform takes the stream; each is fed by a pusher of its own."""

    part: str  # "primary" or "backup"

    def prepare(self) -> None:
        """Make ready to be sent to. Raises BroadcastError when it is not, with what to do; NotReady while there is
        nowhere to send yet."""

    def begin(self, ffmpeg: Ffmpeg, *, input_fd: int, progress_fd: int) -> Process:
        """Start the process that carries the MPEG-TS of `input_fd` there. Both descriptors become the process's; it
        writes lines `out_time_us=…` on `progress_fd` while the stream is taken. Raises OSError where the machine
        cannot start it."""

    def ended(self, status: int) -> None:
        """The process ended by itself, or was killed, with this exit status. Raises a permanent BroadcastError where
        that means that the ingest does not let us in."""

    def retry_after(self, attempt: int) -> float:
        """Seconds to wait before the `attempt`th new try (from 1) after a lost link."""

    def finish(self) -> None:
        """Nothing more will be sent by this process. Taking it twice is harmless."""


class LivePlatform(Protocol):
    """A platform for one meeting. `key` is its name in the settings; the first of `ingests` is the primary one."""

    key: str

    @property
    def ingests(self) -> tuple[Ingest, ...]:
        """Where the stream is sent."""

    def steer(self, moment: Moment) -> Iterator[Event]:
        """Take one small step and yield what was seen; called once a second by one thread, and may take its time.
        Never raises."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to steer once the meeting is over."""
