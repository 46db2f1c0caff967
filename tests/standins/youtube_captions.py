"""The methods of captions and thumbnails.

captions.insert with `sync` is refused: the parameter is dead. A file that is neither WebVTT nor SubRip is taken, as
YouTube takes it, and the track then fails.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from PIL import Image

from tests.standins.youtube_call import Call, Media, checks, handles
from tests.standins.youtube_clock import rfc3339
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_video_methods import own_video, written_video
from tests.standins.youtube_videos import Video

TIMES = re.compile(r"\d\d:\d\d[:,.\d]* --> \d\d:\d\d[:,.\d]*")
IMAGES = ("image/jpeg", "image/png", "application/octet-stream")
WRITABLE = ("language", "name", "isDraft", "isCC", "isLarge", "isEasyReader", "audioTrackType")


@dataclass
class Track:
    """One track of captions."""

    id: str
    video: Video
    snippet: Json
    media: Media
    updated: datetime

    @property
    def text(self) -> str:
        return self.media.path.read_text(encoding="utf-8", errors="replace")

    def as_json(self) -> Json:
        works = TIMES.search(self.text) is not None
        state: Json = (
            {"status": "serving"} if works else {"status": "failed", "failureReason": "unknownFormat"}
        )
        return {
            "kind": "youtube#caption", "etag": "etag", "id": self.id,
            "snippet": {
                "videoId": self.video.id, "lastUpdated": rfc3339(self.updated), "trackKind": "standard",
                "audioTrackType": "unknown", "isCC": False, "isLarge": False, "isEasyReader": False,
                "isDraft": False, "isAutoSynced": False, **self.snippet, **state,
            },
        }  # fmt: skip


@checks("youtube.captions.insert")
def check_insert(call: Call) -> None:
    """What is wrong before the file is taken. 409 captionExists for the same language and name."""
    if "snippet" not in call.body:
        raise Refusal(400, "invalidMetadata", "snippet is missing")
    snippet = call.body["snippet"]
    if "sync" in call.parameters:
        raise Refusal(400, "unexpectedParameter", "sync is no longer supported")
    if not re.fullmatch(r"[a-z]{2,3}(-\w+)*", snippet["language"]):
        raise Refusal(400, "invalidMetadata", "snippet.language must be BCP-47")
    if len(snippet["name"]) > 150:
        raise Refusal(400, "nameTooLong", "The name is longer than 150 characters.")
    video = written_video(call, snippet["videoId"])
    same = (snippet["language"], snippet["name"])
    if any(
        track.video is video and (track.snippet["language"], track.snippet["name"]) == same
        for track in call.youtube.captions.values()
    ):
        raise Refusal(409, "captionExists", "The video already has a track of this language and name.")
    if call.media_size == 0:
        raise Refusal(400, "contentRequired", "The request does not contain the caption track contents.")


@handles("youtube.captions.insert")
def insert(call: Call) -> Json:
    """A new track."""
    assert call.media is not None
    snippet = call.body["snippet"]
    track = Track(
        secrets.token_urlsafe(24), own_video(call, snippet["videoId"]),
        {name: snippet[name] for name in WRITABLE if name in snippet}, call.media, call.youtube.now(),
    )  # fmt: skip
    call.youtube.captions[track.id] = track
    return call.answer_with(track.as_json())


def _own(call: Call, track_id: str) -> Track:
    found = call.youtube.captions.get(track_id)
    if found is None:
        raise Refusal(404, "captionNotFound", "The caption track could not be found.")
    own_video(call, found.video.id)
    return found


@handles("youtube.captions.list")
def list_(call: Call) -> Json:
    """Of one video."""
    video = own_video(call, call.parameters["videoId"])
    wanted = call.parameters.get("id")
    found = [
        t for t in call.youtube.captions.values() if t.video is video and (wanted is None or t.id in wanted)
    ]
    return {
        "kind": "youtube#captionListResponse", "etag": "etag",
        "items": [call.answer_with(track.as_json()) for track in found],
    }  # fmt: skip


@checks("youtube.captions.update")
def check_update(call: Call) -> None:
    """There must be such a track."""
    _own(call, call.body["id"])


@handles("youtube.captions.update")
def update(call: Call) -> Json:
    """A new file, or another isDraft: nothing else can be changed."""
    track = _own(call, call.body["id"])
    if "snippet" in call.parts:
        track.snippet["isDraft"] = call.body.get("snippet", {}).get("isDraft", False)
    if call.media is not None:
        track.media = call.media
    track.updated = call.youtube.now()
    return call.answer_with(track.as_json())


@handles("youtube.captions.delete")
def delete(call: Call) -> None:
    """Gone."""
    del call.youtube.captions[_own(call, call.parameters["id"]).id]


@handles("youtube.captions.download")
def download(call: Call) -> bytes:
    """The file as it came; no other format is made of it."""
    if {"tfmt", "tlang"} & set(call.parameters):
        raise Refusal(400, "couldNotConvert", "The track could not be converted.")
    return _own(call, call.parameters["id"]).media.path.read_bytes()


@checks("youtube.thumbnails.set")
def check_thumbnail(call: Call) -> None:
    """Size, type, and how many the channel has set today."""
    written_video(call, call.parameters["videoId"])
    if call.media_mime not in IMAGES:
        raise Refusal(400, "mediaBodyRequired", "The request does not include the image content.")
    assert call.method.media is not None
    if call.media_size is not None and call.media_size > int(call.method.media["maxSize"]):
        raise Refusal(413, "uploadTooLarge", "The image is too large.")
    limit, day = call.youtube.thumbnail_limit, call.youtube.now() - timedelta(days=1)
    times = call.youtube.thumbnail_times.setdefault(call.account.name, [])
    if limit is not None and sum(moment > day for moment in times) >= limit:
        raise Refusal(
            429, "uploadRateLimitExceeded", "The channel has uploaded too many thumbnails recently."
        )
    times.append(call.youtube.now())


@handles("youtube.thumbnails.set")
def set_thumbnail(call: Call) -> Json:
    """Takes the place of the one there was."""
    assert call.media is not None
    try:
        with Image.open(call.media.path) as image:
            image.verify()
    except (OSError, SyntaxError) as error:
        raise Refusal(400, "invalidImage", "The provided image content is invalid.") from error
    video = own_video(call, call.parameters["videoId"])
    video.thumbnail = call.media
    return {"kind": "youtube#thumbnailSetResponse", "etag": "etag", "items": [video.thumbnails()]}
