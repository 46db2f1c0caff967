"""Units a day and project, as Google counts them.

https://developers.google.com/youtube/v3/determine_quota_cost. What the live methods cost is not documented: lists are
taken as 1 and everything else as 50, as in the rest of the API. A refused request costs as much as one that succeeds
("at least one" is documented: the stricter reading); one that quota itself refuses costs nothing.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from tests.standins.youtube_clock import pacific_day
from tests.standins.youtube_discovery import Method
from tests.standins.youtube_errors import Refusal

COSTS = {
    "youtube.captions.list": 50, "youtube.captions.insert": 400, "youtube.captions.update": 450,
    "youtube.captions.download": 200, "youtube.videos.insert": 1, "youtube.search.list": 1,
}  # fmt: skip
OWN_BUCKETS = {"youtube.videos.insert": 100, "youtube.search.list": 100}  # calls a day (since 2026-06-01)
UNITS = "units"


def cost_of(method: Method) -> int:
    """Units of one call; 0 for the Analytics API, which has a quota of its own."""
    if not method.id.startswith("youtube."):
        return 0
    return COSTS.get(method.id, 1 if method.verb == "GET" else 50)


class Quota:
    """limits: bucket → units a day; the bucket of most methods is "units"."""

    def __init__(self, units: int = 10_000) -> None:
        self.limits = {UNITS: units, **OWN_BUCKETS}
        self._used: Counter[tuple[str, str]] = Counter()  # (Pacific day, bucket)

    def charge(self, method: Method, now: datetime) -> int:
        """What the call cost. Refusal 403 quotaExceeded where the day's units do not reach."""
        bucket = method.id if method.id in OWN_BUCKETS else UNITS
        cost = cost_of(method)
        key = (pacific_day(now), bucket)
        if self._used[key] + cost > self.limits[bucket]:
            raise Refusal(
                403, "quotaExceeded", "The request cannot be completed because you have exceeded your quota."
            )
        self._used[key] += cost
        return cost

    def used(self, now: datetime, bucket: str = UNITS) -> int:
        """Units of the running Pacific day."""
        return self._used[pacific_day(now), bucket]
