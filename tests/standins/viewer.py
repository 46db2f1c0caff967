"""Looks at and listens to a film made from a stand-in recording: which frames, which sounds, how far apart."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tests.standins.recorder import CLICK, RATE, SECRET, read_number


def frames(film: Path) -> list[tuple[float, int]]:
    """(second, number on the picture) of every frame, as shown."""
    with av.open(str(film)) as container:
        return [
            (float(frame.time or 0.0), read_number(frame.to_ndarray()[: frame.height].astype(np.uint8)))
            for frame in container.decode(video=0)
        ]


def ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """[first, end) of each run of rising numbers."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


def sound(film: Path) -> NDArray[np.float32]:
    """The left channel at 48 kHz, each sample where its time says."""
    with av.open(str(film)) as container:
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
        parts = [
            (round(float(part.time or 0.0) * RATE), part.to_ndarray()[0])
            for frame in container.decode(audio=0)
            for part in resampler.resample(frame)
        ]
    whole = np.zeros(max(at + len(part) for at, part in parts), np.float32)
    for at, part in parts:
        whole[at : at + len(part)] = part
    return whole


def strength(samples: NDArray[np.float32], hertz: float) -> NDArray[np.float64]:
    """Amplitude of a tone at every sample, over the 10 ms that follow."""
    window = RATE // 100
    turning = samples * np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / RATE)
    summed = np.concatenate(([0], np.cumsum(turning)))
    return np.asarray(np.abs(summed[window:] - summed[:-window]) / window * 2, dtype=np.float64)


def secret_heard(film: Path) -> float:
    """The strongest moment of the tone of the closed session (its amplitude was 0.5)."""
    return float(strength(sound(film), SECRET).max())


def out_of_step(film: Path) -> list[float]:
    """For each picture of a whole second that has its click: milliseconds by which the click comes late."""
    clicks = strength(sound(film), CLICK)
    late: list[float] = []
    shown = frames(film)
    for n, (second, number) in enumerate(shown[3:-3], 3):
        at = round(second * RATE)
        # Beside a cut some sound is left out on purpose.
        if number % 25 == 0 and shown[n + 3][1] - shown[n - 3][1] == 6:
            near = clicks[at - RATE // 20 : at + RATE // 20]
            if len(near) and near.max() > 0.9 * clicks.max():
                late.append((int(near.argmax()) - RATE // 20) / RATE * 1000)
    return late


def boxes(film: Path) -> list[str]:
    """The kinds of the MP4's outermost boxes, in their order."""
    kinds: list[str] = []
    with film.open("rb") as file:
        while len(head := file.read(16)) >= 8:
            size = int.from_bytes(head[:4], "big")
            size = int.from_bytes(head[8:16], "big") if size == 1 else size
            kinds.append(head[4:8].decode("latin-1"))
            file.seek(size - len(head), 1)
    return kinds
