"""What is measured of each second of the program."""

from __future__ import annotations

import numpy as np
import pytest

from broadcast.events import OnAir
from broadcast.ledger import Second
from broadcast.levels import QUIET, Levels
from broadcast.source import PictureFormat

FORMAT = PictureFormat(width=64, height=32, fps=25)
SILENCE = bytes(FORMAT.sound_bytes)


def picture(luma: int, noise: int = 0, seed: int = 0) -> memoryview:
    grain = np.random.default_rng(seed).integers(-noise, noise + 1, 64 * 32)
    plane = np.clip(luma + grain, 0, 255).astype(np.uint8).tobytes()
    return memoryview(plane + b"\x80" * (64 * 16))


def measure(pictures: list[memoryview], sound: bytes = SILENCE, on_air: OnAir = OnAir.SOURCE) -> list[Second]:
    seen: list[Second] = []
    levels = Levels(FORMAT, seen.append)
    for second, shown in enumerate(pictures):
        for frame in range(25):
            levels.program(second * 25 + frame, shown, sound, on_air)
    levels.flush()
    return seen


def test_black_is_dark_and_even() -> None:
    assert [s.black for s in measure([picture(16), picture(17, 1), picture(80), picture(18, 60)])] == [
        True,
        True,
        False,
        False,
    ]


def test_a_frozen_picture_has_not_even_noise() -> None:
    still, alive = picture(100, 2, seed=1), picture(100, 2, seed=2)
    assert [s.frozen for s in measure([still, still, alive, still])] == [False, True, False, False]


@pytest.mark.parametrize(("amplitude", "expected"), [(0, QUIET), (32767, 0.0), (16384, -6.0)])
def test_the_peak_is_in_dbfs(amplitude: int, expected: float) -> None:
    sound = np.full(FORMAT.samples * 2, amplitude, "<i2").tobytes()
    assert measure([picture(80)], sound)[0].peak == pytest.approx(expected, abs=0.1)


def test_a_second_takes_the_meters_values_that_belong_to_it() -> None:
    seen: list[Second] = []
    levels = Levels(FORMAT, seen.append)
    for frame in range(75):
        levels.program(frame, picture(80), SILENCE, OnAir.SOURCE)
    for frame, before, after in (
        (0, -30.0, -16.0),
        (10, -25.0, -15.0),
        (25, -60.0, -50.0),
        (50, -20.0, -16.0),
    ):
        levels.loudness("before", frame, before)
        levels.loudness("after", frame, after)
    levels.flush()
    assert [s.loudness for s in seen] == [-25.0, -60.0, -20.0]
    assert seen[0].sent == (-16.0, -15.0)


def test_a_silent_encoder_does_not_keep_the_seconds_back() -> None:
    seen: list[Second] = []
    levels = Levels(FORMAT, seen.append)
    for frame in range(250):
        levels.program(frame, picture(80), SILENCE, OnAir.SOURCE)
    assert [s.second for s in seen] == [0, 1, 2, 3]
    assert {s.loudness for s in seen} == {QUIET}
