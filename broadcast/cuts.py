"""What is cut from a recording, and where chapters stand afterwards. Pure: seconds and frames, no files.

All times are seconds of the original's own clock: frame / fps for a recording, seconds from the first picture for
a file. A cut only ever grows when it is moved to where the stream can be cut: a secrecy cut never removes a frame
too little.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from broadcast.events import OnAir
from broadcast.ledger import Ledger

EPSILON = 1e-4  # s: far below a frame, far above what rounding to microseconds or 90 kHz ticks does
SILENCE_KEPT = 3.0  # s left after the last word
SILENCE_LEAST = 15.0  # s: a shorter silence at the end is not worth a cut
ROOM = frozenset({OnAir.SOURCE, OnAir.HELD})
CUT_SLATES = {"waiting": "waiting", "adjourned": "adjourned", "closed": "closed", "over": "tail"}
WEIGHT = ("closed", "adjourned", "waiting", "gap", "tail", "head")
"""Which reason is told when cuts melt together: the first of these; any other reason (a person's) goes before all."""


@dataclass(frozen=True)
class Cut:
    """[start, end) in seconds of the original is removed; `reason` is a key ("closed", "gap", …), not a sentence."""

    start: float
    end: float
    reason: str


@dataclass(frozen=True)
class Chapter:
    """From `start` (s) on it is about `title`."""

    start: float
    title: str


def automatic_cuts(ledger: Ledger, *, silence_below: float = -45.0) -> list[Cut]:
    """The cuts that need no person: empty head and tail, adjournments, closed sessions, gaps; on whole frames.

    A slate because the source was lost stays, for something was missed there and viewers shall see it. A recording
    in which the room was never seen is cut whole. `silence_below`: momentary LUFS under which nobody speaks.
    """
    fps = ledger.fps
    room = [run for run in ledger.runs if run.on_air in ROOM]
    end = max([ledger.end_frame, *(run.end for run in ledger.runs)], default=0)
    if not room:
        return [Cut(0.0, end / fps, "head")] if end else []
    first, last = room[0].start, room[-1].end
    cuts = [Cut(0.0, first / fps, "head"), Cut(last / fps, end / fps, "tail")]
    cuts += [
        Cut(run.start / fps, run.end / fps, CUT_SLATES[run.slate])
        for run in ledger.runs
        if run.on_air is OnAir.SLATE and run.slate in CUT_SLATES
    ]
    cuts += [Cut(gap.start / fps, gap.end / fps, "gap") for gap in ledger.missing]
    cuts.append(_closing_silence(ledger, last / fps, silence_below))
    return merge([cut for cut in cuts if cut.end > cut.start + EPSILON])


def _closing_silence(ledger: Ledger, end: float, below: float) -> Cut:
    spoken = [
        s.second + 1.0 for s in ledger.seconds if s.on_air in ROOM and s.loudness >= below and s.second < end
    ]
    # Never a word in all the meeting: the microphone was dead, which is no reason to throw the picture away.
    start = max(spoken, default=end) + SILENCE_KEPT
    return Cut(start, end, "tail") if end - start >= SILENCE_LEAST - SILENCE_KEPT else Cut(end, end, "tail")


def merge(cuts: Sequence[Cut]) -> list[Cut]:
    """The same seconds as rising cuts that neither overlap nor touch."""
    merged: list[Cut] = []
    for cut in sorted(cuts, key=lambda cut: (cut.start, cut.end)):
        if merged and cut.start <= merged[-1].end + EPSILON:
            before = merged[-1]
            reason = min((before.reason, cut.reason), key=_weight)
            merged[-1] = Cut(before.start, max(before.end, cut.end), reason)
        else:
            merged.append(cut)
    return merged


def _weight(reason: str) -> int:
    return WEIGHT.index(reason) if reason in WEIGHT else -1


def cut_points(ledger: Ledger) -> list[float]:
    """Where a recording can be cut without encoding, rising: its keyframes, and where a gap begins (what stands
    before a gap needs nothing that comes after it)."""
    frames = {frame for frame, _ in ledger.keyframes} | {gap.start for gap in ledger.missing}
    return sorted(frame / ledger.fps for frame in frames)


def snap_outwards(cuts: Sequence[Cut], points: Sequence[float], end: float) -> list[Cut]:
    """The cuts, grown to the nearest of `points` (rising) or to the ends of the original (0, `end`), and merged."""
    snapped: list[Cut] = []
    for cut in cuts:
        before = bisect_right(points, cut.start + EPSILON) - 1
        after = bisect_left(points, cut.end - EPSILON)
        start = points[before] if before >= 0 else 0.0
        stop = points[after] if after < len(points) else end
        snapped.append(replace(cut, start=max(0.0, start), end=min(stop, end)))
    return merge([cut for cut in snapped if cut.end > cut.start + EPSILON])


def clip(cuts: Sequence[Cut], end: float) -> list[Cut]:
    """The cuts within [0, `end`], merged."""
    within = [replace(cut, start=max(0.0, cut.start), end=min(end, cut.end)) for cut in cuts]
    return merge([cut for cut in within if cut.end > cut.start + EPSILON])


def kept(cuts: Sequence[Cut], end: float) -> list[tuple[float, float]]:
    """What remains of [0, `end`) as (start, end), rising."""
    pieces: list[tuple[float, float]] = []
    at = 0.0
    for cut in clip(cuts, end):
        if cut.start > at + EPSILON:
            pieces.append((at, cut.start))
        at = cut.end
    if end > at + EPSILON:
        pieces.append((at, end))
    return pieces


def shifted(at: float, cuts: Sequence[Cut]) -> float:
    """Where the original's second `at` stands after the cuts; an instant in a cut stands where the cut was."""
    return at - sum(min(at, cut.end) - cut.start for cut in merge(cuts) if cut.start < at)


def original_second(at: float, cuts: Sequence[Cut]) -> float:
    """Where the rendition's second `at` stands in the original: the inverse of `shifted`, after a cut that is there."""
    for cut in merge(cuts):
        if at < cut.start - EPSILON:
            break
        at += cut.end - cut.start
    return at


def shift_chapters(
    chapters: Sequence[Chapter], cuts: Sequence[Cut], duration: float | None = None
) -> list[Chapter]:
    """The chapters on the clock of the rendition, rising.

    A chapter that began in a cut begins where the cut ends; of chapters at one place the last stays; the first one
    begins at 0 (players demand it). `duration` (s of the rendition): chapters that begin there or later are gone.
    """
    placed: dict[int, Chapter] = {}
    for chapter in sorted(
        chapters, key=lambda chapter: chapter.start
    ):  # stable: equal starts keep their order
        start = max(0.0, shifted(chapter.start, cuts))
        if duration is None or start < duration - EPSILON:
            placed[round(start * 1000)] = Chapter(round(start, 3), chapter.title)
    result = list(placed.values())
    return [replace(result[0], start=0.0), *result[1:]] if result else []
