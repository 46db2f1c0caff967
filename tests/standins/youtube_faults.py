"""Faults on demand: what goes wrong, where, how many times, and before or after the request had its effect."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal

from tests.standins.youtube_clock import Clock
from tests.standins.youtube_errors import Refusal

Kind = Literal["error", "cut", "slow", "cut_body", "short_range", "lose_session"]
When = Literal["before", "after"]


class Cut(Exception):
    """The connection is closed without an answer."""


@dataclass
class Fault:
    """where: a method id ("youtube.videos.insert"), a step of an upload ("youtube.videos.insert#chunk", "#status",
    "#session"), a path ("/token") or a pattern of these ("youtube.live*").

    kind:
    - error: answers `status` and `reason`, before or after the effect (after: what was asked is done, the answer lost)
    - cut: closes the connection without an answer, before or after the effect
    - slow: waits `seconds` before it does anything
    - cut_body: takes `size` bytes of the request's body, then closes
    - short_range: keeps only `size` bytes of a chunk (rounded down to 262,144), and says so in its 308
    - lose_session: this upload's session is gone for ever: `status` 404 or 410
    """

    where: str
    kind: Kind
    when: When = "before"
    times: int = 1
    skip: int = 0  # so many requests pass first
    at: datetime | None = None  # not before the stand-in's clock says so
    status: int = 503
    reason: str = "backendError"
    message: str = ""
    size: int = 0
    seconds: float = 0.0
    retry_after: int | None = None


class Faults:
    """Those that wait and how many have struck."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.struck: list[Fault] = []
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(
        self, where: str, kind: Kind = "error", when: When = "before", *, times: int = 1, skip: int = 0,
        at: datetime | None = None, status: int = 503, reason: str = "backendError", message: str = "",
        size: int = 0, seconds: float = 0.0, retry_after: int | None = None,
    ) -> Fault:  # fmt: skip
        """One more, after those already there."""
        fault = Fault(
            where, kind, when, times=times, skip=skip, at=at, status=status, reason=reason, message=message, size=size,
            seconds=seconds, retry_after=retry_after,
        )  # fmt: skip
        with self._lock:
            self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    @property
    def waiting(self) -> int:
        """How many times something is still to go wrong."""
        with self._lock:
            return sum(fault.times for fault in self._waiting)

    def take(self, name: str) -> Fault | None:
        """The fault that strikes the request of this name now, if any."""
        with self._lock:
            for fault in self._waiting:
                if not fnmatchcase(name, fault.where) and not fnmatchcase(name.split("#")[0], fault.where):
                    continue
                if fault.at is not None and self._clock.now() < fault.at:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                self.struck.append(fault)
                return fault
        return None


def strike(take: Callable[[int], bytes], fault: Fault | None) -> Fault | None:
    """What goes wrong before the effect; the fault is given back where it is still to do its work.

    take: reads so many bytes of the request's body.
    """
    if fault is None:
        return None
    if fault.kind == "slow":
        time.sleep(fault.seconds)
        return None
    if fault.when == "before" and fault.kind in ("error", "cut"):
        strike_after(fault)
    if fault.kind == "cut_body":
        take(fault.size)
        raise Cut
    return fault


def strike_after(fault: Fault | None) -> None:
    """The effect is done: lose the answer."""
    if fault is None:
        return
    if fault.kind == "cut":
        raise Cut
    if fault.kind == "error":
        headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else {}
        raise Refusal(fault.status, fault.reason, fault.message, headers=headers)
