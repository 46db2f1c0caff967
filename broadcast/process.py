"""One child process: start, last words, graceful stop. Mechanism only, no policy."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from broadcast.ffmpeg import QUIET, Ffmpeg, without_secrets


class Process:
    """A command in a session of its own, its standard error drained into its last lines.

    `pass_fds` are handed to the process and closed here, whatever comes of it. It dies when its pipes close, so it
    never outlives us. Raises OSError where the machine cannot start it.
    """

    def __init__(
        self, command: Sequence[str | Path], *, pass_fds: Sequence[int] = (), pipe_out: bool = False
    ) -> None:
        self._lines: deque[str] = deque(maxlen=20)
        try:
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe_out else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=pass_fds,
                start_new_session=True,
                bufsize=0,
            )
        finally:
            for fd in pass_fds:
                os.close(fd)
        threading.Thread(target=self._drain, name="stderr", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.popen.poll() is None

    @property
    def last_words(self) -> str:
        """The last lines it said, without addresses; empty when it said nothing."""
        return without_secrets(" / ".join(list(self._lines)[-2:]))

    def said(self, *phrases: str) -> bool:
        """Whether one of its last lines holds one of `phrases`."""
        return any(phrase in line for line in list(self._lines) for phrase in phrases)

    def stop(self, close: Callable[[], None] | None = None, *, patience: float = 15) -> int:
        """Close its pipes, wait `patience` seconds, then SIGINT, 5 s, SIGKILL. Returns its exit status."""
        if close is not None:
            close()
        for wait, name in ((patience, signal.SIGINT), (5.0, signal.SIGKILL), (5.0, None)):
            with suppress(subprocess.TimeoutExpired):
                return self.popen.wait(wait)
            if name is not None:
                self.popen.send_signal(name)
        return self.popen.wait()

    def kill(self) -> None:
        """End it at once."""
        self.popen.kill()
        self.popen.wait()

    def _drain(self) -> None:
        assert self.popen.stderr is not None  # noqa: S101 - opened above
        with self.popen.stderr as stream:
            for line in iter(stream.readline, b""):
                self._lines.append(line.decode(errors="replace").strip())


class Child(Process):
    """An ffmpeg."""

    def __init__(
        self, ffmpeg: Ffmpeg, args: Sequence[str], *, pass_fds: Sequence[int] = (), pipe_out: bool = False
    ) -> None:
        super().__init__([ffmpeg.path, *QUIET, "-nostats", *args], pass_fds=pass_fds, pipe_out=pipe_out)
