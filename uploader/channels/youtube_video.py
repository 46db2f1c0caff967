"""One video among a channel's on YouTube: found, read and changed, by the calls of the Data API.

https://developers.google.com/youtube/v3/docs. All raise what the client raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from googleapiclient.errors import HttpError
from googleapiclient.http import MediaFileUpload

from uploader.metadata import has_marker, is_marked
from uploader.youtube_errors import reason_of

PAGES = 4  # of 50: a video whose id was lost is among the newest
CAPTION_NAME = "Läktare"  # beside which others may have captions of their own in the same language
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_SNIPPET = ("title", "description", "tags", "categoryId", "defaultLanguage", "defaultAudioLanguage")
_STATUS = (
    "embeddable", "license", "publicStatsViewable", "selfDeclaredMadeForKids", "containsSyntheticMedia",
)  # fmt: skip

Json = dict[str, Any]


def find_marked(client: Any, marker: str) -> str | None:
    """The id of the channel's video whose description ends in `marker`, among its newest; None: there is none."""
    for item in _uploads(client, PAGES):
        if is_marked(item["snippet"].get("description", ""), marker):
            return str(item["snippet"]["resourceId"]["videoId"])
    return None


def hidden_marked(client: Any, stem: str) -> list[str]:
    """The ids of all the channel's private videos with a marker that begins with `stem`; a unit for every 50 videos."""
    return [
        str(item["snippet"]["resourceId"]["videoId"])
        for item in _uploads(client, None)
        if item["status"]["privacyStatus"] == "private"
        and has_marker(item["snippet"].get("description", ""), stem)
    ]


def _uploads(client: Any, pages: int | None) -> Iterator[Json]:
    """The channel's videos, the newest first; pages: at most so many, of 50."""
    mine = client.channels().list(part="contentDetails", mine=True).execute()
    uploads = mine["items"][0]["contentDetails"]["relatedPlaylists"]["uploads"]
    token = None
    for _ in count() if pages is None else range(pages):
        listing = client.playlistItems().list(
            part="snippet,status", playlistId=uploads, maxResults=50, pageToken=token
        )
        try:
            page = listing.execute()
        except HttpError as error:
            if error.resp.status == 404:  # a channel without videos has no such list yet
                return
            raise
        yield from page.get("items", [])
        token = page.get("nextPageToken")
        if token is None:
            return


def read(client: Any, video: str, *parts: str) -> Json | None:
    """These parts of the video; None where there is none."""
    items = client.videos().list(part=",".join(parts), id=video).execute().get("items", [])
    return dict(items[0]) if items else None


def describe(client: Any, present: Json, snippet: Json, recording: Json) -> None:
    """Change these fields; `present` is the video as read with both parts, whose other fields remain.

    An update deletes what the named part leaves out.
    """
    old_snippet = {name: value for name, value in present.get("snippet", {}).items() if name in _SNIPPET}
    old_recording = present.get("recordingDetails", {})
    new = {"snippet": old_snippet | snippet, "recordingDetails": old_recording | recording}
    if new != {"snippet": old_snippet, "recordingDetails": old_recording}:
        client.videos().update(part=",".join(new), body={"id": present["id"], **new}).execute()


def set_privacy(client: Any, present: Json, privacy: str) -> None:
    """Change that alone; `present` is the video as read with its status. A time set for publishing is dropped."""
    status = {name: value for name, value in present["status"].items() if name in _STATUS}
    body = {"id": present["id"], "status": {**status, "privacyStatus": privacy}}
    client.videos().update(part="status", body=body).execute()


def put_caption(client: Any, video: str, language: str, file: Path) -> None:
    """Our captions in this language, in place of those that we put there before."""
    snippet = {"videoId": video, "language": language, "name": CAPTION_NAME, "isDraft": False}
    media = MediaFileUpload(str(file), mimetype="text/vtt")
    try:
        client.captions().insert(part="snippet", body={"snippet": snippet}, media_body=media).execute()
        return
    except HttpError as error:
        if error.resp.status != 409:
            raise
    for track in client.captions().list(part="snippet", videoId=video).execute().get("items", []):
        if (track["snippet"]["language"], track["snippet"]["name"]) == (language, CAPTION_NAME):
            body = {"id": track["id"], "snippet": {"isDraft": False}}
            client.captions().update(part="snippet", body=body, media_body=media).execute()


def put_thumbnail(client: Any, video: str, file: Path) -> None:
    """The picture that stands for the video."""
    media = MediaFileUpload(str(file), mimetype="image/jpeg")
    client.thumbnails().set(videoId=video, media_body=media).execute()


def put_in_playlist(client: Any, video: str, playlist: str) -> None:
    """The video is in the playlist, once."""
    if _entries(client, video, playlist):
        return
    resource = {"kind": "youtube#video", "videoId": video}
    body = {"snippet": {"playlistId": playlist, "resourceId": resource}}
    try:
        client.playlistItems().insert(part="snippet", body=body).execute()
    except HttpError as error:
        if reason_of(error) != "videoAlreadyInPlaylist":
            raise


def take_from_playlist(client: Any, video: str, playlist: str) -> None:
    """The video is not in the playlist, which may itself be gone."""
    try:
        for entry in _entries(client, video, playlist):
            client.playlistItems().delete(id=entry).execute()
    except HttpError as error:
        if error.resp.status != 404:
            raise


def delete(client: Any, video: str) -> None:
    """The video is gone for ever."""
    try:
        client.videos().delete(id=video).execute()
    except HttpError as error:
        if error.resp.status != 404:
            raise


def seconds(present: Json) -> int:
    """How long it is, from contentDetails; 0 while YouTube does not know."""
    found = _ISO.fullmatch(present["contentDetails"].get("duration", ""))
    days, hours, minutes, rest = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def _entries(client: Any, video: str, playlist: str) -> list[str]:
    found = (
        client.playlistItems().list(part="id", playlistId=playlist, videoId=video, maxResults=50).execute()
    )
    return [item["id"] for item in found.get("items", [])]
