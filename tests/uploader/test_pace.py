"""A file that hands itself out no faster than it may."""

from __future__ import annotations

import io
import time

import pytest

from uploader.pace import Pace, PacedReader, Paused


def _read_all(reader: PacedReader, block: int) -> list[tuple[float, int]]:
    """(when, how much) of every block."""
    begun, blocks = time.monotonic(), []
    while data := reader.read(block):
        blocks.append((time.monotonic() - begun, len(data)))
    return blocks


def test_a_limit_is_kept_and_is_a_flow() -> None:
    rate = 1_000_000
    blocks = _read_all(PacedReader(io.BytesIO(bytes(600_000)), Pace(bytes_per_second=rate)), 1 << 20)
    assert sum(size for _, size in blocks) == 600_000
    assert blocks[-1][0] == pytest.approx(0.5, abs=0.15)  # the last tenth is handed out and then waited for
    sent = 0
    for at, size in blocks:
        sent += size
        assert sent <= rate * at + 220_000  # one block ahead, and one that a late wake-up made good


def test_time_that_was_lost_is_made_good_but_not_a_long_pause() -> None:
    reader = PacedReader(io.BytesIO(bytes(1_000_000)), Pace(bytes_per_second=1_000_000))
    reader.read(1)
    time.sleep(0.5)
    begun, sent = time.monotonic(), 0
    while time.monotonic() - begun < 0.2:
        sent += len(reader.read(1 << 20))
    assert 350_000 <= sent <= 700_000  # a quarter of a second's worth more than its share


def test_without_a_limit_it_is_a_file() -> None:
    reader = PacedReader(io.BytesIO(b"0123456789"), Pace())
    assert (reader.seek(4), reader.read(3), reader.tell(), reader.read()) == (4, b"456", 7, b"789")


def test_it_stops_when_it_may_not_send_and_asks_seldom() -> None:
    asked = []

    def may_send() -> bool:
        asked.append(time.monotonic())
        return len(asked) == 1

    reader = PacedReader(io.BytesIO(bytes(10_000_000)), Pace(bytes_per_second=500_000, may_send=may_send))
    begun = time.monotonic()
    with pytest.raises(Paused):
        _read_all(reader, 1000)
    assert len(asked) == 2
    assert time.monotonic() - begun == pytest.approx(1.0, abs=0.3)
