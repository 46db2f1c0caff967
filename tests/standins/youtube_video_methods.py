"""The methods of videos."""

from __future__ import annotations

from tests.standins.youtube_call import Call, checks, handles
from tests.standins.youtube_clock import parse_rfc3339
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_videos import Video, check_text

WRITABLE_STATUS = (
    "privacyStatus", "publishAt", "embeddable", "license", "publicStatsViewable", "selfDeclaredMadeForKids",
    "containsSyntheticMedia",
)  # fmt: skip
WRITABLE_SNIPPET = ("title", "description", "tags", "categoryId", "defaultLanguage", "defaultAudioLanguage")


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
