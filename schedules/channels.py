"""The channels of the settings, ready to be used."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

from sqlalchemy import select

from schedules.models import LiveProcess, Meeting, Publication, Video
from schedules.settings import ChannelSettings, PlatformSettings, Settings
from schedules.states import ON_AIR
from schedules.wording import Wording, templates_of, video_wording
from schedules.workshop import Workshop
from schedules.youtube.accounts import AccountError, open_youtube
from uploader.channels import CHANNELS, REMOTE_CHANNELS, Means, RemoteMeans
from uploader.errors import UploadError
from uploader.metadata import MetadataError
from uploader.pace import Pace
from uploader.package import Channel, Details, RemoteChannel

ON_AIR_FRESH = timedelta(seconds=15)  # the live process reports every second


def open_channel(settings: Settings, key: str) -> Channel:
    """The channel of our own that stands under `key` in the settings. Raises UploadError where there is none."""
    chosen = _chosen(settings, key)
    if chosen.kind not in CHANNELS:
        raise UploadError(
            f"Kanalen {key!r} är inte längre av slaget local. Ändra tillbaka den i inställningarna.",
            permanent=True,
        )
    # One archive for all local channels: a video's key is its address, whatever the channel is called.
    archive = settings.archive_folder("_").parent.absolute()
    return CHANNELS[chosen.kind](Means(archive=archive, withdrawn=archive.with_name("withdrawn")))


@contextmanager
def open_remote(
    workshop: Workshop, key: str, details: Details | None, *, takedown: bool = False
) -> Iterator[RemoteChannel]:
    """The channel elsewhere that stands under `key` in the settings. Raises UploadError where it cannot be used.

    takedown: only to take something off the air, for which the quota's reserve may be used; `key` may then be that of a
    platform that recorded it.
    """
    settings = workshop.settings
    chosen: ChannelSettings | PlatformSettings | None = settings.channels.get(key)
    if takedown and chosen is None:
        chosen = settings.platforms.get(key)
    chosen = chosen or _chosen(settings, key)
    if chosen.account is None or chosen.kind not in REMOTE_CHANNELS:
        raise UploadError(
            f"Kanalen {key!r} är inte längre en kanal på en annan plats. Ändra tillbaka den.",
            permanent=True,
        )
    try:
        client = open_youtube(settings, workshop.database, chosen.account, steering=takedown)
    except AccountError as error:
        raise UploadError(str(error), permanent=True) from None
    pace = Pace(
        bytes_per_second=settings.youtube.upload_kbit * 125 or None,
        may_send=_may_send(workshop),
    )
    with closing(client):
        yield REMOTE_CHANNELS[chosen.kind].open(RemoteMeans(client=client, details=details, pace=pace))


def steps_of(settings: Settings, key: str) -> tuple[str, ...]:
    """The steps of publishing on the channel elsewhere under `key`; where it has left the settings, the one that says
    so when it is taken."""
    chosen = settings.channels.get(key)
    return REMOTE_CHANNELS[chosen.kind].steps if chosen and chosen.kind in REMOTE_CHANNELS else ("open",)


def is_optional(settings: Settings, key: str, step: str) -> bool:
    """Whether a publication on the channel under `key` can stand without `step`."""
    chosen = settings.channels.get(key)
    return bool(chosen and chosen.kind in REMOTE_CHANNELS and step in REMOTE_CHANNELS[chosen.kind].optional)


def _chosen(settings: Settings, key: str) -> ChannelSettings:
    chosen = settings.channels.get(key)
    if chosen is None:
        raise UploadError(
            f"Kanalen {key!r} finns inte i inställningarna. Lägg till den under channels och försök igen.",
            permanent=True,
        )
    return chosen


def details_of(settings: Settings, video: Video, publication: Publication, *, checked: bool) -> Details:
    """How the video is to stand there. Raises UploadError where its texts break a limit there and that is `checked`:
    nothing may stand in the way of taking it off the air."""
    wanted = templates_of(settings, video.body)
    try:
        wording = video_wording(settings, video)
    except MetadataError as error:
        if checked:
            raise UploadError(f"Videon passar inte på YouTube: {error}.", permanent=True) from None
        wording = Wording(title=video.title, description="")
    return Details(
        title=wording.title,
        description=wording.description,
        marker=_marker(video, publication),
        privacy=wanted.privacy,
        language=wanted.language,
        category=wanted.category,
        playlist=wanted.playlist,
    )


def stem_of(video: Video) -> str:
    """What the markers of all versions of the film begin with. Not the key: whoever knows it can fetch the files."""
    return f"{hashlib.sha256(video.key.encode()).hexdigest()[:12]}-"


def _marker(video: Video, publication: Publication) -> str:
    """What tells this version of this film on a channel."""
    if publication.memory.get("adopted") and video.meeting is not None:
        for broadcast in video.meeting.broadcasts:
            if broadcast.address == publication.address:
                return broadcast.marker
    return f"{stem_of(video)}{publication.version}"


def _may_send(workshop: Workshop) -> Callable[[], bool]:
    """Whether bytes may leave the machine now: not while it sends a meeting, unless that was allowed."""
    asked = [0.0, True]

    def may_send() -> bool:
        if workshop.stop.is_set():
            return False
        if not workshop.settings.youtube.upload_while_live and time.monotonic() - asked[0] >= 2:
            asked[:] = [time.monotonic(), not _sends_a_meeting(workshop)]
        return bool(asked[1])

    return may_send


def _sends_a_meeting(workshop: Workshop) -> bool:
    fresh = workshop.now() - ON_AIR_FRESH
    query = select(LiveProcess.meeting_id).join(Meeting, Meeting.id == LiveProcess.meeting_id)
    here = query.where(
        LiveProcess.host == socket.gethostname(), LiveProcess.heartbeat_at > fresh, Meeting.state.in_(ON_AIR)
    )
    with workshop.database.session() as session:
        return session.scalars(here.limit(1)).first() is not None
