"""Where a meeting is streamed live: one file per platform, registered in `PLATFORMS`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from broadcast.platforms.local import LocalPlatform


class LivePlatform(Protocol):
    """A platform for one meeting. `key` is its name in the settings."""

    key: str

    def prepare(self) -> None:
        """Make ready to be sent to. Raises BroadcastError when it is not, with what to do."""

    def output(self, stream: Any) -> Any:
        """The ffmpeg-python output that carries the copied `stream` (picture and sound) there."""

    def retry_after(self, attempt: int) -> float:
        """Seconds to wait before the `attempt`th new try (from 1) after a lost link."""

    def finish(self) -> None:
        """Say there that the broadcast is over. Taking it twice is harmless."""


PLATFORMS: dict[str, Callable[[str, Path], LivePlatform]] = {"local": LocalPlatform}
"""Kind → maker, given the platform's key and a folder of its own for the meeting."""
