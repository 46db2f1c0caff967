"""The waveform under a player: from the loudness gathered live, else from the sound alone, decoded at 8 kHz."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from broadcast.ledger import Ledger
from broadcast.loudness import kept_values
from broadcast.progress import Progress

MOST_VALUES = 2000
RATE = 8000
BLOCK = 800  # samples: ten values a second, as many as the ledger has


def draw_waveform(
    rendition: Path, duration: float, live: tuple[Ledger, Sequence[tuple[float, float]]] | None
) -> Iterator[Progress | dict[str, Any]]:
    """Last yields {"duration": s, "peaks": [0…1, at most 2,000, evenly spread]}; the loudest value is 1.

    `live`: the ledger and the kept pieces of its recording.
    """
    values: NDArray[np.float64] | None = None
    if live is not None and (loudness := kept_values(*live)) is not None:
        values = 10 ** (loudness / 20)
    if values is None:
        peaks: list[float] = []
        for second, block in _decoded(rendition):
            peaks += block
            yield Progress(min(99.0, 100 * second / duration))
        values = np.array(peaks)
    yield {"duration": round(duration, 3), "peaks": _thinned(values)}


def _thinned(values: NDArray[np.float64]) -> list[float]:
    if not len(values):
        return []
    bins = np.array_split(values, min(MOST_VALUES, len(values)))
    peaks = np.array([part.max() for part in bins])
    loudest = float(peaks.max())
    return [round(float(peak), 3) for peak in peaks / loudest] if loudest > 1e-4 else [0.0] * len(peaks)


def _decoded(path: Path) -> Iterator[tuple[float, list[float]]]:
    """(seconds done, a peak for each 100 ms) of the sound, about once a minute of it."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        rest = np.zeros(0, np.int16)
        for frame in container.decode(audio=0):
            rest = np.concatenate([rest, *(part.to_ndarray().ravel() for part in resampler.resample(frame))])
            if len(rest) >= 60 * RATE:
                whole = rest[: len(rest) // BLOCK * BLOCK]
                yield frame.time or 0.0, _peaks(whole)
                rest = rest[len(whole) :]
        yield 0.0, _peaks(rest[: len(rest) // BLOCK * BLOCK])


def _peaks(samples: NDArray[np.int16]) -> list[float]:
    blocks = np.abs(samples.astype(np.float64)).reshape(-1, BLOCK)
    return (blocks.max(axis=1) / 32768).tolist() if len(blocks) else []
