"""Cuts and chapters: pure, so tried on many made-up meetings."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from broadcast.cuts import (
    Chapter,
    Cut,
    automatic_cuts,
    clip,
    cut_points,
    kept,
    merge,
    original_second,
    shift_chapters,
    shifted,
    snap_outwards,
)
from broadcast.events import OnAir
from broadcast.ledger import Ledger, Missing, Run, Second
from tests.standins.recorder import EPOCH

FPS = 25


def a_ledger(*spans: tuple[float, str], missing: tuple[tuple[float, float], ...] = ()) -> Ledger:
    """A ledger of (seconds, "room" or a slate's name), with a keyframe every 2 s and at each change."""
    ledger = Ledger(EPOCH, FPS, 320, 180)
    at = 0
    for seconds, what in spans:
        end = at + round(seconds * FPS)
        ledger.runs.append(
            Run(at, end, OnAir.SOURCE if what == "room" else OnAir.SLATE, "" if what == "room" else what)
        )
        ledger.keyframes += [(frame, frame * 100) for frame in range(at, end, 2 * FPS)]
        at = end
    ledger.end_frame = at
    ledger.missing = [Missing(round(a * FPS), round(b * FPS), "process") for a, b in missing]
    ledger.seconds = [
        Second(n, -20.0, -3.0, False, False, OnAir.SOURCE, (-20.0,) * 10) for n in range(at // FPS)
    ]
    return ledger


def test_head_tail_adjournments_and_closed_sessions_are_cut() -> None:
    ledger = a_ledger(
        (60, "waiting"),
        (100, "room"),
        (50, "adjourned"),
        (30, "room"),
        (20, "closed"),
        (40, "room"),
        (10, "over"),
    )
    assert automatic_cuts(ledger) == [
        Cut(0, 60, "waiting"), Cut(160, 210, "adjourned"), Cut(240, 260, "closed"), Cut(300, 310, "tail"),
    ]  # fmt: skip


def test_a_lost_source_stays_in_the_middle_and_goes_at_the_ends() -> None:
    ledger = a_ledger((5, "source-lost"), (60, "room"), (8, "source-lost"), (60, "room"), (9, "source-lost"))
    assert [(cut.start, cut.end) for cut in automatic_cuts(ledger)] == [(0, 5), (133, 142)]


def test_gaps_are_cut() -> None:
    assert automatic_cuts(a_ledger((60, "room"), missing=((20, 24.4),))) == [Cut(20, 24.4, "gap")]


def test_a_closed_session_beside_an_adjournment_is_told_as_closed() -> None:
    ledger = a_ledger((60, "room"), (10, "adjourned"), (20, "closed"), (5, "adjourned"), (60, "room"))
    assert automatic_cuts(ledger) == [Cut(60, 95, "closed")]


def test_lasting_silence_before_the_end_is_cut_but_for_three_seconds() -> None:
    ledger = a_ledger((100, "room"), (10, "over"))
    ledger.seconds = [replace(s, loudness=-70.0) if s.second >= 60 else s for s in ledger.seconds]
    assert automatic_cuts(ledger) == [Cut(63, 110, "tail")]
    short = a_ledger((100, "room"), (10, "over"))
    short.seconds = [replace(s, loudness=-70.0) if s.second >= 95 else s for s in short.seconds]
    assert automatic_cuts(short) == [Cut(100, 110, "tail")]


def test_a_dead_microphone_does_not_throw_the_meeting_away() -> None:
    ledger = a_ledger((100, "room"))
    ledger.seconds = [replace(s, loudness=-120.0) for s in ledger.seconds]
    assert automatic_cuts(ledger) == []


def test_a_recording_that_never_saw_the_room_is_cut_whole() -> None:
    ledger = a_ledger((30, "waiting"), (10, "over"))
    assert kept(automatic_cuts(ledger), 40) == []


def test_cuts_snap_outwards_and_never_uncover_a_frame() -> None:
    chance = random.Random(5)
    for _ in range(300):
        end = chance.uniform(10, 200)
        points = sorted({0.0, *(chance.uniform(0, end) for _ in range(chance.randint(0, 60)))})
        cuts = [
            Cut(start, min(end, start + chance.uniform(0.04, 20)), "closed")
            for start in (chance.uniform(0, end - 0.1) for _ in range(chance.randint(1, 6)))
        ]
        snapped = snap_outwards(cuts, points, end)
        for cut in cuts:
            assert any(s.start <= cut.start + 1e-4 and s.end >= cut.end - 1e-4 for s in snapped)
        allowed = [*points, end]
        for s in snapped:
            assert min(abs(s.start - point) for point in allowed) < 1e-4
            assert min(abs(s.end - point) for point in allowed) < 1e-4
        assert all(a.end < b.start for a, b in pairwise(snapped))


def test_a_cut_on_a_keyframe_does_not_grow() -> None:
    ledger = a_ledger((61.4, "waiting"), (100, "room"))
    assert snap_outwards(automatic_cuts(ledger), cut_points(ledger), 161.4) == [Cut(0, 61.4, "waiting")]


def test_before_a_gap_nothing_good_is_lost() -> None:
    ledger = a_ledger((60, "room"), missing=((20.48, 24.0),))
    assert snap_outwards(automatic_cuts(ledger), cut_points(ledger), 60) == [Cut(20.48, 24.0, "gap")]


def test_kept_and_cut_make_the_whole() -> None:
    chance = random.Random(6)
    for _ in range(300):
        end = chance.uniform(1, 100)
        cuts = [Cut(a, a + chance.uniform(0, 30), "x") for a in (chance.uniform(-5, end) for _ in range(5))]
        pieces = kept(cuts, end)
        removed = clip(cuts, end)
        total = sum(b - a for a, b in pieces) + sum(cut.end - cut.start for cut in removed)
        assert total == pytest.approx(end, abs=0.01)
        for start, stop in pieces:
            assert not any(cut.start < stop - 1e-3 and cut.end > start + 1e-3 for cut in removed)


def test_merging_melts_what_overlaps_or_touches() -> None:
    assert merge([Cut(5, 9, "gap"), Cut(0, 5, "head"), Cut(8, 10, "hand"), Cut(20, 21, "gap")]) == [
        Cut(0, 10, "hand"), Cut(20, 21, "gap"),
    ]  # fmt: skip


def test_chapters_move_with_the_cuts() -> None:
    cuts = [Cut(0, 10, "head"), Cut(50, 70, "adjourned")]
    chapters = [
        Chapter(12, "Val"),
        Chapter(40, "Budget"),
        Chapter(55, "Paus"),
        Chapter(69, "Skolan"),
        Chapter(90, "Väg"),
    ]
    assert shift_chapters(chapters, cuts) == [
        Chapter(0.0, "Val"), Chapter(30.0, "Budget"), Chapter(40.0, "Skolan"), Chapter(60.0, "Väg"),
    ]  # fmt: skip


def test_a_chapter_behind_the_end_is_gone() -> None:
    assert shift_chapters([Chapter(0, "A"), Chapter(95, "B")], [Cut(90, 100, "tail")], 90) == [
        Chapter(0, "A")
    ]
    assert shift_chapters([], [Cut(0, 1, "head")]) == []


def test_shifting_keeps_order_and_never_moves_into_what_was_cut() -> None:
    chance = random.Random(7)
    for _ in range(200):
        cuts = merge(
            [Cut(a, a + chance.uniform(0.1, 20), "x") for a in (chance.uniform(0, 100) for _ in range(4))]
        )
        times = sorted(chance.uniform(0, 140) for _ in range(30))
        moved = [shifted(at, cuts) for at in times]
        assert all(b >= a - 1e-9 for a, b in pairwise(moved))
        removed = sum(cut.end - cut.start for cut in cuts)
        assert shifted(1000, cuts) == pytest.approx(1000 - removed)
        for cut in cuts:
            assert shifted((cut.start + cut.end) / 2, cuts) == pytest.approx(shifted(cut.start, cuts))


@pytest.mark.parametrize("at", [0.0, 3.0, 4.9, 10.0, 30.0])
def test_a_second_of_the_film_is_found_in_the_original(at: float) -> None:
    cuts = [Cut(0, 2, "head"), Cut(5, 15, "adjourned"), Cut(20, 21, "closed")]
    assert shifted(original_second(at, cuts), cuts) == pytest.approx(at)
