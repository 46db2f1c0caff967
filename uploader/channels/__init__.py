"""The channels, by the kind that stands in the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from uploader.channels.local import LocalChannel
from uploader.package import Channel

__all__ = ["CHANNELS", "Channel", "Means"]


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a channel may need to be made; each kind takes what it needs."""

    archive: Path  # public folder of the local archive
    withdrawn: Path  # where it keeps what was taken off the air


def _local(means: Means) -> Channel:
    return LocalChannel(archive=means.archive, withdrawn=means.withdrawn)


CHANNELS: dict[str, Callable[[Means], Channel]] = {"local": _local}
