"""Speech of any length at any level: espeak-ng voices taking turns, as at a meeting."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48_000
SENTENCES = (
    "Ordföranden hälsar alla välkomna och förklarar sammanträdet öppnat.",
    "Herr ordförande, ledamöter och åhörare. Budgeten för nästa år är stram men väl avvägd.",
    "Vi yrkar avslag på förslaget eftersom skolan i byn behövs även i framtiden.",
    "Jag yrkar bifall till kommunstyrelsens förslag och vill tacka förvaltningen för ett gott arbete.",
    "Frågan är ställd tidigare, och svaret är detsamma: vägen ska vara klar till hösten.",
    "Då går vi till beslut. Finner jag att fullmäktige beslutar i enlighet med förslaget? Svaret är ja.",
)
VOICES = ("sv", "sv+f2", "sv+m3", "sv+f4", "sv+m7", "sv+croak")


@dataclass(frozen=True)
class SpokenTurn:
    """Somebody spoke from `start` to `end` (s), `level` dB above the quietest the voices know."""

    start: float
    end: float
    level: float


@cache
def _sentence(number: int) -> NDArray[np.float32]:
    """A sentence by its voice, mono at 48 kHz, at -20 dBFS RMS."""
    voice = VOICES[number % len(VOICES)]
    wav = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", "150", "--stdout", SENTENCES[number % len(SENTENCES)]],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    # espeak-ng cannot know the length when it writes to a pipe and puts a nonsense one in the header.
    wav = (
        wav[:4]
        + (len(wav) - 8).to_bytes(4, "little")
        + wav[8:40]
        + (len(wav) - 44).to_bytes(4, "little")
        + wav[44:]
    )
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(BytesIO(wav), "r") as container:
        parts = [p.to_ndarray().ravel() for f in container.decode(audio=0) for p in resampler.resample(f)]
    parts += [p.to_ndarray().ravel() for p in resampler.resample(None)]
    samples: NDArray[np.float32] = np.trim_zeros(np.concatenate(parts).astype(np.float32))
    loudness = float(np.sqrt(np.mean(np.square(samples))))
    return (samples * (0.1 / loudness)).astype(np.float32)


def meeting(
    levels: Sequence[float], *, pause: float = 0.8, noise: float = -70.0
) -> tuple[NDArray[np.float32], list[SpokenTurn]]:
    """(stereo samples (n, 2), the turns): one sentence for each of `levels` (dB relative to -20 dBFS RMS), with a
    pause between and the noise of a room (dBFS) under all of it."""
    parts: list[NDArray[np.float32]] = []
    turns: list[SpokenTurn] = []
    at = 0
    rest = np.zeros(int(pause * RATE), np.float32)
    for number, level in enumerate(levels):
        spoken = _sentence(number % len(SENTENCES)) * np.float32(10 ** (level / 20))
        turns.append(SpokenTurn(at / RATE, (at + len(spoken)) / RATE, level))
        parts += [spoken, rest]
        at += len(spoken) + len(rest)
    mono = np.concatenate(parts)
    mono += np.random.default_rng(1).normal(0, 10 ** (noise / 20), len(mono)).astype(np.float32)
    return np.repeat(np.clip(mono, -1, 1)[:, None], 2, axis=1), turns
