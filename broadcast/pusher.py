"""Carries the encoder's stream to one platform: a process that may be killed at will, started again with patience."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import ffmpeg as build

from broadcast.errors import BroadcastError
from broadcast.feed import Feed, Subscription
from broadcast.ffmpeg import Ffmpeg, arguments
from broadcast.pipes import write_all
from broadcast.platforms import LivePlatform
from broadcast.process import Child

STALL_SECONDS = 4.0
FIRST_BYTE_SECONDS = 10.0


def pusher_arguments(platform: LivePlatform, *, input_fd: int, progress_fd: int) -> list[str]:
    """Arguments of a pusher that copies what comes on `input_fd` and reports progress on `progress_fd`."""
    # Without probe limits it would look at the stream for five seconds before it sends the first byte.
    stream = build.input(
        f"pipe:{input_fd}", f="mpegts", fflags="+genpts+nobuffer", analyzeduration=800_000, probesize=400_000
    )
    return arguments(
        platform.output(stream).global_args("-progress", f"pipe:{progress_fd}", "-stats_period", "0.5", "-y")
    )


class Pusher:
    """Keeps one platform fed. `tell(kind, **what)` is called with "up" and "lost"."""

    def __init__(
        self,
        ffmpeg: Ffmpeg,
        platform: LivePlatform,
        feed: Feed,
        tell: Callable[[str, dict[str, Any]], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.platform, self._ffmpeg, self._feed, self._tell, self._clock = platform, ffmpeg, feed, tell, clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_running, name=f"pusher-{platform.key}", daemon=True)
        self._last_progress: float | None = None
        self._down_since: float | None = None
        self.child: Child | None = None
        self.up = False

    def start(self) -> None:
        """Begin to push in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Wait until the ended feed has been sent, then say there that it is over."""
        self._stopping.set()
        self._thread.join(30)
        with contextlib.suppress(OSError, BroadcastError):
            self.platform.finish()

    def _keep_running(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            started = self._clock()
            ended = self._run_once()
            if ended or self._stopping.is_set():
                return
            attempt = 1 if self._clock() - started > 60 else attempt + 1
            self._stopping.wait(self.platform.retry_after(attempt))

    def _run_once(self) -> bool:
        """One pusher process. True: the feed has ended and all of it was sent."""
        reason, permanent = "", False
        subscription = self._feed.subscribe()
        try:
            self.platform.prepare()
            ended = self._push(subscription)
            if ended:
                return True
            reason = (self.child.last_words if self.child else "") or "it stopped taking the stream"
        except BroadcastError as error:
            reason, permanent = str(error), error.permanent
        finally:
            self._feed.unsubscribe(subscription)
        if self.up or self._down_since is None:
            self._down_since = self._clock()
            self._tell("lost", {"reason": reason, "permanent": permanent})
        self.up = False
        return False

    def _push(self, subscription: Subscription) -> bool:
        input_read, input_write = os.pipe()
        progress_read, progress_write = os.pipe()
        args = pusher_arguments(self.platform, input_fd=input_read, progress_fd=progress_write)
        self.child = child = Child(self._ffmpeg, args, pass_fds=(input_read, progress_write))
        self._last_progress = None
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

    def _watch(self, child: Child, done: threading.Event) -> None:
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
                        self.up = True
                        down = self._clock() - self._down_since if self._down_since is not None else 0.0
                        self._tell("up", {"seconds": down})


def _copy(subscription: Subscription, fd: int, child: Child) -> bool:
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
