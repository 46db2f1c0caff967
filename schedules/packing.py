"""A finished video as it is handed to a channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from schedules.models import Video
from schedules.settings import Settings
from schedules.states import Audience
from uploader.package import Chapter, Package


def package_of(settings: Settings, video: Video) -> Package:
    """The video's rendition with everything that lies beside it. Raises FileNotFoundError where it is gone."""
    files = {file.name: file for file in sorted(rendition_of(video).parent.iterdir()) if file.is_file()}
    if video.duration is None:
        raise RuntimeError(f"video {video.id} was never rendered")
    return Package(
        key=video.key,
        title=video.title,
        description=video.description,
        body=video.body,
        recorded_at=video.recorded_at,
        audience=audience_of(settings, video),
        duration=video.duration,
        files={name: file for name, file in files.items() if not name.startswith(".")},
        chapters=tuple(Chapter(start=float(c["start"]), title=str(c["title"])) for c in video.chapters),
    )


def rendition_of(video: Video) -> Path:
    """The finished MP4. Raises FileNotFoundError where it is gone."""
    if video.rendition is None or not video.rendition.is_file():
        raise FileNotFoundError(2, "den färdiga filen finns inte kvar", str(video.rendition))
    return video.rendition


def audience_of(settings: Settings, video: Video) -> Literal["public", "staff"]:
    """Who may see it: the narrower of what the video and its home say, so that what is for the staff never becomes
    public by way of a channel."""
    home = settings.channels.get(video.channel)
    narrow = video.audience is Audience.STAFF or (home is not None and home.audience is Audience.STAFF)
    return "staff" if narrow else "public"


def film_of(video: Video) -> dict[str, Any]:
    """What viewers find where the video has been published: `Publication.film`."""
    return {
        "title": video.title,
        "description": video.description,
        "duration": video.duration,
        "width": video.width,
        "height": video.height,
        "chapters": list(video.chapters),
    }
