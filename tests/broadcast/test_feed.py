"""One stream for several readers, none of whom can hold up another."""

from __future__ import annotations

import queue

import pytest

from broadcast.feed import LARGEST_QUEUE, Feed
from broadcast.transport import PictureStart, Piece


def piece(data: bytes, *keys: int) -> Piece:
    return Piece(data, tuple(PictureStart(offset, 0, True) for offset in keys))


def test_who_comes_late_begins_with_the_newest_keyframe() -> None:
    feed = Feed()
    feed.publish(piece(b"oldKEYnew", 3))
    feed.publish(piece(b"more"))
    late = feed.subscribe()
    feed.publish(piece(b"now"))
    assert [late.next(1), late.next(1), late.next(1)] == [b"KEYnew", b"more", b"now"]
    with pytest.raises(queue.Empty):
        late.next(0.01)


def test_a_slow_reader_loses_its_own_place_alone() -> None:
    feed = Feed()
    slow, quick = feed.subscribe(), feed.subscribe()
    for _ in range(LARGEST_QUEUE + 1):
        feed.publish(piece(b"x"))
        assert quick.next(1) == b"x"
    assert slow.overflowed
    assert not quick.overflowed


def test_the_end_reaches_everybody_also_who_comes_afterwards() -> None:
    feed = Feed()
    early = feed.subscribe()
    feed.end()
    assert early.next(1) is None
    assert feed.subscribe().next(1) is None
