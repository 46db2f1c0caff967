"""When YouTube is asked again after an error, and whether a person is told of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from broadcast.platforms.youtube.reasons import Do, PlatformError

TELL_SECONDS = 20.0  # passing trouble is nobody's business for so long
OVER_SECONDS = 3.0  # after the gavel there is little time: no longer wait than this
REREADS = 5  # in a row: then it is no longer a matter of looking once more

_WAITS = {  # first wait, growth, longest; seconds
    Do.RETRY: (2.0, 1.5, 60.0),
    Do.SLOWER: (10.0, 1.5, 120.0),
    Do.REREAD: (2.0, 1.5, 60.0),
    Do.AWAIT_STREAM: (3.0, 1.0, 3.0),
    Do.GONE: (5.0, 1.5, 60.0),
    Do.AWAIT_QUOTA: (600.0, 1.0, 600.0),  # asking costs nothing, and a person may have got us more
    Do.PERSON: (60.0, 2.0, 300.0),
    Do.MISTAKE: (60.0, 2.0, 300.0),
}
_AT_ONCE = frozenset({Do.PERSON, Do.MISTAKE, Do.AWAIT_QUOTA})


@dataclass
class Patience:
    """Errors in a row, since when, and what was told of them."""

    attempts: int = 0
    since: datetime | None = None
    told: str | None = None  # None: nothing is known yet, not even that all is well
    not_before: datetime | None = None

    def waits(self, now: datetime) -> bool:
        """Whether it is too early for another try."""
        return self.not_before is not None and now < self.not_before

    def failed(self, error: PlatformError, now: datetime, *, over: bool) -> bool:
        """Take an error. True: it is to be told."""
        self.attempts += 1
        self.since = self.since or now
        first, growth, longest = _WAITS[error.do]
        wait = min(longest, first * growth ** min(self.attempts - 1, 30)) * random.uniform(0.8, 1.2)  # noqa: S311
        self.not_before = now + timedelta(seconds=min(wait, OVER_SECONDS) if over else wait)
        if not self._worth_telling(error, now) or self.told == str(error):
            return False
        self.told = str(error)
        return True

    def _worth_telling(self, error: PlatformError, now: datetime) -> bool:
        if error.do is Do.AWAIT_STREAM:
            return False  # who sends is told of it by who sends
        if self.told and error.do not in _AT_ONCE:
            return False  # one passing trouble after another is no news
        if error.do is Do.REREAD and self.attempts < REREADS:
            return False
        lasted = now - (self.since or now)
        return error.do in _AT_ONCE or lasted >= timedelta(seconds=TELL_SECONDS)

    def succeeded(self) -> bool:
        """A request was answered. True: it is to be told that all is well (again)."""
        told, self.told = self.told, ""
        self.attempts, self.since, self.not_before = 0, None, None
        return told != ""

    def hurry(self) -> None:
        """The meeting is over: try at once."""
        self.not_before = None
