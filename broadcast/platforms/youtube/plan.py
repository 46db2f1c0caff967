"""What a broadcast on YouTube is to be, and what it is seen to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Privacy = Literal["public", "unlisted", "private"]

# https://developers.google.com/youtube/v3/live/docs/liveBroadcasts#status.lifeCycleStatus
EDITABLE = frozenset({"created", "ready"})
STARTING = frozenset({"testStarting", "liveStarting"})
LIVE = frozenset({"liveStarting", "live"})
OVER = frozenset({"complete", "revoked"})


@dataclass(frozen=True, kw_only=True)
class BroadcastPlan:
    """marker: the last line of the description, by which the broadcast is found again; starts: aware; monitor: whether
    it has a monitored test before it goes live; stream: the title of the persistent stream (the key) it is sent by."""

    marker: str
    title: str
    description: str  # its last line is the marker
    starts: datetime
    privacy: Privacy
    monitor: bool
    stream: str


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A broadcast as YouTube tells of it. life: its lifeCycleStatus; stream: the id of the bound one or "".

    began: when it went live; None: it has not.
    """

    id: str
    life: str
    privacy: str
    description: str
    starts: datetime
    monitored: bool
    stream: str
    began: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a stream is sent: "rtmps://host[:port]/app", and the key, which nobody may see."""

    url: str
    key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The two ingests of a stream."""

    primary: Address
    backup: Address


@dataclass(frozen=True, kw_only=True)
class StreamState:
    """How a stream arrives: streamStatus, healthStatus.status, and the types of the issues of severity "error"."""

    status: str
    health: str
    issues: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        """Whether YouTube sees it: the only state in which a broadcast may go on."""
        return self.status == "active"
