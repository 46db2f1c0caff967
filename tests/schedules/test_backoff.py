"""Named histories of deaths."""

from __future__ import annotations

import pytest

from schedules.backoff import Backoff


@pytest.mark.parametrize(
    ("lives", "waits"),
    [
        ([0, 0, 0, 0, 0, 0, 0], [1, 2, 4, 8, 16, 30, 30]),  # cannot start at all
        ([3600, 3600], [1, 1]),  # dies now and then
        ([0, 0, 61, 0], [1, 2, 1, 2]),  # was well in between
        ([0, 59, 0], [1, 2, 4]),  # not well for long enough
        ([0] * 2000, [1, 2, 4, 8, 16, *[30] * 1995]),
    ],
)
def test_waits_grow_and_begin_again(lives: list[float], waits: list[float]) -> None:
    backoff = Backoff()
    assert [backoff.died(lived) for lived in lives] == waits
