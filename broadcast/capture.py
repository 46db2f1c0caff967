"""Keeps a source running and hands its frames on, each with the sound that belongs to it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from broadcast.ffmpeg import Ffmpeg
from broadcast.frames import FramePool, Picture
from broadcast.pipes import large_pipe, read_into
from broadcast.process import Child
from broadcast.source import PictureFormat, Source, capture_arguments

STALL_SECONDS = 3.0  # no frame for so long: start the capture again
FIRST_FRAME_SECONDS = 12.0  # a camera may need this long to be opened and probed
LARGEST_QUEUE = 50
SOUND_PATIENCE = 25  # frames that wait for their sound before they go out without it


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame of the source with its sound; `arrived` is when its picture was read, in monotonic seconds."""

    picture: Picture
    sound: bytes
    arrived: float


class Capture:
    """A source kept running by a capture process, restarted whenever it ends or stalls.

    `take()` gives the oldest moment, `drop_older(t)` forgets what was seen before t: after a closed session nothing
    that was captured during it may come out.
    """

    def __init__(
        self,
        ffmpeg: Ffmpeg,
        source: Source,
        picture: PictureFormat,
        *,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._ffmpeg, self._source, self._picture, self._clock = ffmpeg, source, picture, clock
        self._pool = FramePool(picture.frame_bytes)
        self._lock = threading.Lock()
        self._pictures: deque[tuple[Picture, float]] = deque()
        self._sounds: deque[bytes] = deque()
        self._late_sounds = 0
        self._silent = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_running, name="capture", daemon=True)
        self.child: Child | None = None
        self.last_frame: float | None = None  # monotonic
        self.reason = "the source has not answered yet"  # why there is no picture
        self.overflowed = 0  # frames of the source dropped since nobody took them

    def start(self) -> None:
        """Begin to capture in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End the capture; waits until its process is gone."""
        self._stopping.set()
        if self.child is not None:
            self.child.popen.terminate()
        self._thread.join(10)

    @property
    def queued(self) -> int:
        """Moments that wait to be taken."""
        return max(min(len(self._pictures), len(self._sounds)), len(self._pictures) - SOUND_PATIENCE)

    def take(self) -> Moment | None:
        """The oldest moment, or None when none is whole yet."""
        with self._lock:
            if self._sounds and self._pictures:
                picture, arrived = self._pictures.popleft()
                return Moment(picture, self._sounds.popleft(), arrived)
            if len(self._pictures) <= SOUND_PATIENCE:
                return None
            # The sound has stopped while the picture goes on: show it, and forget that sound when it comes.
            picture, arrived = self._pictures.popleft()
            self._late_sounds += 1
            return Moment(picture, bytes(self._picture.sound_bytes), arrived)

    def drop_older(self, than: float) -> None:
        """Forget every whole moment whose picture arrived before `than` (monotonic seconds)."""
        with self._lock:
            while self._pictures and self._sounds and self._pictures[0][1] < than:
                self._pictures.popleft()
                self._sounds.popleft()

    def _keep_running(self) -> None:
        pause = 0.2
        while not self._stopping.is_set():
            started = self._clock()
            self._run_once()
            pause = 0.2 if self._clock() - started > 10 else min(pause * 1.5, 2.0)
            self._stopping.wait(pause)

    def _run_once(self) -> None:
        with self._lock:  # picture and sound of two runs never belong together
            self._pictures.clear()
            self._sounds.clear()
            self._late_sounds = 0
        video_in, video_out = large_pipe()
        audio_in, audio_out = os.pipe()
        args = capture_arguments(
            self._source, self._picture, video_fd=video_out, audio_fd=audio_out, silent=self._silent
        )
        self.child = child = Child(self._ffmpeg, args, pass_fds=(video_out, audio_out))
        readers = [
            threading.Thread(target=self._read_pictures, args=(video_in,), name="pictures", daemon=True),
            threading.Thread(target=self._read_sounds, args=(audio_in,), name="sounds", daemon=True),
        ]
        for reader in readers:
            reader.start()
        self._watch(child)
        child.kill()
        for reader in readers:
            reader.join(5)
        if child.said("matches no streams", "does not contain any stream"):
            self._silent = True  # a picture without sound is better than neither; the alarm says so
        if child.last_words:
            self.reason = child.last_words

    def _watch(self, child: Child) -> None:
        started = self._clock()
        while child.running and not self._stopping.wait(0.1):
            seen = self.last_frame if self.last_frame is not None and self.last_frame >= started else None
            patience = FIRST_FRAME_SECONDS if seen is None else STALL_SECONDS
            if self._source.listen and seen is None:
                continue  # the sender decides when it comes
            if self._clock() - (seen or started) > patience:
                self.reason = f"no frame for {patience:.0f} s"
                return

    def _read_pictures(self, fd: int) -> None:
        with contextlib.closing(_Fd(fd)):
            while True:
                picture = self._pool.picture()
                if not read_into(fd, picture.data):
                    return
                now = self._clock()
                with self._lock:
                    self._pictures.append((picture, now))
                    if len(self._pictures) > LARGEST_QUEUE and self._sounds:
                        self._pictures.popleft()
                        self._sounds.popleft()
                        self.overflowed += 1
                self.last_frame = now

    def _read_sounds(self, fd: int) -> None:
        size = self._picture.sound_bytes
        with contextlib.closing(_Fd(fd)):
            while True:
                block = bytearray(size)
                if not read_into(fd, memoryview(block)):
                    return
                with self._lock:
                    if self._late_sounds:
                        self._late_sounds -= 1
                    else:
                        self._sounds.append(bytes(block))


class _Fd:
    def __init__(self, fd: int) -> None:
        self._fd = fd

    def close(self) -> None:
        os.close(self._fd)
