"""What the stand-in refuses, row by row: the discovery document, YouTube's limits, quota and faults on demand."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import google_auth_httplib2  # type: ignore[import-untyped]
import httplib2  # type: ignore[import-untyped]
import pytest
import requests
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseUpload

from tests.standins.conftest import credentials_of, service
from tests.standins.test_youtube_live import Evening, reason_of
from tests.standins.youtube import YouTube
from tests.standins.youtube_errors import Refusal, Unforeseen
from tests.standins.youtube_oauth import EVERY_CALL, SCOPE
from tests.standins.youtube_quota import UNITS

PAST, SOON = "2020-01-01T12:00:00Z", "2099-01-01T12:00:00Z"


class Plain:
    """Requests that Google's client would never send."""

    def __init__(self, youtube: YouTube) -> None:
        account = youtube.sign_on.accounts["kommunen"]
        token = youtube.sign_on.issue_access(account, frozenset({*EVERY_CALL, SCOPE + "youtube"}))
        self.url, self.headers = youtube.url, {"Authorization": f"Bearer {token}"}

    def __call__(self, verb: str, path: str, body: object = None) -> tuple[int, str]:
        answer = requests.request(verb, self.url + path, json=body, headers=self.headers, timeout=5)
        errors = answer.json()["error"]["errors"] if answer.status_code >= 400 else [{"reason": ""}]
        return answer.status_code, errors[0]["reason"]


LIVE = {"snippet": {"title": "KF", "scheduledStartTime": SOON}, "status": {"privacyStatus": "private"}}
STREAM = {
    "snippet": {"title": "KF"},
    "cdn": {"ingestionType": "rtmp", "frameRate": "30fps", "resolution": "1080p"},
}


def less(body: dict[str, Any], part: str, name: str) -> dict[str, Any]:
    """The body without one field."""
    body = deepcopy(body)
    del body[part][name]
    return body


def more(body: dict[str, Any], part: str, **fields: Any) -> dict[str, Any]:
    """The body with other fields."""
    return {**body, part: {**body.get(part, {}), **fields}}


B, S, V = "youtube/v3/liveBroadcasts", "youtube/v3/liveStreams", "youtube/v3/videos"
INSERT = f"{B}?part=snippet,status,contentDetails"
MALFORMED: list[tuple[str, str, object, int, str]] = [
    ("GET", "youtube/v3/nothing", None, 404, "notFound"),
    ("PUT", "youtube/v3/search?part=snippet", None, 405, "notFound"),
    ("GET", f"{V}?part=snippet&id=a&ids=b", None, 400, "unexpectedParameter"),
    ("GET", f"{V}?id=a", None, 400, "missingRequiredParameter"),
    ("GET", f"{V}?part=snippet,sausage&id=a", None, 400, "unknownPart"),
    ("GET", f"{V}?part=snippet", None, 400, "missingRequiredParameter"),
    ("GET", f"{V}?part=snippet&id=a&maxResults=51", None, 400, "invalidParameter"),
    ("GET", f"{V}?part=snippet&id=a&maxResults=many", None, 400, "invalidParameter"),
    ("GET", f"{B}?part=snippet&mine=yes", None, 400, "invalidParameter"),
    ("GET", f"{B}?part=snippet&broadcastStatus=over", None, 400, "invalidParameter"),
    ("GET", f"{B}?part=snippet&broadcastStatus=all&mine=true", None, 400, "incompatibleParameters"),
    ("GET", f"{B}?part=snippet", None, 400, "missingRequiredParameter"),
    ("GET", f"{B}?part=snippet&mine=true&pageToken=x", None, 400, "invalidPageToken"),
    ("POST", INSERT, "text", 400, "badRequest"),
    ("POST", INSERT, more(LIVE, "snippet", sausage=1), 400, "badRequest"),
    ("POST", INSERT, more(LIVE, "snippet", title=1), 400, "badRequest"),
    ("POST", INSERT, more(LIVE, "snippet", scheduledStartTime="2099-01-01T12:00"), 400, "badRequest"),
    ("POST", INSERT, more(LIVE, "status", privacyStatus="secret"), 400, "badRequest"),
    ("POST", INSERT, more(LIVE, "contentDetails", enableDvr="true"), 400, "badRequest"),
    ("POST", f"{B}?part=snippet", LIVE, 400, "unexpectedPart"),
    ("POST", f"{B}?part=snippet", {"snippet": LIVE["snippet"]}, 400, "missingRequiredParameter"),
    ("POST", INSERT, less(LIVE, "snippet", "title"), 400, "titleRequired"),
    ("POST", INSERT, less(LIVE, "snippet", "scheduledStartTime"), 400, "scheduledStartTimeRequired"),
    ("POST", INSERT, less(LIVE, "status", "privacyStatus"), 400, "privacyStatusRequired"),
    ("POST", INSERT, {"snippet": LIVE["snippet"]}, 400, "privacyStatusRequired"),
    ("POST", f"{S}?part=snippet,cdn", less(STREAM, "cdn", "ingestionType"), 400, "ingestionTypeRequired"),
    ("POST", f"{S}?part=snippet,cdn", less(STREAM, "cdn", "resolution"), 400, "resolutionRequired"),
    ("POST", f"{S}?part=snippet,cdn", less(STREAM, "cdn", "frameRate"), 400, "frameRateRequired"),
    ("POST", f"{V}?part=snippet", {"snippet": {"title": "KF"}}, 400, "mediaBodyRequired"),
    ("DELETE", f"{V}?id=a", {"id": "a"}, 400, "badRequest"),
    ("GET", "youtube/v3/i18nRegions?part=snippet", None, 501, "notImplemented"),
]


@pytest.mark.parametrize(("verb", "path", "body", "status", "reason"), MALFORMED)
def test_what_the_discovery_document_does_not_know(
    youtube: YouTube, verb: str, path: str, body: object, status: int, reason: str
) -> None:
    assert Plain(youtube)(verb, path, body) == (status, reason)
    assert len(youtube.violations) == (0 if reason in ("invalidPageToken",) else 1)


LIMITS: list[tuple[str, str, object, int, str]] = [
    ("POST", INSERT, more(LIVE, "snippet", title="å" * 101), 400, "invalidTitle"),
    ("POST", INSERT, more(LIVE, "snippet", title=" "), 400, "invalidTitle"),
    ("POST", INSERT, more(LIVE, "snippet", title="a<b"), 400, "invalidTitle"),
    ("POST", INSERT, more(LIVE, "snippet", description="å" * 2501), 400, "invalidDescription"),
    ("POST", INSERT, more(LIVE, "snippet", description="a>b"), 400, "invalidDescription"),
    ("POST", INSERT, more(LIVE, "snippet", scheduledStartTime=PAST), 400, "invalidScheduledStartTime"),
    ("POST", INSERT, LIVE, 400, "invalidScheduledStartTime"),  # too far away
    ("POST", INSERT, more(LIVE, "snippet", scheduledEndTime=SOON), 400, "invalidScheduledEndTime"),
    ("GET", f"{B}?part=id&id=none", None, 200, ""),
    ("DELETE", f"{B}?id=none", None, 404, "liveBroadcastNotFound"),
    ("POST", f"{B}/bind?id=none&part=id", None, 404, "liveBroadcastNotFound"),
    ("DELETE", f"{S}?id=none", None, 404, "liveStreamNotFound"),
    ("POST", f"{S}?part=snippet,cdn", more(STREAM, "cdn", frameRate="variable"), 400, "invalidFrameRate"),
    ("DELETE", f"{V}?id=none", None, 404, "videoNotFound"),
    ("PUT", f"{V}?part=snippet", {"id": "none", "snippet": {"title": "x"}}, 404, "videoNotFound"),
    ("GET", "youtube/v3/playlistItems?part=id&playlistId=none", None, 404, "playlistNotFound"),
    ("DELETE", "youtube/v3/playlistItems?id=none", None, 404, "playlistItemNotFound"),
    ("DELETE", "youtube/v3/playlists?id=none", None, 404, "playlistNotFound"),
    ("DELETE", "youtube/v3/captions?id=none", None, 404, "captionNotFound"),
    ("GET", "v2/reports?ids=channel==MINE&startDate=2026-01-01&endDate=2026-02-01", None, 400, "required"),
    ("GET", "v2/reports?ids=channel==X&startDate=2026-01-01&endDate=2026-02-01&metrics=views", None, 403, "forbidden"),
    (
        "GET", "v2/reports?ids=channel==MINE&startDate=2026-01-01&endDate=2026-02-01&metrics=joy", None, 400,
        "badRequest",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "path", "body", "status", "reason"), LIMITS)
def test_youtubes_own_limits(
    youtube: YouTube, verb: str, path: str, body: object, status: int, reason: str
) -> None:
    if reason != "invalidScheduledStartTime":
        youtube.clock.set(datetime(2098, 12, 1, tzinfo=UTC))
    assert Plain(youtube)(verb, path, body) == (status, reason)


def test_embedding_fails_where_the_channel_may_not(youtube: YouTube) -> None:
    youtube.clock.set(datetime(2098, 12, 1, tzinfo=UTC))
    embedded = more(LIVE, "contentDetails", enableEmbed=True)
    assert Plain(youtube)("POST", INSERT, embedded) == (400, "invalidEmbedSetting")
    youtube.sign_on.accounts["kommunen"].embed_allowed = True
    assert Plain(youtube)("POST", INSERT, embedded)[0] == 200


def test_tags_are_counted_with_commas_and_quotes(youtube: YouTube, client: Any) -> None:
    video_id = upload(client)
    for tags, fits in ((["a" * 500], True), (["a" * 249, "b" * 250], True), (["a" * 249, "b" * 251], False),
                       (["a b" + "c" * 496], False), (["a b" + "c" * 495], True)):  # fmt: skip
        body = {"id": video_id, "snippet": {"title": "KF", "categoryId": "25", "tags": tags}}
        request = client.videos().update(part="snippet", body=body)
        if fits:
            assert request.execute()["snippet"]["tags"] == tags
        else:
            assert reason_of(request) == (400, "invalidTags")


def upload(client: Any, **status: str) -> str:
    """A video of random bytes; its id."""
    media = MediaIoBaseUpload(io.BytesIO(os.urandom(3000)), "video/mp4", resumable=True)
    body = {
        "snippet": {"title": "KF", "description": "Ärenden", "defaultAudioLanguage": "sv"},
        "status": status,
    }
    return str(client.videos().insert(part="snippet,status", body=body, media_body=media).execute()["id"])


def test_an_update_deletes_what_it_leaves_out(youtube: YouTube, client: Any) -> None:
    """And an insert drops the language, and is public where it says nothing."""
    video_id = upload(client)
    assert youtube.videos[video_id].status == {"privacyStatus": "public"}
    assert "defaultAudioLanguage" not in youtube.videos[video_id].snippet
    body = {
        "id": video_id,
        "snippet": {"title": "Ny", "categoryId": "25"},
        "status": {"privacyStatus": "private"},
    }
    client.videos().update(part="snippet,status", body=body).execute()
    assert youtube.videos[video_id].snippet == {"title": "Ny", "categoryId": "25"}
    client.videos().update(part="status,recordingDetails", body={"id": video_id, "status": {}}).execute()
    assert youtube.videos[video_id].status == {"privacyStatus": "public"}
    no_category = client.videos().update(part="snippet", body={"id": video_id, "snippet": {"title": "Ny"}})
    assert reason_of(no_category) == (400, "invalidCategoryId")
    planned = {"id": video_id, "status": {"privacyStatus": "public", "publishAt": SOON}}
    assert reason_of(client.videos().update(part="status", body=planned)) == (400, "invalidPublishAt")


def test_playlists_hold_a_video_once(youtube: YouTube, client: Any) -> None:
    videos = [upload(client) for _ in range(3)]
    playlist = (
        client.playlists().insert(part="snippet", body={"snippet": {"title": "KF 2026"}}).execute()["id"]
    )

    def add(video_id: str, to: str = playlist, **where: int) -> Any:
        resource = {"kind": "youtube#video", "videoId": video_id}
        body = {"snippet": {"playlistId": to, "resourceId": resource, **where}}
        return client.playlistItems().insert(part="snippet", body=body)

    items = [add(video_id).execute()["id"] for video_id in videos[:2]]
    add(videos[2], position=0).execute()
    assert reason_of(add(videos[0])) == (409, "videoAlreadyInPlaylist")
    assert reason_of(add("none")) == (404, "videoNotFound")
    uploads = youtube.sign_on.accounts["kommunen"].uploads
    assert reason_of(add(videos[0], to=uploads)) == (400, "playlistOperationUnsupported")
    client.playlistItems().delete(id=items[0]).execute()
    client.videos().delete(id=videos[1]).execute()

    def listed(playlist_id: str) -> list[str]:
        request = client.playlistItems().list(part="contentDetails", playlistId=playlist_id, maxResults=1)
        found = []
        while request is not None:
            answer = request.execute()
            found += [item["contentDetails"]["videoId"] for item in answer["items"]]
            request = client.playlistItems().list_next(request, answer)
        return found

    assert listed(playlist) == [videos[2]]
    assert listed(uploads) == [videos[2], videos[0]]
    assert client.playlists().list(part="contentDetails", mine=True).execute()["items"][0][
        "contentDetails"
    ] == {"itemCount": 1}
    assert youtube.violations == []


def test_a_new_video_is_not_known_everywhere_at_once(youtube: YouTube, client: Any) -> None:
    youtube.video_lag = 1
    video_id = upload(client)
    body = {"snippet": {"videoId": video_id, "language": "sv", "name": ""}}
    text = MediaIoBaseUpload(io.BytesIO(b"no captions"), "text/vtt")
    request = client.captions().insert(part="snippet", body=body, media_body=text)
    assert reason_of(request) == (404, "videoNotFound")
    assert request.execute()["snippet"]["failureReason"] == "unknownFormat"


def test_caps_of_a_day(youtube: YouTube, client: Any) -> None:
    youtube.upload_limit, youtube.thumbnail_limit = 1, 0
    video_id = upload(client)
    with pytest.raises(HttpError) as refused:
        upload(client)
    assert (refused.value.status_code, refused.value.error_details[0]["reason"]) == (
        400,
        "uploadLimitExceeded",
    )
    picture = MediaIoBaseUpload(io.BytesIO(b"x"), "image/png")
    thumbnail = client.thumbnails().set(videoId=video_id, media_body=picture)
    assert reason_of(thumbnail) == (429, "uploadRateLimitExceeded")
    youtube.thumbnail_limit = None
    assert reason_of(thumbnail) == (400, "invalidImage")
    youtube.advance(86_401)
    assert upload(client)


def test_quota_is_counted_and_comes_back_at_midnight_pacific(youtube: YouTube, client: Any) -> None:
    youtube.clock.set(datetime(2026, 11, 24, 7, 59, tzinfo=UTC))  # 23:59 in California
    evening = Evening(youtube, client)
    assert (evening.life, youtube.quota_used) == ("created", 101)
    upload(client)
    assert youtube.quota_used == 101
    assert youtube.quota.used(youtube.now(), "youtube.videos.insert") == 1
    youtube.quota.limits[UNITS] = 150
    assert reason_of(evening.bind()) == (403, "quotaExceeded")
    assert evening.life == "created"  # there is a unit left for that
    youtube.advance(120)
    evening.bind().execute()
    assert (evening.life, youtube.quota_used) == ("ready", 51)
    youtube.quota.limits["youtube.videos.insert"] = 0
    with pytest.raises(HttpError):
        upload(client)


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_fault_comes_before_or_after_the_effect(
    youtube: YouTube, client: Any, when: Any, made: int
) -> None:
    youtube.faults.add(
        "youtube.playlists.insert", when=when, status=403, reason="userRequestsExceedRateLimit", retry_after=7
    )
    request = client.playlists().insert(part="snippet", body={"snippet": {"title": "KF"}})
    with pytest.raises(HttpError) as refused:
        request.execute()
    assert refused.value.error_details[0]["reason"] == "userRequestsExceedRateLimit"
    assert refused.value.resp["retry-after"] == "7"
    assert len(youtube.playlists) == made
    request.execute()
    assert len(youtube.playlists) == made + 1


def test_a_fault_waits_for_its_moment(youtube: YouTube, client: Any) -> None:
    youtube.faults.add("youtube.channels.*", status=500, at=youtube.now() + timedelta(minutes=5))
    request = client.channels().list(part="id", mine=True)
    request.execute()
    youtube.advance(301)
    assert reason_of(request) == (500, "backendError")
    assert (youtube.faults.waiting, len(youtube.faults.struck)) == (0, 1)


def test_httplib2_inserts_twice_where_the_answer_is_lost(youtube: YouTube) -> None:
    """The reason for a transport of our own: this one sends a POST again without being asked."""
    http = httplib2.Http(ca_certs=str(youtube.ca_file))
    credentials = credentials_of(youtube, "kommunen")
    client = service(youtube, google_auth_httplib2.AuthorizedHttp(credentials, http=http))
    client.channels().list(part="id", mine=True).execute()  # a connection that is kept
    youtube.faults.add("youtube.playlists.insert", "cut", "after")
    client.playlists().insert(part="snippet", body={"snippet": {"title": "KF"}}).execute()
    assert len(youtube.playlists) == 2


def test_only_the_fields_that_were_asked_for(youtube: YouTube, client: Any) -> None:
    evening = Evening(youtube, client)
    asked = "pageInfo/totalResults,items(id,status/lifeCycleStatus,snippet(title))"
    answer = client.liveBroadcasts().list(part="id,status,snippet", id=evening.id, fields=asked).execute()
    item = {"id": evening.id, "status": {"lifeCycleStatus": "created"}, "snippet": {"title": "KF"}}
    assert answer == {"pageInfo": {"totalResults": 1}, "items": [item]}


def test_what_people_watched(youtube: YouTube, client: Any, client_of: Callable[..., Any]) -> None:
    watched, alone = upload(client), upload(client)
    youtube.watch(watched, views=40, minutes=900, viewers=12)
    day = youtube.now().date().isoformat()
    query = {"ids": "channel==MINE", "startDate": day, "endDate": day, "dimensions": "video"}
    metrics = "views,estimatedMinutesWatched,peakConcurrentViewers"
    reports = client_of(api="youtubeAnalytics.v2").reports()
    answer = reports.query(metrics=metrics, filters=f"video=={watched},{alone}", **query).execute()
    assert answer["rows"] == [[watched, 40, 900, 12]]
    assert [header["columnType"] for header in answer["columnHeaders"]] == ["DIMENSION", *["METRIC"] * 3]
    assert "rows" not in reports.query(metrics=metrics, filters=f"video=={alone}", **query).execute()


def test_an_answer_of_its_own_that_breaks_the_document_is_a_fault_of_the_stand_in(youtube: YouTube) -> None:
    method = youtube.discovery.by_id["youtube.videos.list"]
    youtube.discovery.answer(method, {"items": [{"id": "a", "status": {"uploadStatus": "processed"}}]})
    wrongs: tuple[object, ...] = (
        {"items": [{"id": 1}]},
        {"item": []},
        {"items": [{"status": {"uploadStatus": "done"}}]},
        None,
    )
    for wrong in wrongs:
        with pytest.raises(Unforeseen):
            youtube.discovery.answer(method, wrong)
    with pytest.raises(Refusal):
        youtube.discovery.find("GET", "/youtube/v4/videos")
