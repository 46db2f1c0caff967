"""The channels of the settings, ready to be used."""

from __future__ import annotations

from schedules.settings import Settings
from uploader.channels import CHANNELS, Means
from uploader.errors import UploadError
from uploader.package import Channel


def open_channel(settings: Settings, key: str) -> Channel:
    """The channel that stands under `key` in the settings. Raises UploadError where there is none."""
    chosen = settings.channels.get(key)
    if chosen is None:
        raise UploadError(
            f"Kanalen {key!r} finns inte i inställningarna. Lägg till den under channels och försök igen.",
            permanent=True,
        )
    # One archive for all local channels: a video's key is its address, whatever the channel is called.
    archive = settings.archive_folder("_").parent.absolute()
    return CHANNELS[chosen.kind](Means(archive=archive, withdrawn=archive.with_name("withdrawn")))
