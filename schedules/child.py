"""One child process of the supervisor: start, its lines, stop. Mechanism only, no policy (after honcho)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress


class Child:
    """A command in a session of its own, which ends when we do. Start it from a thread that lives as long as it:
    Linux tells it of the death of that thread.

    on_line: takes every line of its output, from a thread.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], on_line: Callable[[str], None]
    ) -> None:
        tethered = [sys.executable, "-m", "schedules.tether", str(os.getpid()), *command]
        self._popen = subprocess.Popen(
            tethered,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(on_line,), name="child-lines", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id, and that of its group."""
        return self._popen.pid

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs. What it leaves behind in its group is ended: a
        page server's orphan would keep the port."""
        if self._popen.returncode is None and self._has_exited():
            # Before it is reaped: afterwards the number may be another's.
            self.kill()
        status = self._popen.poll()
        if status is not None:
            self._reader.join(1)
        return status

    def terminate(self) -> None:
        """Ask it to stop."""
        if self._popen.poll() is None:
            self._popen.terminate()

    def kill(self) -> None:
        """End it and its group at once. A live process is in a group of its own and goes on."""
        if self._popen.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> int | None:
        """Its exit status, after at most `seconds`; None when it still runs."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        return self._popen.returncode

    def _has_exited(self) -> bool:
        with suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
        return True

    def _read(self, on_line: Callable[[str], None]) -> None:
        assert self._popen.stdout is not None  # noqa: S101 - opened above
        with self._popen.stdout as lines:
            for line in lines:
                on_line(line.decode(errors="replace").rstrip("\n"))
