"""Starts the live process of a meeting and knows whether it lives. When to start one is the timetable's affair.

A live process is detached: a session of its own, no pipe to us, its words in `data/logs/live-<id>.log`. It outlives
the scheduler that started it, so the next scheduler must recognise it by its lock, its row and its process id.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from schedules.backoff import Backoff
from schedules.locks import is_held
from schedules.models import LiveProcess
from schedules.settings import Settings

LOCK_NAME = "live.lock"
TAKEN = 75  # exit code: another live process has the meeting (EX_TEMPFAIL of sysexits.h)
FRESH = timedelta(seconds=5)  # a younger heartbeat is a sign of life; it beats once a second
ELSEWHERE = timedelta(
    seconds=15
)  # the same for a process on another machine, whose lock and pid we cannot see

log = structlog.get_logger(__name__)


def live_command(meeting_id: int, settings_file: Path | None) -> list[str]:
    """The command that puts a meeting on air."""
    named = ["--settings", str(settings_file)] if settings_file is not None else []
    return [sys.executable, "-m", "schedules.live", str(meeting_id), *named]


@dataclass
class _Started:
    popen: subprocess.Popen[bytes]
    at: float  # monotonic


@dataclass
class _Patience:
    # A meeting is on air or it is not: the first restart comes at once, the later ones soon.
    backoff: Backoff = field(default_factory=lambda: Backoff(first=0.5, longest=15, healthy=30))
    not_before: float = 0.0


class Launcher:
    """The live processes on this machine. Not for several threads at once.

    command: meeting id → command line; a test gives its own. clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: Settings,
        command: Callable[[int], Sequence[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._command = command
        self._clock = clock
        self._children: dict[int, _Started] = {}
        self._patience: dict[int, _Patience] = {}
        self._host = socket.gethostname()

    def start(self, meeting_id: int) -> int | None:
        """Start the live process of a meeting. Returns its process id, or None when it died a moment ago too often
        and is left alone for some seconds. Raises OSError where the machine cannot start a process."""
        if self._clock() < self._patience.setdefault(meeting_id, _Patience()).not_before:
            return None
        folder = self._settings.data / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"live-{meeting_id}.log").open("ab") as words:
            popen = subprocess.Popen(
                list(self._command(meeting_id)),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,
            )
        self._children[meeting_id] = _Started(popen, self._clock())
        return popen.pid

    @property
    def children(self) -> dict[int, int]:
        """Meeting → process id of those started by us and not known to be dead."""
        return {meeting_id: child.popen.pid for meeting_id, child in self._children.items()}

    def reap(self) -> list[int]:
        """The meetings whose process, started by us, has died since the last call."""
        ended = [(id_, child) for id_, child in self._children.items() if child.popen.poll() is not None]
        for meeting_id, child in ended:
            del self._children[meeting_id]
            status, lived = child.popen.returncode, self._clock() - child.at
            wait = self._patience[meeting_id].backoff.died(lived)
            # The first death is answered at once; only a process that cannot live is slowed down.
            failures = self._patience[meeting_id].backoff.failures
            self._patience[meeting_id].not_before = self._clock() + (wait if failures > 1 else 0)
            say = log.info if status in (0, TAKEN) else log.warning
            say(
                "live process ended",
                meeting=meeting_id,
                pid=child.popen.pid,
                status=status,
                lived=round(lived, 1),
            )
        return [meeting_id for meeting_id, _ in ended]

    def running(self, meeting_ids: Iterable[int], rows: Iterable[LiveProcess], now: datetime) -> set[int]:
        """Those of `meeting_ids` whose live process lives."""
        self.reap()
        by_meeting = {row.meeting_id: row for row in rows}
        return {id_ for id_ in meeting_ids if self._lives(id_, by_meeting.get(id_), now)}

    def end(self, meeting_id: int, row: LiveProcess | None, how: signal.Signals) -> bool:
        """Signal a meeting's process: SIGTERM takes it off air in good order, SIGKILL ends one that hangs; either way
        the next one goes on with its recording. False: it is not known for sure which process it is."""
        if meeting_id in self._children:
            self._children[meeting_id].popen.send_signal(how)
            return True
        if row is None or row.host != self._host or not self._is_ours(meeting_id, row.pid):
            return False
        os.kill(row.pid, how)
        return True

    def _is_ours(self, meeting_id: int, pid: int) -> bool:
        # A process id may long have become another's: the command line must be the very one.
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        except OSError:
            return False
        return words[1:] == [word.encode() for word in self._command(meeting_id)][1:]

    def _lives(self, meeting_id: int, row: LiveProcess | None, now: datetime) -> bool:
        if meeting_id in self._children:
            return True
        if row is not None:
            age = now - row.heartbeat_at
            if row.host != self._host:
                return age < ELSEWHERE
            # The lock is asked last: to ask is to hold it for an instant, see is_held.
            if age < FRESH and is_running(row.pid):
                return True
        return is_held(self._settings.recording_folder(meeting_id) / LOCK_NAME)


def is_running(pid: int) -> bool:
    """Whether a process of this id is there and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # "123 (name that may hold ) and spaces) S …"
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
