"""Videos: what was uploaded or broadcast, YouTube's limits of its texts, and the processing that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import av

from tests.standins.youtube_call import Media
from tests.standins.youtube_clock import rfc3339
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_oauth import Account

if TYPE_CHECKING:
    from tests.standins.youtube_live import Broadcast

TITLE_CHARACTERS, DESCRIPTION_BYTES, TAG_CHARACTERS = 100, 5_000, 500
PROCESSING_SECONDS = 30
PROCESSING_POLLS = 2


@dataclass
class Video:
    """snippet and status: what clients may write. viewers: None where YouTube leaves the number out."""

    id: str
    account: Account
    published: datetime
    snippet: Json
    status: Json
    recording: Json = field(default_factory=dict)
    localizations: Json = field(default_factory=dict)
    media: Media | None = None
    broadcast: Broadcast | None = None
    seconds: float = 0.0
    upload_status: str = "uploaded"
    failure: Json = field(
        default_factory=dict
    )  # {"failureReason": …} or {"rejectionReason": …}, once processed
    process_from: datetime | None = None
    polls: int = 0
    thumbnail: Media | None = None
    viewers: int | None = None
    views: int = 0
    minutes_watched: int = 0
    peak_viewers: int = 0
    lag: int = 0  # so many 404 before its thumbnails, captions and playlists know it

    @property
    def title(self) -> str:
        return str(self.snippet["title"])

    @property
    def sha256(self) -> str | None:
        return self.media.sha256 if self.media else None

    @property
    def bytes_received(self) -> int:
        return self.media.received if self.media else 0

    @property
    def bytes_sent_twice(self) -> int:
        return self.media.received - self.media.size if self.media else 0

    def archive(self, now: datetime, lasted: timedelta, *, kept: bool) -> None:
        """Its broadcast is over: the archive is processed, or there is none."""
        self.process_from, self.polls, self.seconds = now, 0, lasted.total_seconds()
        self.viewers = None
        if not kept:
            self.failure = {"failureReason": "uploadAborted"}

    def settle(self, now: datetime) -> None:
        """Processing goes on by the clock, or by being asked after."""
        if self.process_from is None or self.upload_status != "uploaded":
            return
        self.polls += 1
        if self.polls > PROCESSING_POLLS or now - self.process_from >= timedelta(seconds=PROCESSING_SECONDS):
            kinds = {"failureReason": "failed", "rejectionReason": "rejected"}
            self.upload_status = kinds[next(iter(self.failure))] if self.failure else "processed"

    def thumbnails(self) -> Json:
        sizes = {"default": (120, 90), "medium": (320, 180), "high": (480, 360)}
        if self.thumbnail is not None:
            sizes |= {"standard": (640, 480), "maxres": (1280, 720)}
        return {
            name: {"url": f"https://i.ytimg.com/vi/{self.id}/{name}.jpg", "width": width, "height": height}
            for name, (width, height) in sizes.items()
        }  # fmt: skip

    def as_json(self, now: datetime) -> Json:
        """The whole resource."""
        live = self.broadcast
        content = "none"
        if live is not None and live.life != "complete":
            content = "live" if live.life == "live" else "upcoming"
        done = self.upload_status == "processed"
        processing = {"uploaded": "processing", "processed": "succeeded", "rejected": "terminated"}
        answer: Json = {
            "kind": "youtube#video", "etag": "etag", "id": self.id,
            "snippet": {
                "categoryId": "22", **self.snippet, "publishedAt": rfc3339(self.published),
                "channelId": self.account.channel_id, "channelTitle": self.account.title,
                "thumbnails": self.thumbnails(), "liveBroadcastContent": content,
                "localized": {"title": self.title, "description": self.snippet.get("description", "")},
            },
            "status": {
                "embeddable": True, "license": "youtube", "publicStatsViewable": True, "madeForKids": False,
                **self.status, "uploadStatus": self.upload_status, **(self.failure if self._ended() else {}),
            },
            "contentDetails": {
                "duration": iso_duration(self.seconds) if done else "P0D", "dimension": "2d", "definition": "hd",
                "caption": "false", "licensedContent": False, "projection": "rectangular",
                "hasCustomThumbnail": self.thumbnail is not None,
            },
            "processingDetails": {
                "processingStatus": processing.get(self.upload_status, "failed"),
                "thumbnailsAvailability": "available" if done else "inProgress",
            },
            "recordingDetails": self.recording,
            "statistics": {"viewCount": str(self.views), "likeCount": "0", "favoriteCount": "0", "commentCount": "0"},
            "player": {"embedHtml": f'<iframe src="//www.youtube.com/embed/{self.id}"></iframe>'},
        }  # fmt: skip
        if self.localizations:
            answer["localizations"] = self.localizations
        if live is not None:
            answer["liveStreamingDetails"] = self._live_json(live)
        return answer

    def _ended(self) -> bool:
        return self.upload_status in ("failed", "rejected")

    def _live_json(self, live: Broadcast) -> Json:
        details: Json = {"scheduledStartTime": rfc3339(live.scheduled_start)}
        for name, moment in (
            ("scheduledEndTime", live.scheduled_end),
            ("actualStartTime", live.started),
            ("actualEndTime", live.ended),
        ):
            if moment is not None:
                details[name] = rfc3339(moment)
        if live.life == "live" and self.viewers is not None:
            details["concurrentViewers"] = str(self.viewers)
        return details


def iso_duration(seconds: float) -> str:
    """PT1H2M3S, as contentDetails.duration has it: whole seconds."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    parts = "".join(f"{n}{unit}" for n, unit in ((hour, "H"), (minute, "M"), (second, "S")) if n)
    return f"PT{parts}" if parts else "PT0S"


def film_seconds(path: Path) -> float | None:
    """How long a film is; None where it is no film."""
    try:
        with av.open(str(path), metadata_errors="replace") as film:
            if film.duration and any(stream.width for stream in film.streams.video):
                return film.duration / av.time_base
    except (av.FFmpegError, OSError, ValueError):
        pass  # random bytes fail in many ways
    return None


def check_text(snippet: Json) -> None:
    """YouTube's limits of title, description and tags. Refusal 400."""
    title, description = snippet.get("title", ""), snippet.get("description", "")
    if not title.strip() or len(title) > TITLE_CHARACTERS or set("<>") & set(title):
        raise Refusal(400, "invalidTitle", "The request metadata specifies an invalid or empty video title.")
    if len(description.encode()) > DESCRIPTION_BYTES or set("<>") & set(description):
        raise Refusal(
            400, "invalidDescription", "The request metadata specifies an invalid video description."
        )
    tags = snippet.get("tags", [])
    length = sum(len(tag) + 2 * (" " in tag) for tag in tags) + max(len(tags) - 1, 0)
    if length > TAG_CHARACTERS or any(set("<>") & set(tag) for tag in tags):
        raise Refusal(400, "invalidTags", "The request metadata specifies invalid video keywords.")
