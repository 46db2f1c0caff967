"""How loud it is, and by how much each speaker must be raised. Pure: momentary loudness in, gains out.

Momentary loudness (LUFS, 400 ms window each 100 ms; EBU Tech 3341) is what the gating blocks of ITU-R BS.1770-4 are
made of, so integrated loudness needs no decoding once these values are known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from broadcast.ledger import Ledger

TARGET = -16.0  # LUFS
TOLERANCE = 1.0  # LU: nearer than this nothing is done
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0  # BS.1770-4
LARGEST_GAIN = 20.0  # dB: more would only raise noise
STEP = 0.1  # s between values
WINDOW = 0.4  # s that a value looks back
COVERAGE = 0.98  # so much of the kept time must have been measured live to be trusted
SPEECH_FLOOR = -60.0  # LUFS: below it nobody speaks, whatever the rest is like
PAUSE = 4  # values: a shorter dip is within a word
LEAST_TURN = 6  # values: a shorter sound (a cough, a chair) takes the gain of its neighbour
BREATH, PHRASE = 1.0, 2.0  # s: a phrase this short, so near another of like level, is the same speaker's
CHANGE = 6.0  # dB between two stretches of CHANGE_SPAN values: another speaker, even without a pause
CHANGE_SPAN = 15
RAMP = 0.2  # s

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Turn:
    """Somebody speaks from `start` to `end` (s) at `loudness` (LUFS)."""

    start: float
    end: float
    loudness: float


@dataclass(frozen=True)
class GainCurve:
    """The gain (dB) at `times` (s, rising); a straight line in dB between them, level before and after."""

    times: Values
    gains: Values

    def at(self, seconds: Values) -> Values:
        """The gain in dB at each of `seconds`."""
        return np.asarray(np.interp(seconds, self.times, self.gains), dtype=np.float64)


def integrated(momentary: Sequence[float] | Values) -> float | None:
    """Integrated loudness (LUFS) by BS.1770-4 of momentary values each 100 ms; None where all is below the gate."""
    values = np.asarray(momentary, dtype=np.float64)
    values = values[np.isfinite(values) & (values > ABSOLUTE_GATE)]
    if not len(values):
        return None
    values = values[values > _mean(values) + RELATIVE_GATE]
    return _mean(values)


def _mean(values: Values) -> float:
    """Mean of the energies, as loudness."""
    return float(10 * np.log10(np.mean(10 ** (values / 10))))


def kept_values(ledger: Ledger, pieces: Sequence[tuple[float, float]]) -> Values | None:
    """The loudness that was sent, each 100 ms, on the clock of the rendition; None where too little was measured."""
    seconds = {second.second: second.sent for second in ledger.seconds if len(second.sent) == 10}
    values: list[float] = []
    unknown = 0
    for start, end in pieces:
        for index in range(math.ceil(start / STEP - 1e-6), math.floor(end / STEP + 1e-6)):
            sent = seconds.get(index // 10)
            unknown += sent is None
            values.append(-120.0 if sent is None else sent[index % 10])
    if not values or unknown > (1 - COVERAGE) * len(values):
        return None
    return np.array(values)


def is_off(loudness: float | None) -> bool:
    """Whether the sound must be made again. Silence is left alone."""
    return loudness is not None and abs(loudness - TARGET) > TOLERANCE


def speech_turns(momentary: Sequence[float] | Values) -> list[Turn]:
    """Who speaks when: stretches above the noise, split where the level jumps."""
    values = np.nan_to_num(np.asarray(momentary, dtype=np.float64), nan=-120.0, neginf=-120.0)
    whole = integrated(values)
    if whole is None:
        return []
    noise = float(np.percentile(values[values > ABSOLUTE_GATE], 3))
    # The gate stands above the room's noise; where nobody pauses, the lowest values are speech and no noise.
    gate = max(SPEECH_FLOOR, min(noise + 8, whole - 16))
    turns: list[Turn] = []
    for first, last in _stretches(values > gate):
        for start, end in _split(values, first, last):
            turn = _turn(values, start, end)
            if turns and _same_speaker(turns[-1], turn):
                turns[-1] = _turn(values, round(turns[-1].start / STEP), end)
            else:
                turns.append(turn)
    return turns


def _same_speaker(before: Turn, after: Turn) -> bool:
    """Whether the gap between them is only a breath."""
    short = min(before.end - before.start, after.end - after.start) < PHRASE
    return short and after.start - before.end < BREATH and abs(after.loudness - before.loudness) < CHANGE / 2


def _stretches(active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """[first, last) of each run of True; gaps shorter than PAUSE are closed."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], active.astype(np.int8), [0]))))
    runs: list[tuple[int, int]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and start - runs[-1][1] < PAUSE:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs


def _split(values: Values, first: int, last: int) -> list[tuple[int, int]]:
    """The stretch, split where the levels before and after differ as two speakers do."""
    if last - first < 2 * CHANGE_SPAN + 4:
        return [(first, last)]
    energy = np.concatenate(([0.0], np.cumsum(10 ** (values[first:last] / 10))))
    at = np.arange(CHANGE_SPAN, last - first - CHANGE_SPAN - 3)
    # Three values in the middle are left out: their window holds both speakers.
    before = energy[at] - energy[at - CHANGE_SPAN]
    after = energy[at + 3 + CHANGE_SPAN] - energy[at + 3]
    jump = np.abs(10 * np.log10(after / before))
    best = int(np.argmax(jump))
    if jump[best] < CHANGE:
        return [(first, last)]
    middle = first + int(at[best]) + 1
    return [*_split(values, first, middle), *_split(values, middle, last)]


def _turn(values: Values, first: int, last: int) -> Turn:
    # The first and the last window hold pause as well as speech.
    inner = values[first + 3 : last - 3] if last - first > 2 * LEAST_TURN else values[first:last]
    loudness = integrated(inner)
    start = first * STEP
    end = max(start + STEP, (last - 1) * STEP + STEP - (WINDOW - STEP))
    return Turn(start, end, loudness if loudness is not None else float(np.max(inner)))


def gain_curve(momentary: Sequence[float] | Values, target: float = TARGET) -> GainCurve | None:
    """The curve that brings each speaker, and the whole, to `target`; None for silence.

    The gain changes in the pause before a speaker begins (look-ahead), so no word is faded.
    """
    curve = _joined(speech_turns(momentary), target)
    # Turn by turn it is right, but the whole is gated once more: pauses within turns count differently there.
    for _ in range(2):
        whole = integrated(levelled(momentary, curve))
        if curve is not None and whole is not None:
            rest = min(1.0, max(-1.0, target - whole))
            curve = GainCurve(curve.times, np.minimum(curve.gains + rest, LARGEST_GAIN))
    return curve


def _joined(turns: Sequence[Turn], target: float) -> GainCurve | None:
    if not turns:
        return None
    gains = _gains(turns, target)
    knots = [(0.0, gains[0])]
    for (before, old), (turn, new) in pairwise(zip(turns, gains, strict=True)):
        end = max(turn.start - 0.03, knots[-1][0] + 0.02)
        start = min(max(before.end, end - RAMP, knots[-1][0] + 0.01), end - 0.01)
        knots += [(start, old), (end, new)]
    times, values = zip(*knots, strict=True)
    return GainCurve(np.array(times), np.array(values))


def _gains(turns: Sequence[Turn], target: float) -> list[float]:
    gains = [min(LARGEST_GAIN, target - turn.loudness) for turn in turns]
    long = [n for n, turn in enumerate(turns) if turn.end - turn.start >= LEAST_TURN * STEP]
    for n, turn in enumerate(turns):
        if long and turn.end - turn.start < LEAST_TURN * STEP:
            nearest = min(long, key=lambda other: abs(turns[other].start - turn.start))
            gains[n] = min(gains[n], gains[nearest])
    return gains


def levelled(momentary: Sequence[float] | Values, curve: GainCurve | None) -> Values:
    """The values as they will be once the gain curve has been put on."""
    values = np.asarray(momentary, dtype=np.float64)
    if curve is None:
        return values
    # A value stands for the 400 ms before its end; the gain in their middle is near enough.
    middles = np.arange(len(values), dtype=np.float64) * STEP + STEP - WINDOW / 2
    return np.asarray(np.add(values, curve.at(middles)), dtype=np.float64)
