"""What is to happen to a meeting's alarms."""

from __future__ import annotations

from dataclasses import dataclass

from schedules.alarms.kinds import AlarmKind


@dataclass(frozen=True, kw_only=True)
class Raise:
    """An alarm is to be opened. part: the platform's key where it is about one (and "backup"), else empty."""

    kind: AlarmKind
    message: str
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class Clear:
    """An alarm is to be closed; harmless where none is open."""

    kind: AlarmKind
    part: str = ""


Change = Raise | Clear
