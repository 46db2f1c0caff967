"""An event that signals set: how the processes of the house are told to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Collection

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def set_at_signals(event: threading.Event, numbers: Collection[signal.Signals] = STOP_SIGNALS) -> None:
    """Have the signals set `event`. To be called by the main thread, once a process.

    Not in the handler itself: Python runs that in the main thread between two steps of whatever it is at, and an event
    that is just being waited for there is locked; to set it would wait for ever. So a thread is told through a pipe
    (docs.python.org/3/library/signal.html, set_wakeup_fd).
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def listen() -> None:
        while not set(os.read(reading, 64)) & set(numbers):
            pass
        event.set()

    threading.Thread(target=listen, name="signals", daemon=True).start()
