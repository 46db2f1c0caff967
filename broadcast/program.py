"""What goes out, exactly so many frames a second: the source, its held frame, or a slate with silence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from broadcast.capture import Capture
from broadcast.events import OnAir
from broadcast.frames import Picture
from broadcast.slate import Slate
from broadcast.source import PictureFormat

HOLD_SECONDS = 0.5  # the slate comes when nothing has arrived for so long
START_QUEUED = 3  # frames that must wait before a source goes on air, against jitter
LONG_QUEUE = 8  # frames: the source's clock is faster than ours, or it came with a burst
DROP_SECONDS = 0.4  # between two frames that are dropped for that: nobody sees a tenth
LATE_QUEUE = 30  # frames: after a hiccup, go on near the present
PATIENCE_SECONDS = 3.0  # a slate that was asked away stays so long until the source comes
CATCH_UP_SECONDS = 2.0  # a program that fell further behind goes on with a gap instead of racing


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame of the program."""

    picture: Picture
    sound: bytes
    on_air: OnAir
    slate: str = ""


class Program:
    """The clock of the broadcast. `sink(shown)` gets every frame in time and must not wait."""

    def __init__(
        self,
        picture: PictureFormat,
        capture: Capture,
        slates: Mapping[Slate, Picture],
        sink: Callable[[Shown], None],
        *,
        on_skip: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ):
        """`on_skip(frames)` is told when the machine slept and frames were never made."""
        self._format, self._capture, self._slates = picture, capture, slates
        self._sink, self._on_skip, self._clock, self._wait = sink, on_skip, clock, wait
        self._silence = bytes(picture.sound_bytes)
        self._asked: Slate | None = Slate.WAITING
        self._not_before = 0.0
        self._leaving: tuple[Slate, float] | None = None
        self._last: Picture | None = None
        self._last_at = 0.0
        self._last_drop = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="program", daemon=True)

    def start(self) -> None:
        """Begin to send frames in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more frames; returns when the last one is out."""
        self._stopping.set()
        self._thread.join(5)

    def show_slate(self, slate: Slate) -> None:
        """From the next frame on, show `slate` and silence."""
        self._asked = slate

    def show_source(self, *, guard: float = 0.0) -> None:
        """Show the source: nothing that reached us earlier than `guard` seconds from now, so that no frame of a
        closed session, delayed on its way, comes out after it."""
        if self._asked is not None:
            self._not_before = self._clock() + guard
            self._leaving = (self._asked, self._not_before + PATIENCE_SECONDS)
            self._last = None
            self._asked = None

    def _run(self) -> None:
        begin, sent = self._clock(), 0
        while not self._stopping.is_set():
            due = begin + sent / self._format.fps
            now = self._clock()
            if due > now:
                self._wait(due - now)
            elif now - due > CATCH_UP_SECONDS:
                skipped = int((now - due) * self._format.fps)
                self._on_skip(skipped)
                sent += skipped
            self._sink(self.next_frame())
            sent += 1

    def next_frame(self) -> Shown:
        """The frame that is due now."""
        now, asked = self._clock(), self._asked
        if asked is not None:
            self._capture.drop_older(now)
            return self._slate(asked)
        self._capture.drop_older(self._not_before)
        moment = None
        if self._last is not None or self._capture.queued >= START_QUEUED:
            self._keep_near(now)
            moment = self._capture.take()
        if moment is not None:
            self._last, self._last_at, self._leaving = moment.picture, moment.arrived, None
            return Shown(moment.picture, moment.sound, OnAir.SOURCE)
        if self._last is not None and now - self._last_at < HOLD_SECONDS:
            return Shown(self._last, self._silence, OnAir.HELD)
        self._last = None
        if self._leaving is not None and now < self._leaving[1]:
            return self._slate(self._leaving[0])
        self._leaving = None
        return self._slate(Slate.SOURCE_LOST)

    def _keep_near(self, now: float) -> None:
        if self._capture.queued > LATE_QUEUE:
            while self._capture.queued > START_QUEUED:
                self._capture.take()
        elif self._capture.queued > LONG_QUEUE and now - self._last_drop > DROP_SECONDS:
            self._capture.take()
            self._last_drop = now

    def _slate(self, slate: Slate) -> Shown:
        return Shown(self._slates[slate], self._silence, OnAir.SLATE, slate.value)
