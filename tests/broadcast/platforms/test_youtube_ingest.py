"""When an ingest that turns us away is said to refuse the key, and that it is tried again all the same."""

from __future__ import annotations

import pytest

from broadcast.errors import NotReady
from broadcast.platforms.youtube.ingest import KeyRefused, YouTubeIngest
from broadcast.platforms.youtube.plan import Address
from broadcast.relay import TURNED_AWAY

ADDRESS = Address(url="rtmps://a.rtmps.youtube.com/live2", key="abcd")


def test_three_times_in_a_row_is_a_refusal_and_no_end() -> None:
    ingest = YouTubeIngest("primary", "ca.pem")
    with pytest.raises(NotReady):
        ingest.prepare()
    ingest.give(ADDRESS)
    for status in (TURNED_AWAY, TURNED_AWAY, 1, TURNED_AWAY, TURNED_AWAY):
        ingest.ended(status)
    with pytest.raises(KeyRefused):
        ingest.ended(TURNED_AWAY)
    ingest.prepare()  # though nobody has given the address anew: the API may be away too
    ingest.give(ADDRESS)
    with pytest.raises(KeyRefused):
        ingest.ended(TURNED_AWAY)
    ingest.give(Address(url=ADDRESS.url, key="efgh"))
    ingest.ended(TURNED_AWAY)
