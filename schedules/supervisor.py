"""Keeps the parts of the house running: web, scheduler and worker. Policy only; `child.Child` is the mechanism."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from schedules.backoff import Backoff
from schedules.child import Child

STEP_SECONDS = 0.1
HEARTBEAT_SECONDS = 30.0
FIRST_BEAT_SECONDS = 90.0
STOP_SECONDS = 10.0
TROUBLE = 3  # so many deaths in a row are a trouble that a person must know of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A process to be kept running. heartbeat: a file it touches; left alone for 30 s, the process is killed."""

    name: str
    command: tuple[str, ...]
    heartbeat: Path | None = None


@dataclass
class _Kept:
    part: Part
    backoff: Backoff = field(default_factory=Backoff)
    child: Child | None = None
    started: float = 0.0  # monotonic, as all times here
    start_at: float = 0.0
    beat: int = 0  # the heartbeat file's time, ns
    beat_seen: float = 0.0  # when it was seen to change
    in_trouble: bool = False


class Supervisor:
    """Starts parts and starts them again. All calls from one thread.

    on_line(part, line): takes their output. on_trouble(part, dying): a part keeps dying (True) or is well again.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        on_line: Callable[[str, str], None],
        on_trouble: Callable[[str, bool], None] = lambda _part, _dying: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept = [_Kept(part) for part in parts]
        self._on_line = on_line
        self._on_trouble = on_trouble
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Keep everything running until `stop` is set, then stop everything."""
        try:
            while not stop.is_set():
                self.step()
                stop.wait(STEP_SECONDS)
        finally:
            self.stop()

    def step(self) -> None:
        """Look at every part once: bury, kill what hangs, start what is due."""
        for kept in self._kept:
            if kept.child is None:
                if self._clock() >= kept.start_at:
                    self._start(kept)
            elif (status := kept.child.poll()) is not None:
                self._bury(kept, status)
            else:
                self._examine(kept)

    def pids(self) -> dict[str, int]:
        """The process id of every part that runs."""
        return {kept.part.name: kept.child.pid for kept in self._kept if kept.child is not None}

    def stop(self, within: float = STOP_SECONDS) -> None:
        """Ask all to stop, and end after `within` seconds what has not."""
        until = self._clock() + within
        children = [kept.child for kept in self._kept if kept.child is not None]
        for child in children:
            child.terminate()
        for child in children:
            if child.wait(max(0.0, until - self._clock())) is None:
                log.warning("part did not stop and was killed", pid=child.pid)
                child.kill()
                child.wait(1)
        for kept in self._kept:
            kept.child = None

    def _start(self, kept: _Kept) -> None:
        env = {**os.environ, "LAKTARE_LOG": "json", "PYTHONUNBUFFERED": "1"}
        name = kept.part.name
        try:
            kept.child = Child(kept.part.command, env, lambda line: self._on_line(name, line))
        except OSError as error:
            wait = kept.backoff.died(0)
            kept.start_at = self._clock() + wait
            log.error("part cannot be started", part=name, error=os.strerror(error.errno or 0), again_in=wait)
            return
        kept.started = self._clock()
        log.info("part started", part=name, pid=kept.child.pid)

    def _bury(self, kept: _Kept, status: int) -> None:
        lived = self._clock() - kept.started
        wait = kept.backoff.died(lived)
        kept.child = None
        kept.start_at = self._clock() + wait
        log.error("part died", part=kept.part.name, status=status, lived=round(lived, 1), again_in=wait)
        if kept.backoff.failures >= TROUBLE and not kept.in_trouble:
            kept.in_trouble = True
            self._on_trouble(kept.part.name, True)

    def _examine(self, kept: _Kept) -> None:
        assert kept.child is not None  # noqa: S101 - step has looked
        if kept.in_trouble and self._clock() - kept.started >= kept.backoff.healthy:
            kept.in_trouble = False
            self._on_trouble(kept.part.name, False)
        if kept.part.heartbeat is None:
            return
        try:
            beat = kept.part.heartbeat.stat().st_mtime_ns
        except OSError:
            beat = 0
        # Counted by our own clock since the file last changed: setting the machine's clock is no hang.
        if beat != kept.beat:
            kept.beat, kept.beat_seen = beat, self._clock()
        silence = self._clock() - max(kept.beat_seen, kept.started)
        # Until its first beat it gets longer: a loaded machine takes its time to start a process.
        limit = HEARTBEAT_SECONDS if kept.beat_seen > kept.started else FIRST_BEAT_SECONDS
        if silence > limit:
            log.error("part hangs", part=kept.part.name, pid=kept.child.pid, silence=round(silence))
            kept.child.kill()
