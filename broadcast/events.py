"""What the on-air engine yields. Whoever runs it writes these down; the engine itself knows no database.

`at` is aware UTC; `frame` counts from the meeting's epoch at the program's rate (25 a second by default).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class OnAir(StrEnum):
    """What one frame of the program was."""

    SOURCE = "source"  # the camera
    HELD = "held"  # the camera's last frame, for a moment of trouble
    SLATE = "slate"  # a held picture with text
    LOST = "lost"  # never encoded: encoder or process was down
    SHED = "shed"  # dropped on purpose with its sound, since the encoder was too slow


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something was seen on air."""

    at: datetime
    frame: int


@dataclass(frozen=True, kw_only=True)
class ProgramChanged(Event):
    """From `frame` on the program is `on_air`; `slate` names the slate where there is one, else empty."""

    on_air: OnAir
    slate: str = ""


@dataclass(frozen=True, kw_only=True)
class SecondMeasured(Event):
    """One second of the program. loudness: momentary LUFS (max of the second); peak: dBFS."""

    loudness: float
    peak: float
    black: bool
    frozen: bool
    on_air: OnAir


@dataclass(frozen=True, kw_only=True)
class SourceLost(Event):
    """No picture has come from the source for a while; `reason` is what ffmpeg said, without secrets."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class SourceBack(Event):
    """The source gives picture again after `seconds` without."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class LinkLost(Event):
    """A pusher stopped or stalled; it is tried again unless `permanent`. part: "primary" or "backup" ingest."""

    platform: str
    reason: str
    permanent: bool = False
    part: str = "primary"


@dataclass(frozen=True, kw_only=True)
class LinkUp(Event):
    """The first bytes have been accepted by the platform, after `seconds` without (0 the first time)."""

    platform: str
    seconds: float
    part: str = "primary"


@dataclass(frozen=True, kw_only=True)
class PlatformEvent(Event):
    """Something was seen of, or on, a platform that keeps broadcasts of its own."""

    platform: str


@dataclass(frozen=True, kw_only=True)
class BroadcastSeen(PlatformEvent):
    """The meeting's broadcast there has this address (the platform's id) and this state, in the platform's own word.

    began: when it went live there, as the platform says; None: not yet, or not known.
    """

    address: str
    state: str
    began: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class BroadcastEnded(PlatformEvent):
    """The meeting is not over, and its broadcast there is: a person ended or deleted it, for good."""

    state: str


@dataclass(frozen=True, kw_only=True)
class BroadcastHealth(PlatformEvent):
    """How the stream arrives there, in the platform's own word; fault: a sentence where something must be done."""

    health: str
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class NotTaken(PlatformEvent):
    """We have been sending for `seconds` and are told that all is well, and the platform sees nothing of it."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Taken(PlatformEvent):
    """The platform sees our stream."""


@dataclass(frozen=True, kw_only=True)
class PlatformTrouble(PlatformEvent):
    """The platform cannot be steered, or only in part; the stream goes on. reason: a sentence with what to do."""

    reason: str
    permanent: bool = False


@dataclass(frozen=True, kw_only=True)
class PlatformWell(PlatformEvent):
    """The platform does what it is asked again."""


@dataclass(frozen=True, kw_only=True)
class ViewersCounted(PlatformEvent):
    """How many watch there now; None: the platform does not say, which is not nobody."""

    viewers: int | None


@dataclass(frozen=True, kw_only=True)
class EncoderRestarted(Event):
    """The encoder died or hung and a new one runs; `lost` frames were never encoded."""

    lost: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class EncoderSlow(Event):
    """The encoder cannot keep up: `shed` frames were dropped with their sound in the last second."""

    shed: int


@dataclass(frozen=True, kw_only=True)
class RecordingStopped(Event):
    """The recording cannot be written (disk full, folder gone); the live stream goes on."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class RecordingResumed(Event):
    """The recording is written again; `seconds` are missing from it."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Gap(Event):
    """`seconds` before `frame` are missing from the recording: the process was down."""

    seconds: float
