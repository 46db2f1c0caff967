"""Carries the encoder's stream to one ingest: a process that may be killed at will, started again with patience."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from broadcast.errors import BroadcastError, NotReady
from broadcast.feed import Feed, Subscription
from broadcast.ffmpeg import Ffmpeg
from broadcast.pipes import write_all
from broadcast.platforms import Ingest
from broadcast.process import Process

STALL_SECONDS = 4.0
FIRST_BYTE_SECONDS = 10.0
UNREADY_SECONDS = 0.5  # between two looks whether there is somewhere to send


class Pusher:
    """Keeps one ingest fed. `tell(kind, **what)` is called with "up" and "lost"."""

    def __init__(
        self,
        ffmpeg: Ffmpeg,
        ingest: Ingest,
        feed: Feed,
        tell: Callable[[str, dict[str, Any]], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.ingest, self._ffmpeg, self._feed, self._tell, self._clock = ingest, ffmpeg, feed, tell, clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_running, name=f"pusher-{ingest.part}", daemon=True)
        self._last_progress: float | None = None
        self._down_since: float | None = None
        self._up_since: float | None = None
        self.child: Process | None = None
        self.refused = False  # the last try ended so that a person's hand is needed

    @property
    def up(self) -> bool:
        """Whether the ingest takes the stream."""
        return self._up_since is not None

    @property
    def up_for(self) -> float | None:
        """Seconds for which the ingest has taken the stream; None: it does not."""
        since = self._up_since
        return None if since is None else self._clock() - since

    @property
    def status(self) -> dict[str, Any]:
        """Whether it is up, and its process, for whoever watches."""
        return {"up": self.up, "pid": self.child.pid if self.child else None}

    def start(self) -> None:
        """Begin to push in the background."""
        self._thread.start()

    def again(self) -> None:
        """End the present process; a new one connects anew at once."""
        if self.child is not None:
            self.child.popen.kill()

    def stop(self) -> None:
        """Wait until the ended feed has been sent, then say there that it is over."""
        self._stopping.set()
        self._thread.join(30)
        with contextlib.suppress(OSError, BroadcastError):
            self.ingest.finish()

    def _keep_running(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            started = self._clock()
            try:
                ended = self._run_once()
            except NotReady:
                self._stopping.wait(UNREADY_SECONDS)
                continue
            if ended or self._stopping.is_set():
                return
            attempt = 1 if self._clock() - started > 60 else attempt + 1
            self._stopping.wait(self.ingest.retry_after(attempt))

    def _run_once(self) -> bool:
        """One pusher process. True: the feed has ended and all of it was sent."""
        reason, permanent = "", False
        subscription = self._feed.subscribe()
        try:
            self.ingest.prepare()
            ended = self._push(subscription)
            if ended:
                return True
            reason = (self.child.last_words if self.child else "") or "den slutade ta emot"
            if self.child is not None and self.child.popen.returncode is not None:
                self.ingest.ended(self.child.popen.returncode)
        except NotReady:
            raise
        except BroadcastError as error:
            reason, permanent = str(error), error.permanent
        except OSError as error:  # such as too many processes or open files: that may pass
            reason = f"datorn nekar: {error.strerror or type(error).__name__}"
        finally:
            self._feed.unsubscribe(subscription)
        if self.up or self._down_since is None or permanent > self.refused:
            self._down_since = self._clock()
            self._tell("lost", {"reason": reason, "permanent": permanent})
        self._up_since, self.refused = None, permanent
        return False

    def _push(self, subscription: Subscription) -> bool:
        input_read, input_write = os.pipe()
        progress_read, progress_write = os.pipe()
        self._last_progress = None
        try:
            self.child = child = self.ingest.begin(
                self._ffmpeg, input_fd=input_read, progress_fd=progress_write
            )
        except OSError:
            os.close(input_write)
            os.close(progress_read)
            raise
        threading.Thread(
            target=self._read_progress, args=(progress_read,), name="progress", daemon=True
        ).start()
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(child, done), name="pusher-watch", daemon=True)
        watcher.start()
        ended = False
        try:
            ended = _copy(subscription, input_write, child)
        finally:
            os.close(input_write)
            if ended:
                child.stop(patience=10)
            else:
                child.kill()
            done.set()
            watcher.join(2)
        return ended

    def _watch(self, child: Process, done: threading.Event) -> None:
        started = self._clock()
        while not done.wait(0.2):
            patience = STALL_SECONDS if self._last_progress else FIRST_BYTE_SECONDS
            if self._clock() - (self._last_progress or started) > patience:
                child.popen.kill()
                return

    def _read_progress(self, fd: int) -> None:
        last = ""
        with os.fdopen(fd) as lines:
            for line in lines:
                if line.startswith("out_time_us=") and line != last and "N/A" not in line:
                    last = line
                    self._last_progress = self._clock()
                    if not self.up:
                        self._up_since, self.refused = self._last_progress, False
                        down = self._clock() - self._down_since if self._down_since is not None else 0.0
                        self._tell("up", {"seconds": down})


def _copy(subscription: Subscription, fd: int, child: Process) -> bool:
    while child.running and not subscription.overflowed:
        try:
            data = subscription.next(0.5)
        except queue.Empty:
            continue
        if data is None:
            return True
        try:
            write_all(fd, memoryview(data))
        except OSError:
            return False
    return False
