"""A broadcast that the platform recorded itself, kept as the film's publication there.

A body whose `youtube.archive` is "keep" keeps it where nothing but the empty head and tail was cut from the recording;
then nothing is uploaded, and viewers keep the address at which they watched. Otherwise our own film takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from schedules.models import Broadcast, Video
from schedules.settings import Settings
from schedules.wording import templates_of
from uploader.package import Chapter, Package

ENDS = frozenset({"head", "waiting", "tail"})
"""Reasons for cuts that only take the slate and the silence at either end away."""


def adopt(settings: Settings, video: Video, channel: str) -> str | None:
    """The address of the broadcast that is to be the publication on `channel`; None: our own film is."""
    broadcast = _broadcast_there(settings, video, channel)
    if broadcast is None or templates_of(settings, video.body).archive != "keep" or not _whole(video):
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


def _broadcast_there(settings: Settings, video: Video, channel: str) -> Broadcast | None:
    """The meeting's broadcast in the same account as `channel`, if it went live there."""
    chosen = settings.channels.get(channel)
    if chosen is None or chosen.account is None or video.meeting is None:
        return None
    for broadcast in video.meeting.broadcasts:
        platform = settings.platforms.get(broadcast.platform)
        same = platform is not None and platform.account == chosen.account
        if same and broadcast.address and broadcast.live_at and broadcast.deleted_at is None:
            return broadcast
    return None


def _whole(video: Video) -> bool:
    inner = [
        cut
        for cut in video.made_cuts
        if cut["reason"] not in ENDS or (cut["reason"] == "waiting" and float(cut["start"]) > 0)
    ]
    return not inner
