"""Which of the new times is which of the old, when a rule or an exported series has changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

Key = TypeVar("Key")
New = TypeVar("New")

NEAR = timedelta(days=6, hours=12)  # a weekly meeting that changes its weekday is still that week's meeting


def pair(
    old: Mapping[Key, datetime], new: Mapping[New, datetime], *, within: timedelta = NEAR
) -> dict[Key, New]:
    """Old → new, the nearest in time first, each used once, none further apart than `within`.

    All times naive, or all aware. What finds no partner is left out.
    """
    distances = _distances(old.items(), new.items(), within)
    pairs: dict[Key, New] = {}
    taken: set[New] = set()
    for _, _, before, after in sorted(distances, key=lambda distance: distance[:2]):
        if before not in pairs and after not in taken:
            pairs[before] = after
            taken.add(after)
    return pairs


def _distances(
    old: Iterable[tuple[Key, datetime]], new: Iterable[tuple[New, datetime]], within: timedelta
) -> list[tuple[timedelta, datetime, Key, New]]:
    new = list(new)
    return [
        (abs(then - was), was, before, after)
        for before, was in old
        for after, then in new
        if abs(then - was) <= within
    ]
