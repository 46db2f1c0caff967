"""Videos: what was uploaded or broadcast, its limits, and the processing that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import av

from tests.standins.youtube_call import Call, Media, checks, handles
from tests.standins.youtube_clock import parse_rfc3339, rfc3339
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_oauth import Account

if TYPE_CHECKING:
    from tests.standins.youtube_live import Broadcast

TITLE_CHARACTERS, DESCRIPTION_BYTES, TAG_CHARACTERS = 100, 5_000, 500
PROCESSING_SECONDS = 30
PROCESSING_POLLS = 2
WRITABLE_STATUS = (
    "privacyStatus", "publishAt", "embeddable", "license", "publicStatsViewable", "selfDeclaredMadeForKids",
    "containsSyntheticMedia",
)  # fmt: skip
WRITABLE_SNIPPET = ("title", "description", "tags", "categoryId", "defaultLanguage", "defaultAudioLanguage")


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


def _check_status(status: Json) -> None:
    if "publishAt" in status and status.get("privacyStatus") != "private":
        raise Refusal(400, "invalidPublishAt", "publishAt may be set only while the video is private.")


def _writable(part: Json, names: tuple[str, ...]) -> Json:
    return {name: value for name, value in part.items() if name in names}


@checks("youtube.videos.insert")
def check_insert(call: Call) -> None:
    """The metadata, before the first byte. defaultAudioLanguage is not settable here."""
    if "snippet" not in call.body:
        raise Refusal(400, "invalidTitle", "The request metadata specifies an invalid or empty video title.")
    check_text(call.body["snippet"])
    _check_status(call.body.get("status", {}))
    if not (call.media_mime.startswith("video/") or call.media_mime == "application/octet-stream"):
        raise Refusal(400, "mediaBodyRequired", f"no video: {call.media_mime}")
    if call.media_size is not None and call.media_size > int(call.method.media["maxSize"]):  # type: ignore[index]
        raise Refusal(400, "uploadTooLarge", "The video is too large.")
    call.youtube.count_upload(call.account)


@handles("youtube.videos.insert")
def insert(call: Call) -> Json:
    """A new video. An omitted privacyStatus is public (since 2026-11-02); defaultAudioLanguage is dropped."""
    assert call.media is not None
    snippet = _writable(call.body["snippet"], WRITABLE_SNIPPET[:-1])
    video = Video(
        id=call.youtube.new_id(), account=call.account, published=call.youtube.now(), snippet=snippet,
        status={"privacyStatus": "public", **_writable(call.body.get("status", {}), WRITABLE_STATUS)},
        recording=call.body.get("recordingDetails", {}), localizations=call.body.get("localizations", {}),
        media=call.media, process_from=call.youtube.now(),
    )  # fmt: skip
    call.youtube.begin_processing(video)
    call.youtube.videos[video.id] = video
    return call.answer_with(video.as_json(call.youtube.now()))


@handles("youtube.videos.list")
def list_(call: Call) -> Json:
    """By id (one's own in any state, others' unless private), or by chart, of which there are none here."""
    by, now = call.one_filter("id", "chart", "myRating"), call.youtube.now()
    if by != "id":
        return call.page([])
    owner_only = {"processingDetails", "fileDetails", "suggestions"} & set(call.parts)
    found = []
    for video_id in call.parameters["id"]:
        video = call.youtube.videos.get(video_id)
        if video is None or (
            video.account is not call.account and video.status["privacyStatus"] == "private"
        ):
            continue
        if owner_only and video.account is not call.account:
            raise Refusal(403, "forbidden", "The request cannot access these parts of another's video.")
        if video.broadcast is not None:
            video.broadcast.settle(now)
        video.settle(now)
        found.append(video.as_json(now))
    return call.page(found)


def own_video(call: Call, video_id: str) -> Video:
    """A video of the account's own. Refusal 404 where there is none, 403 where it is another's."""
    video = call.youtube.videos.get(video_id)
    if video is None:
        raise Refusal(404, "videoNotFound", "The video that you are trying to reach cannot be found.")
    if video.account is not call.account:
        raise Refusal(403, "forbidden", "The video belongs to another channel.")
    return video


def written_video(call: Call, video_id: str) -> Video:
    """The same for thumbnails, captions and playlists, where a new video is not known at once. Refusal 404."""
    video = own_video(call, video_id)
    if video.lag:
        video.lag -= 1
        raise Refusal(404, "videoNotFound", "The video that you are trying to reach cannot be found.")
    return video


@handles("youtube.videos.update")
def update(call: Call) -> Json:
    """Replaces the named parts: what a part leaves out is deleted, privacyStatus then public."""
    video = own_video(call, call.body["id"])
    if "snippet" in call.parts:
        snippet = call.body.get("snippet", {})
        check_text(snippet)
        if "categoryId" not in snippet:
            raise Refusal(
                400, "invalidCategoryId", "The snippet.categoryId property specifies an invalid category."
            )
        video.snippet = _writable(snippet, WRITABLE_SNIPPET)
    if "status" in call.parts:
        status = _writable(call.body.get("status", {}), WRITABLE_STATUS)
        _check_status(status)
        if "publishAt" in status and parse_rfc3339(status["publishAt"]) <= call.youtube.now():
            status = {**status, "privacyStatus": "public"}
            del status["publishAt"]
        video.status = {"privacyStatus": "public", **status}
    if "recordingDetails" in call.parts:
        video.recording = call.body.get("recordingDetails", {})
    if "localizations" in call.parts:
        video.localizations = call.body.get("localizations", {})
    return call.answer_with(video.as_json(call.youtube.now()))


@handles("youtube.videos.delete")
def delete(call: Call) -> None:
    """Gone, from every playlist too."""
    call.youtube.remove_video(own_video(call, call.parameters["id"]).id)
