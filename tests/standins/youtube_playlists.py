"""The methods of playlists and playlistItems; the uploads playlist is read only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from tests.standins.youtube_call import Call, handles
from tests.standins.youtube_clock import rfc3339
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_oauth import Account
from tests.standins.youtube_video_methods import written_video
from tests.standins.youtube_videos import Video


@dataclass
class Item:
    """A video in a playlist."""

    id: str
    video: Video
    added: datetime


@dataclass
class Playlist:
    """Its items in their order."""

    id: str
    account: Account
    published: datetime
    snippet: Json
    status: Json
    items: list[Item] = field(default_factory=list)

    def as_json(self) -> Json:
        return {
            "kind": "youtube#playlist", "etag": "etag", "id": self.id,
            "snippet": {
                "description": "", **self.snippet, "publishedAt": rfc3339(self.published),
                "channelId": self.account.channel_id, "channelTitle": self.account.title,
            },
            "status": self.status, "contentDetails": {"itemCount": len(self.items)},
        }  # fmt: skip


def _own(call: Call, playlist_id: str) -> Playlist:
    found = call.youtube.playlists.get(playlist_id)
    if found is None:
        raise Refusal(404, "playlistNotFound", "The playlist identified with the request cannot be found.")
    if found.account is not call.account:
        raise Refusal(403, "playlistForbidden", "The playlist belongs to another channel.")
    return found


def _check(snippet: Json) -> Json:
    if not 1 <= len(snippet["title"]) <= 150 or set("<>") & set(snippet["title"]):
        raise Refusal(400, "invalidPlaylistSnippet", "The playlist's title is invalid.")
    return {key: snippet[key] for key in ("title", "description", "defaultLanguage") if key in snippet}


@handles("youtube.playlists.insert")
def insert(call: Call) -> Json:
    """An empty playlist, public where nothing else is said."""
    if "snippet" not in call.body:
        raise Refusal(400, "playlistTitleRequired", "The request must specify a playlist title.")
    playlist = Playlist(
        "PL" + secrets.token_urlsafe(24)[:32], call.account, call.youtube.now(), _check(call.body["snippet"]),
        {"privacyStatus": "public", **call.body.get("status", {})},
    )  # fmt: skip
    call.youtube.playlists[playlist.id] = playlist
    return call.answer_with(playlist.as_json())


@handles("youtube.playlists.list")
def list_(call: Call) -> Json:
    """By id, mine or channelId."""
    by = call.one_filter("id", "mine", "channelId")
    found = list(call.youtube.playlists.values())
    if by == "id":
        found = [p for p in found if p.id in call.parameters["id"]]
    elif by == "mine":
        found = [p for p in found if p.account is call.account]
    else:
        found = [p for p in found if p.account.channel_id == call.parameters["channelId"]]
    found = [p for p in found if p.account is call.account or p.status["privacyStatus"] != "private"]
    return call.page([playlist.as_json() for playlist in found])


@handles("youtube.playlists.update")
def update(call: Call) -> Json:
    """Replaces the named parts."""
    playlist = _own(call, call.body.get("id", ""))
    if "snippet" in call.parts:
        playlist.snippet = _check(call.body["snippet"])
    if "status" in call.parts:
        playlist.status = {"privacyStatus": "public", **call.body.get("status", {})}
    return call.answer_with(playlist.as_json())


@handles("youtube.playlists.delete")
def delete(call: Call) -> None:
    """The list; its videos stand."""
    del call.youtube.playlists[_own(call, call.parameters["id"]).id]


def _item_json(item: Item, playlist_id: str, position: int) -> Json:
    video = item.video
    return {
        "kind": "youtube#playlistItem", "etag": "etag", "id": item.id,
        "snippet": {
            "publishedAt": rfc3339(item.added), "channelId": video.account.channel_id, "title": video.title,
            "description": video.snippet.get("description", ""), "channelTitle": video.account.title,
            "playlistId": playlist_id, "position": position, "thumbnails": video.thumbnails(),
            "resourceId": {"kind": "youtube#video", "videoId": video.id},
            "videoOwnerChannelTitle": video.account.title, "videoOwnerChannelId": video.account.channel_id,
        },
        "contentDetails": {"videoId": video.id, "videoPublishedAt": rfc3339(video.published)},
        "status": {"privacyStatus": video.status["privacyStatus"]},
    }  # fmt: skip


def uploads_of(call: Call, account: Account) -> list[Item]:
    """Newest first; a broadcast is there once it is over."""
    videos = [
        video
        for video in call.youtube.videos.values()
        if video.account is account and (video.broadcast is None or video.broadcast.life == "complete")
    ]
    if account is not call.account:
        videos = [video for video in videos if video.status["privacyStatus"] == "public"]
    return [Item(f"UU.{video.id}", video, video.published) for video in reversed(videos)]


@handles("youtube.playlistItems.list")
def list_items(call: Call) -> Json:
    """By id, or by playlistId, with videoId as a further filter."""
    by = call.one_filter("id", "playlistId")
    lists = {p.id: p.items for p in call.youtube.playlists.values() if p.account is call.account}
    for account in call.youtube.sign_on.accounts.values():
        lists[account.uploads] = uploads_of(call, account)
    if by == "playlistId":
        wanted = call.parameters["playlistId"]
        if wanted not in lists:
            raise Refusal(
                404, "playlistNotFound", "The playlist identified with the request cannot be found."
            )
        lists = {wanted: lists[wanted]}
    found = [
        _item_json(item, playlist_id, position)
        for playlist_id, items in lists.items()
        for position, item in enumerate(items)
        if (by == "playlistId" or item.id in call.parameters["id"])
        and call.parameters.get("videoId") in (None, item.video.id)
    ]
    return call.page(found)


@handles("youtube.playlistItems.insert")
def insert_item(call: Call) -> Json:
    """At `position` or at the end; never twice."""
    if "snippet" not in call.body:
        raise Refusal(400, "playlistIdRequired", "snippet is missing")
    snippet = call.body["snippet"]
    if snippet["playlistId"] in {account.uploads for account in call.youtube.sign_on.accounts.values()}:
        raise Refusal(400, "playlistOperationUnsupported", "The uploads playlist cannot be changed.")
    playlist = _own(call, snippet["playlistId"])
    if snippet["resourceId"].get("kind") != "youtube#video":
        raise Refusal(400, "invalidResourceType", "The type of the resource is not supported.")
    video = written_video(call, snippet["resourceId"].get("videoId", ""))
    if any(item.video is video for item in playlist.items):
        raise Refusal(409, "videoAlreadyInPlaylist", "Video already in playlist.")
    item = Item("UEx" + secrets.token_urlsafe(24), video, call.youtube.now())
    position = min(snippet.get("position", len(playlist.items)), len(playlist.items))
    playlist.items.insert(position, item)
    return call.answer_with(_item_json(item, playlist.id, position))


@handles("youtube.playlistItems.delete")
def delete_item(call: Call) -> None:
    """Out of the list; the video stands."""
    for playlist in call.youtube.playlists.values():
        for item in playlist.items:
            if item.id == call.parameters["id"] and playlist.account is call.account:
                playlist.items.remove(item)
                return
    raise Refusal(404, "playlistItemNotFound", "The playlist item cannot be found.")
