"""Loudness from what was measured live, and the gain that makes every speaker equally loud."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from broadcast.events import OnAir
from broadcast.ffmpeg import find_ffmpeg
from broadcast.ledger import Ledger, Second
from broadcast.loudness import (
    LARGEST_GAIN,
    gain_curve,
    integrated,
    is_off,
    kept_values,
    levelled,
    speech_turns,
)
from broadcast.rendition import Rendered, render
from tests.standins.recorder import EPOCH, RATE, Scene, momentary, record
from tests.standins.speech import meeting
from tests.standins.viewer import sound

LEVELS = (-20.0, 1.0, -11.0, -4.0, -17.0, -7.0, -14.0, -2.0)


def test_integrated_is_what_ffmpeg_says(tmp_path: Path) -> None:
    samples, _ = meeting(LEVELS)
    samples.tofile(tmp_path / "s.f32")
    said = subprocess.run(
        [
            find_ffmpeg().path, "-hide_banner", "-nostats", "-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i",
            tmp_path / "s.f32", "-af", "ebur128=framelog=verbose", "-f", "null", "-",
        ],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    expected = float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1])
    assert integrated(momentary(samples)) == pytest.approx(expected, abs=0.15)


def test_integrated_gates_silence_and_pauses() -> None:
    assert integrated([-20.0] * 100) == pytest.approx(-20)
    assert integrated([-20.0] * 100 + [-120.0] * 900) == pytest.approx(-20)
    assert integrated([-20.0] * 100 + [-45.0] * 900) == pytest.approx(-20)
    assert integrated([-120.0] * 100) is None
    assert integrated([]) is None
    assert integrated([-71.0, float("nan"), float("-inf")]) is None


def test_off_is_more_than_one_unit_away() -> None:
    assert not is_off(None)
    assert not is_off(-16.9)
    assert not is_off(-15.1)
    assert is_off(-17.1)
    assert is_off(-14.9)


def a_ledger(seconds: int) -> Ledger:
    ledger = Ledger(EPOCH, 25, 320, 180)
    ledger.seconds = [
        Second(n, 0.0, 0.0, False, False, OnAir.SOURCE, tuple(-n - k / 10 for k in range(10)))
        for n in range(seconds)
    ]
    return ledger


def test_only_kept_seconds_count() -> None:
    values = kept_values(a_ledger(20), [(2.0, 4.0), (10.2, 10.5)])
    assert values is not None
    assert values == pytest.approx([-2 - k / 10 for k in range(20)] + [-10.2, -10.3, -10.4])


def test_too_little_measured_is_nothing() -> None:
    ledger = a_ledger(20)
    ledger.seconds = [replace(s, sent=()) if s.second in (5, 6) else s for s in ledger.seconds]
    assert kept_values(ledger, [(0, 20)]) is None
    assert kept_values(ledger, [(8, 20)]) is not None
    assert kept_values(a_ledger(0), [(0, 20)]) is None


def test_turns_are_found_where_somebody_speaks() -> None:
    samples, spoken = meeting(LEVELS)
    turns = speech_turns(momentary(samples))
    assert len(turns) == len(spoken)
    for turn, truth in zip(turns, spoken, strict=True):
        assert turn.start == pytest.approx(truth.start, abs=0.5)
        assert turn.end == pytest.approx(truth.end, abs=0.8)


def test_speakers_without_a_pause_between_are_told_apart() -> None:
    turns = speech_turns([-35.0] * 50 + [-18.0] * 50 + [-30.0] * 50)
    assert [round(turn.loudness) for turn in turns] == [-35, -18, -30]
    assert turns[1].start == pytest.approx(5.0, abs=0.4)


def test_every_speaker_is_brought_to_the_target() -> None:
    values = momentary(meeting(LEVELS)[0])
    after = levelled(values, gain_curve(values))
    assert integrated(after) == pytest.approx(-16, abs=0.1)
    loud = [turn.loudness for turn in speech_turns(after)]
    assert np.std(loud) < 0.6


def test_noise_is_not_raised_beyond_a_limit() -> None:
    curve = gain_curve([-58.0 + (n % 3) for n in range(300)])
    assert curve is not None
    assert curve.gains.max() <= LARGEST_GAIN
    assert gain_curve([-120.0] * 100) is None


def test_voices_over_24_db_become_even(tmp_path: Path) -> None:
    samples, spoken = meeting(LEVELS)
    seconds = len(samples) // RATE
    folder = record(
        tmp_path / "recording",
        [Scene(seconds)],
        size=(160, 90),
        sound=samples[: seconds * RATE],
        pictures=False,
    )
    film = tmp_path / "film.mp4"
    *_, result = render(folder, cuts=[], chapters=[], out=film, ffmpeg=find_ffmpeg())
    assert isinstance(result, Rendered)
    said = subprocess.run(
        [find_ffmpeg().path, "-hide_banner", "-nostats", "-i", film, "-af", "ebur128=peak=true", "-f", "null", "-"],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    assert float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1]) == pytest.approx(-16, abs=0.5)
    assert float(re.findall(r"Peak:\s+(-?[\d.]+) dBFS", said)[-1]) <= -1.0
    heard = sound(film)
    values = np.array(momentary(np.repeat(heard[:, None], 2, axis=1)))
    levels = [
        integrated(values[int(turn.start * 10) + 4 : int(turn.end * 10) - 1])
        for turn in spoken
        if turn.end < seconds
    ]
    assert np.std([level for level in levels if level is not None]) < 1.0
