"""Lets a platform take its steps, one a second, in a thread of its own: a slow one never holds up the program."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from broadcast.events import Event
from broadcast.platforms import LivePlatform, Moment

STEP_SECONDS = 1.0


class Steering:
    """Steers one platform from `start` to `leave`. moment: how things stand now; tell: takes what was seen."""

    def __init__(
        self, platform: LivePlatform, moment: Callable[[], Moment], tell: Callable[[Event], None]
    ) -> None:
        self._platform, self._moment, self._tell = platform, moment, tell
        self._until: float | None = None
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"steering-{platform.key}", daemon=True)

    def start(self) -> None:
        """Begin to take steps."""
        self._thread.start()

    def leave(self, seconds: float) -> None:
        """Go on until nothing is left to steer, at most for so long: the answer to a last request may be awaited."""
        self._until = time.monotonic() + seconds
        self._leaving.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._leaving.is_set() or self._goes_on():
            for event in self._platform.steer(self._moment()):
                self._tell(event)
            if self._leaving.is_set():
                time.sleep(STEP_SECONDS / 4 if self._goes_on() else 0)
            else:
                self._leaving.wait(STEP_SECONDS)

    def _goes_on(self) -> bool:
        over = self._moment().over
        return over and not self._platform.finished and time.monotonic() < (self._until or 0)
