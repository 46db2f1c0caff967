"""A process that is told to stop does so, whatever it is at."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# The signal comes at the worst of moments: while the event is locked by the very thread that runs the handlers.
PROGRAM = """
import os, signal, sys, threading, time
from schedules.stopping import set_at_signals
stop = threading.Event()
set_at_signals(stop)
with stop._cond:
    os.kill(os.getpid(), signal.{name})
    time.sleep(0.05)
sys.exit(7 if stop.wait(10) else 1)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_waiting_stops_it(number: signal.Signals) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(name=number.name)], timeout=20, check=False)
    assert done.returncode == 7


def test_other_signals_do_not() -> None:
    program = """
import os, signal, sys, threading
from schedules.stopping import set_at_signals
stop = threading.Event()
set_at_signals(stop)
signal.signal(signal.SIGUSR1, lambda *_: None)
os.kill(os.getpid(), signal.SIGUSR1)
sys.exit(1 if stop.wait(0.2) else 7)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=20, check=False).returncode == 7
