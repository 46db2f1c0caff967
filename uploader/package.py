"""What is handed to a channel, what a channel answers, and what every channel can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

VIDEO_NAME = "video.mp4"
DOUBTED = "doubted"  # set under this name in a publication's memory: is it still there?


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """An agenda item of the finished video; `start` in seconds from its beginning."""

    start: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Package:
    """A finished video with everything that belongs to it.

    `key` is random and names it everywhere. `files`: published name → file on this machine; `video.mp4` is always
    among them. `duration` in seconds.
    """

    key: str
    title: str
    description: str
    body: str | None
    recorded_at: datetime
    audience: Literal["public", "staff"]
    duration: float
    files: Mapping[str, Path]
    chapters: tuple[Chapter, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Details:
    """How a video is to stand on a channel elsewhere, such as YouTube.

    `marker`: random, of this version of this publication alone, so that a video whose id was lost is found by it.
    `language`: BCP 47. `category`: the channel's number for it. `playlist`: its id, "" for none.
    """

    title: str
    description: str
    marker: str
    privacy: Literal["public", "unlisted", "private"] = "public"
    language: str = "sv"
    category: int = 25
    playlist: str = ""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of a publication from earlier tries.

    `address`: its id on the channel, empty until it is known. `memory`: what the channel asked to have remembered,
    plain JSON; it may hold secrets.
    """

    address: str = ""
    memory: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """So much of the work is done, 0 to 100."""

    percent: float


@dataclass(frozen=True, kw_only=True)
class Remember:
    """To be written down before the iterator is advanced; the whole `memory`, and `address` once it is known."""

    address: str = ""
    memory: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Noted:
    """Something was left out that the publication can stand without: a Swedish sentence for a person."""

    sentence: str


@dataclass(frozen=True, kw_only=True)
class Gone:
    """What stood there is not there any more, and what was known of it is to be forgotten: all its steps begin anew."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A step is taken."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """The package stands on the channel under `address`. `fresh` is False when it already stood there."""

    address: str
    fresh: bool


Happening = Progress | Remember | Noted | Gone | Done


class Channel(Protocol):
    """A place where finished video is published. Every method may be called twice: the second time changes nothing.

    All raise UploadError.
    """

    def publish(self, package: Package) -> Iterator[Progress | Published]:
        """Publish `package`, or find that it is already there; the last thing yielded is Published.

        Where another version stands under the same key it is replaced in one go.
        """
        ...

    def withdraw(self, address: str, reason: str) -> None:
        """Take it off the air at once; the files remain."""
        ...

    def restore(self, address: str) -> None:
        """Put a withdrawn video back under the same address."""
        ...

    def delete(self, address: str) -> None:
        """Destroy it on the channel, withdrawn or not."""
        ...


class RemoteChannel(Protocol):
    """A channel on somebody else's machine: publishing goes in steps, each taken, and repeated, by itself.

    All raise UploadError. Every method may be called twice: the second time changes nothing.
    """

    steps: tuple[str, ...]
    """In this order; after the last one the publication is seen there as it should be."""

    optional: frozenset[str]
    """Those whose failure does not keep the publication from being published."""

    def take(self, step: str, package: Package, standing: Standing) -> Iterator[Happening]:
        """Take one step; the last thing yielded is Done. Abandoned halfway it can be taken again."""
        ...

    def withdraw(self, address: str, reason: str) -> None:
        """Take it off the air at once; it remains there, hidden, and comes back by its steps taken again."""
        ...

    def delete(self, address: str) -> None:
        """Destroy it there, withdrawn or not."""
        ...

    def left_behind(self, stem: str) -> list[str]:
        """The addresses of what was sent there and never shown, with a marker that begins so."""
        ...
