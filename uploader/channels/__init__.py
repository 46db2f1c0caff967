"""The channels, by the kind that stands in the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uploader.channels.local import LocalChannel
from uploader.channels.youtube import YouTubeChannel
from uploader.pace import Pace
from uploader.package import Channel, Details, RemoteChannel

__all__ = ["CHANNELS", "REMOTE_CHANNELS", "Channel", "Means", "RemoteChannel", "RemoteKind", "RemoteMeans"]


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a channel may need to be made; each kind takes what it needs."""

    archive: Path  # public folder of the local archive
    withdrawn: Path  # where it keeps what was taken off the air


@dataclass(frozen=True, kw_only=True)
class RemoteMeans:
    """What a channel elsewhere is made of: a client signed on to it, how a video is to stand there, how fast to send.

    `details` may be None where a video is only taken away.
    """

    client: Any
    details: Details | None
    pace: Pace


@dataclass(frozen=True, kw_only=True)
class RemoteKind:
    """A kind of channel elsewhere; see RemoteChannel for `steps` and `optional`, which are known before one is open."""

    steps: tuple[str, ...]
    optional: frozenset[str]
    open: Callable[[RemoteMeans], RemoteChannel]


def _local(means: Means) -> Channel:
    return LocalChannel(archive=means.archive, withdrawn=means.withdrawn)


def _youtube(means: RemoteMeans) -> RemoteChannel:
    return YouTubeChannel(means.client, means.details, means.pace)


CHANNELS: dict[str, Callable[[Means], Channel]] = {"local": _local}
REMOTE_CHANNELS: dict[str, RemoteKind] = {
    "youtube": RemoteKind(steps=YouTubeChannel.steps, optional=YouTubeChannel.optional, open=_youtube)
}
