"""One of YouTube's two ingest points: RTMPS by our own courier, whose key comes on a pipe."""

from __future__ import annotations

import json
import os
import sys

from broadcast.errors import BroadcastError, NotReady
from broadcast.ffmpeg import Ffmpeg
from broadcast.platforms.youtube.plan import Address
from broadcast.process import Process
from broadcast.relay import TURNED_AWAY

FIRST_SECONDS, GROWTH, LONGEST_SECONDS = 2.0, 1.5, 60.0  # measured manners for a tolerant ingest
TURNED_AWAY_TIMES = 3  # in a row: that is no hiccup, it does not know the key


class KeyRefused(BroadcastError):
    """The ingest turns us away each time as soon as it has heard the key."""

    permanent = True


class YouTubeIngest:
    """part: "primary" or "backup"; ca_file: PEM of whom to trust. Nothing is sent before it was `given` an address."""

    def __init__(self, part: str, ca_file: str) -> None:
        self.part = part
        self._ca_file = ca_file
        self._address: Address | None = None
        self._turned_away = 0  # times in a row

    def give(self, address: Address) -> None:
        """Where to send."""
        if address != self._address:
            self._address, self._turned_away = address, 0

    def prepare(self) -> None:
        """Raises NotReady before there is an address."""
        if self._address is None:
            raise NotReady

    def begin(self, ffmpeg: Ffmpeg, *, input_fd: int, progress_fd: int) -> Process:
        """The courier, told where to."""
        assert self._address is not None  # noqa: S101 - prepare has made sure
        told = {"url": self._address.url, "key": self._address.key, "ca_file": self._ca_file}
        address_fd, write_fd = os.pipe()
        with os.fdopen(write_fd, "w") as pipe:
            json.dump(told, pipe)  # far smaller than a pipe holds
        command = [
            sys.executable,
            "-m",
            "broadcast.courier",
            str(input_fd),
            str(progress_fd),
            str(address_fd),
        ]
        return Process(command, pass_fds=(input_fd, progress_fd, address_fd))

    def ended(self, status: int) -> None:
        """Count how often it turned us away. Raises KeyRefused, which keeps nobody from another try: it may be its
        own trouble, and the API may be away as well."""
        self._turned_away = self._turned_away + 1 if status == TURNED_AWAY else 0
        if self._turned_away >= TURNED_AWAY_TIMES:
            raise KeyRefused("strömnyckeln godtas inte")

    def retry_after(self, attempt: int) -> float:
        """2 s, growing by half to a minute, for ever."""
        return float(min(LONGEST_SECONDS, FIRST_SECONDS * GROWTH ** min(attempt - 1, 30)))

    def finish(self) -> None:
        """The broadcast is ended by who steers it."""
