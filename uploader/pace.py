"""How fast, and when, bytes may leave the machine: a file that hands itself out no faster than it may."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

ASK_SECONDS = 1.0  # may_send may look in the database: so often, not at every block
_STEPS = 10  # blocks a second at the least, so that a limit is a flow and not a row of bursts
_CATCH_UP = 0.25  # s; what a late wake-up lost may be made good, a long pause may not


def _always() -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Pace:
    """`bytes_per_second`: None is as fast as it goes. `may_send`: False stops a transfer in the middle."""

    bytes_per_second: float | None = None
    may_send: Callable[[], bool] = _always


class Paused(Exception):
    """The pace does not let anything be sent now. Not an OSError: no transport may take it for a lost connection."""


class PacedReader:
    """The part of a binary file that an HTTP client reads. `read` waits for its turn, and raises Paused."""

    def __init__(self, file: BinaryIO, pace: Pace) -> None:
        self._file = file
        self._pace = pace
        self._asked = float("-inf")
        self._due = time.monotonic()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, fewer where the limit is low; empty at the end."""
        self.ask()
        rate = self._pace.bytes_per_second
        if rate is None:
            return self._file.read(size)
        most = max(1, int(rate / _STEPS))
        data = self._file.read(most if size < 0 else min(size, most))
        now = time.monotonic()
        if self._due > now:
            time.sleep(self._due - now)
        self._due = max(self._due, now - _CATCH_UP) + len(data) / rate
        return data

    def ask(self) -> None:
        """Raises Paused."""
        now = time.monotonic()
        if now - self._asked >= ASK_SECONDS:
            if not self._pace.may_send():
                raise Paused
            self._asked = now
