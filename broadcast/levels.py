"""Loudness, peak, black and frozen picture, second by second, gathered while it is on air.

Loudness is ffmpeg's ebur128 (EBU Tech 3341, momentary, 400 ms window) as the encoder reports it; peak and picture
are measured here on the raw program.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from broadcast.events import OnAir
from broadcast.ledger import Second
from broadcast.source import PictureFormat

QUIET = -120.0  # LUFS and dBFS of digital silence
BLACK_LUMA, BLACK_SPREAD = 24.0, 3.0  # yuv420p limited range: 16 is black
FROZEN_DIFFERENCE = 0.02  # mean luma steps between two seconds; camera noise alone is well above
LATE_SECONDS = 5  # a second is given out without loudness when the encoder has said nothing for so long


@dataclass
class _Open:
    on_air: OnAir
    black: bool
    frozen: bool
    peak: float = QUIET
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)


class Levels:
    """Collects what is known of each second and gives it out once it is whole."""

    def __init__(self, picture: PictureFormat, on_second: Callable[[Second], None]) -> None:
        self._picture, self._on_second = picture, on_second
        self._lock = threading.Lock()
        self._open: dict[int, _Open] = {}
        self._last_luma: np.ndarray | None = None
        self._newest_after = -1

    def program(self, frame: int, data: memoryview, sound: bytes, on_air: OnAir) -> None:
        """Take one frame of the program with its sound. The picture is looked at once a second."""
        second = frame // self._picture.fps
        peak = _peak(sound)
        with self._lock:
            known = self._open.get(second)
        if known is None:
            black, frozen = self._look(data)
            known = _Open(on_air, black, frozen)
            with self._lock:
                self._open[second] = known
        known.peak = max(known.peak, peak)
        if on_air is OnAir.SOURCE:
            known.on_air = on_air
        self._give_out(second)

    def loudness(self, which: str, frame: int, lufs: float) -> None:
        """Take one meter value ("before" or "after" levelling) that belongs to `frame`."""
        second = frame // self._picture.fps
        with self._lock:
            known = self._open.get(second)
            if known is not None:
                (known.before if which == "before" else known.after).append(lufs)
            if which == "after":
                self._newest_after = max(self._newest_after, second)

    def flush(self) -> None:
        """Give out all that is left."""
        self._give_out(1 << 60)

    def _give_out(self, present: int) -> None:
        ready: list[tuple[int, _Open]] = []
        with self._lock:
            for second in sorted(self._open):
                if second < self._newest_after or second < present - LATE_SECONDS:
                    ready.append((second, self._open.pop(second)))
        for second, known in ready:
            loudness = max(known.before, default=QUIET)
            sent = tuple(round(value, 1) for value in known.after)
            self._on_second(
                Second(
                    second,
                    round(loudness, 1),
                    round(known.peak, 1),
                    known.black,
                    known.frozen,
                    known.on_air,
                    sent,
                )
            )

    def _look(self, data: memoryview) -> tuple[bool, bool]:
        width, height = self._picture.width, self._picture.height
        luma = (
            np.frombuffer(data, np.uint8, width * height).reshape(height, width)[::8, ::8].astype(np.float32)
        )
        black = bool(luma.mean() < BLACK_LUMA and luma.std() < BLACK_SPREAD)
        frozen = self._last_luma is not None and bool(
            np.abs(luma - self._last_luma).mean() < FROZEN_DIFFERENCE
        )
        self._last_luma = luma
        return black, frozen


def _peak(sound: bytes) -> float:
    loudest = int(np.abs(np.frombuffer(sound, "<i2").astype(np.int32)).max(initial=0))
    return QUIET if loudest == 0 else float(20 * np.log10(loudest / 32768))
