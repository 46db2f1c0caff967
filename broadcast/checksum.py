"""SHA-256 of a file on a thread of its own: hashing holds no lock of Python's, so other work goes on beside it."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from broadcast.errors import MediaError

BLOCK = 256 << 10  # bytes: stays in the processor's cache


class Hashing:
    """The checksum of `path`, being computed. `done`: bytes read so far."""

    def __init__(self, path: Path) -> None:
        self.done = 0
        self._path = path
        self._hash = hashlib.sha256()
        self._stop = threading.Event()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="checksum", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; whether it is ready."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> str:
        """The checksum in hex, once it is ready. Raises OSError when the file could not be read."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._hash.hexdigest()

    def cancel(self) -> None:
        """Give up."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        block = bytearray(BLOCK)
        view = memoryview(block)
        try:
            with self._path.open("rb", buffering=0) as file:
                while not self._stop.is_set() and (count := file.readinto(block)):
                    self._hash.update(view[:count])
                    self.done += count
        except OSError as error:
            self._failure = error


def must_equal(found: str, expected: str) -> None:
    """Raises MediaError unless a recording's checksum is the one it ended with."""
    if found != expected:
        raise MediaError(
            "Inspelningen har ändrats sedan den gjordes (kontrollsumman är fel): "
            "återställ den från säkerhetskopian."
        )
