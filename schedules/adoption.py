"""A broadcast that the platform recorded itself, kept as the film's publication there.

A body whose `youtube.archive` is "keep" keeps it where nothing but the empty head and tail was cut from the recording;
then nothing is uploaded, and viewers keep the address at which they watched. Otherwise our own film takes its place;
where the film goes to no channel of that account, there is none, and what must not be seen is only hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from broadcast.cuts import Cut, original_second
from broadcast.ledger import read_ledger
from schedules.models import Broadcast, Video
from schedules.settings import Settings
from schedules.wording import templates_of
from uploader.package import Chapter, Package

ENDS = frozenset({"head", "waiting", "tail"})
"""Reasons for cuts that only take the slate and the silence at either end away."""


def adopt(settings: Settings, video: Video, channel: str) -> str | None:
    """The address of the broadcast that is to be the publication on `channel`; None: our own film is."""
    broadcast = _broadcast_there(settings, video, channel)
    if broadcast is None or not is_whole(video):
        return None
    if channel in video.also and templates_of(settings, video.body).archive != "keep":
        return None
    return broadcast.address


def outdated_broadcast(
    settings: Settings, video: Video, channel: str, known: Iterable[Mapping[str, Any]]
) -> str | None:
    """The address of the broadcast that our own film on `channel` takes the place of, where it is not `known` yet."""
    broadcast = _broadcast_there(settings, video, channel)
    if broadcast is None or any(was["address"] == broadcast.address for was in known):
        return None
    return broadcast.address


def chapters_there(settings: Settings, video: Video, channel: str, package: Package) -> Package:
    """The package with its chapters on the clock of the platform's own recording, which begins when it went live."""
    broadcast = _broadcast_there(settings, video, channel)
    if broadcast is None or broadcast.live_at is None or video.meeting is None:
        return replace(package, chapters=())
    marks = sorted(
        (item.marked_at, item.position, item.title)
        for item in video.meeting.agenda
        if item.marked_at is not None
    )
    chapters = [
        Chapter(start=max((at - broadcast.live_at).total_seconds(), 0.0), title=title)
        for at, _, title in marks
    ]
    return replace(package, chapters=tuple(chapters))


def seconds_before(settings: Settings, video: Video, channel: str) -> float:
    """How many seconds into the platform's own recording the film begins; what is cut is only at either end."""
    broadcast = _broadcast_there(settings, video, channel)
    if broadcast is None or broadcast.live_at is None:
        return 0.0
    made = [Cut(float(c["start"]), float(c["end"]), str(c["reason"])) for c in video.made_cuts]
    began = read_ledger(video.original).epoch + timedelta(seconds=original_second(0.0, made))
    return (began - broadcast.live_at).total_seconds()


def broadcasts_of(settings: Settings, video: Video) -> Iterator[tuple[str, str]]:
    """What platforms may show of the video's meeting: (channel, address). The channel is the one that the account has
    in the settings, best one of the video's own; or, where it has none, the platform itself by its key."""
    for broadcast in video.meeting.broadcasts if video.meeting else ():
        if broadcast.address and broadcast.deleted_at is None:
            yield _channel_of(settings, video, broadcast), broadcast.address


def is_whole(video: Video) -> bool:
    """Whether nothing but the slate at either end was cut from the recording."""
    inner = [
        cut
        for cut in video.made_cuts
        if cut["reason"] not in ENDS or (cut["reason"] == "waiting" and float(cut["start"]) > 0)
    ]
    return not inner


def _channel_of(settings: Settings, video: Video, broadcast: Broadcast) -> str:
    platform = settings.platforms.get(broadcast.platform)
    for key in (*video.also, *settings.channels):
        channel = settings.channels.get(key)
        if channel and channel.account and platform and channel.account == platform.account:
            return key
    return broadcast.platform


def _broadcast_there(settings: Settings, video: Video, channel: str) -> Broadcast | None:
    """The meeting's broadcast that `channel` shows a recording of, if it went live."""
    for broadcast in video.meeting.broadcasts if video.meeting else ():
        if broadcast.address and broadcast.live_at and broadcast.deleted_at is None:
            if _channel_of(settings, video, broadcast) == channel:
                return broadcast
    return None
