"""The stand-in's live broadcasts: the whole evening, and each refusal of the state machine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from tests.standins.youtube import YouTube
from tests.standins.youtube_clock import rfc3339

MONITOR = {"enableMonitorStream": False, "broadcastStreamDelayMs": 0}  # both are demanded of an update
QUIET = {"enableAutoStart": False, "enableAutoStop": False, "monitorStream": MONITOR}


def reason_of(request: Any) -> tuple[int, str]:
    """What a request is refused with."""
    with pytest.raises(HttpError) as refused:
        request.execute()
    return refused.value.status_code, refused.value.error_details[0]["reason"]


class Evening:
    """One broadcast on one stream, through the client."""

    def __init__(self, youtube: YouTube, client: Any, details: dict[str, Any] | None = None) -> None:
        self.youtube, self.client = youtube, client
        self.start = youtube.now() + timedelta(hours=2)
        self.id = client.liveBroadcasts().insert(part="snippet,status,contentDetails", body={
            "snippet": {"title": "KF", "scheduledStartTime": rfc3339(self.start)},
            "status": {"privacyStatus": "unlisted"}, "contentDetails": QUIET if details is None else details,
        }).execute()["id"]  # fmt: skip
        stream = client.liveStreams().insert(part="snippet,cdn,contentDetails", body={
            "snippet": {"title": "KF"}, "contentDetails": {"isReusable": True},
            "cdn": {"ingestionType": "rtmp", "frameRate": "variable", "resolution": "variable"},
        }).execute()  # fmt: skip
        self.stream_id, self.key = stream["id"], stream["cdn"]["ingestionInfo"]["streamName"]

    def bind(self, stream_id: str | None = None) -> Any:
        return self.client.liveBroadcasts().bind(
            id=self.id, part="id,status", streamId=stream_id or self.stream_id
        )

    def to(self, status: str) -> Any:
        return self.client.liveBroadcasts().transition(id=self.id, part="status", broadcastStatus=status)

    def update(self, part: str, **body: Any) -> Any:
        return self.client.liveBroadcasts().update(part=part, body={"id": self.id, **body})

    def delete(self) -> Any:
        return self.client.liveBroadcasts().delete(id=self.id)

    @property
    def life(self) -> str:
        found = self.client.liveBroadcasts().list(part="status", id=self.id).execute()["items"]
        return str(found[0]["status"]["lifeCycleStatus"])

    def go_live(self) -> None:
        self.bind().execute()
        self.youtube.packets(self.key, flowing=True)
        self.to("live").execute()
        assert [self.life, self.life] == ["liveStarting", "live"]


@pytest.fixture
def evening(youtube: YouTube, client: Any) -> Evening:
    return Evening(youtube, client)


def test_a_whole_evening(youtube: YouTube, client: Any, evening: Evening) -> None:
    assert evening.life == "created"
    assert reason_of(evening.to("live")) == (403, "invalidTransition")
    evening.bind().execute()
    assert evening.life == "ready"
    assert reason_of(evening.to("live")) == (403, "errorStreamInactive")
    evening.go_live()
    assert reason_of(evening.to("live")) == (403, "redundantTransition")
    youtube.watch(evening.id, views=40, minutes=900, viewers=12)
    details = client.videos().list(part="liveStreamingDetails,snippet", id=evening.id).execute()["items"][0]
    assert details["liveStreamingDetails"]["concurrentViewers"] == "12"
    assert details["snippet"]["liveBroadcastContent"] == "live"
    youtube.packets(evening.key, flowing=False)
    youtube.advance(600)
    assert evening.life == "live"  # autoStop is off: the same key resumes it
    youtube.packets(evening.key, flowing=True)
    youtube.advance(3000)
    uploads = youtube.sign_on.accounts["kommunen"].uploads
    assert client.playlistItems().list(part="id", playlistId=uploads).execute()["items"] == []
    assert evening.to("complete").execute()["status"]["recordingStatus"] == "recorded"
    assert reason_of(evening.to("complete")) == (403, "redundantTransition")
    assert reason_of(evening.to("live")) == (403, "invalidTransition")
    listed = client.playlistItems().list(part="contentDetails", playlistId=uploads).execute()["items"]
    assert [item["contentDetails"]["videoId"] for item in listed] == [evening.id]
    youtube.advance(60)
    video = (
        client.videos()
        .list(part="status,contentDetails,liveStreamingDetails", id=evening.id)
        .execute()["items"][0]
    )
    assert video["status"]["uploadStatus"] == "processed"
    assert video["contentDetails"]["duration"] == "PT1H"
    assert "concurrentViewers" not in video["liveStreamingDetails"]
    assert youtube.violations == []


def test_testing_needs_the_monitor_and_live_then_needs_testing(youtube: YouTube, client: Any) -> None:
    evening = Evening(youtube, client, {**QUIET, "monitorStream": {"enableMonitorStream": True}})
    evening.bind().execute()
    youtube.packets(evening.key, flowing=True)
    assert reason_of(evening.to("live")) == (403, "invalidTransition")
    evening.to("testing").execute()
    assert reason_of(evening.to("testing")) == (403, "redundantTransition")
    youtube.advance(11)
    assert evening.life == "testing"
    evening.to("live").execute()
    assert [evening.life, evening.life] == ["liveStarting", "live"]
    unmonitored = Evening(youtube, client)
    unmonitored.bind().execute()
    youtube.packets(unmonitored.key, flowing=True)
    assert reason_of(unmonitored.to("testing")) == (403, "invalidTransition")


def test_what_is_left_out_bites(youtube: YouTube, client: Any) -> None:
    evening = Evening(youtube, client, {})
    evening.bind().execute()
    youtube.packets(evening.key, flowing=True)
    assert [evening.life, evening.life] == ["liveStarting", "live"]  # autoStart, monitor or not
    youtube.packets(evening.key, flowing=False)
    youtube.advance(59)
    assert evening.life == "live"
    youtube.advance(2)
    assert evening.life == "complete"  # autoStop


def test_a_green_encoder_whose_packets_are_lost_is_pushed_anew(youtube: YouTube, evening: Evening) -> None:
    evening.bind().execute()
    youtube.packets(evening.key, flowing=True)
    youtube.hang_ingest()
    assert reason_of(evening.to("live")) == (403, "errorStreamInactive")
    youtube.packets(evening.key, flowing=False)
    youtube.packets(evening.key, flowing=True)
    evening.to("live").execute()


def test_no_archive_of_more_than_twelve_hours(youtube: YouTube, client: Any, evening: Evening) -> None:
    evening.go_live()
    youtube.advance(12 * 3600)
    evening.to("complete").execute()
    youtube.advance(60)
    assert (
        client.videos().list(part="status", id=evening.id).execute()["items"][0]["status"]["uploadStatus"]
        == "failed"
    )


def test_what_may_be_changed_and_when(youtube: YouTube, evening: Evening) -> None:
    snippet = {"title": "Ny titel", "scheduledStartTime": rfc3339(evening.start)}
    later = {**snippet, "scheduledStartTime": rfc3339(evening.start + timedelta(hours=1))}
    evening.update("contentDetails", contentDetails={**QUIET, "enableDvr": False}).execute()
    evening.update("snippet", snippet=later).execute()
    evening.update("snippet", snippet=snippet).execute()
    evening.go_live()
    evening.update("snippet,status", snippet=snippet, status={"privacyStatus": "public"}).execute()
    assert youtube.videos[evening.id].status["privacyStatus"] == "public"
    changed = evening.update("contentDetails", contentDetails=QUIET)
    assert reason_of(changed) == (403, "enableDvrModificationNotAllowed")
    assert reason_of(evening.update("snippet", snippet=later)) == (
        403,
        "scheduledStartTimeModificationNotAllowed",
    )
    assert reason_of(evening.bind()) == (403, "liveBroadcastBindingNotAllowed")
    assert reason_of(evening.delete()) == (403, "liveBroadcastDeletionNotAllowed")
    assert reason_of(evening.client.liveStreams().delete(id=evening.stream_id)) == (
        403,
        "liveStreamDeletionNotAllowed",
    )


def test_a_cancelled_broadcast_is_gone_with_its_video(youtube: YouTube, evening: Evening) -> None:
    evening.delete().execute()
    assert (youtube.videos, youtube.broadcasts) == ({}, {})
    assert reason_of(evening.delete()) == (404, "liveBroadcastNotFound")


def test_another_channel_sees_nothing(youtube: YouTube, client_of: Any, evening: Evening) -> None:
    youtube.add_account("nämnden")
    other = client_of("nämnden")
    assert other.liveBroadcasts().list(part="id", mine=True).execute()["items"] == []
    assert other.liveStreams().list(part="id", id=evening.stream_id).execute()["items"] == []
    assert reason_of(other.liveBroadcasts().delete(id=evening.id)) == (404, "liveBroadcastNotFound")


def test_health_as_told(youtube: YouTube, client: Any, evening: Evening) -> None:
    issue = {
        "type": "videoIngestionStarved",
        "severity": "error",
        "reason": "Starved",
        "description": "No video.",
    }
    youtube.set_health(evening.stream_id, "bad", [issue])
    status = client.liveStreams().list(part="status", id=evening.stream_id).execute()["items"][0]["status"]
    assert (status["healthStatus"]["status"], status["healthStatus"]["configurationIssues"]) == (
        "bad",
        [issue],
    )


def test_too_many_at_once(youtube: YouTube, client: Any) -> None:
    for _ in range(12):
        Evening(youtube, client).go_live()
    last = Evening(youtube, client)
    last.bind().execute()
    youtube.packets(last.key, flowing=True)
    assert reason_of(last.to("live")) == (403, "concurrentBroadcastsExceedLimit")


@pytest.mark.parametrize(
    "reason", ["liveStreamingNotEnabled", "livePermissionBlocked", "insufficientLivePermissions"]
)
def test_a_channel_that_may_not_broadcast(youtube: YouTube, client: Any, reason: str) -> None:
    youtube.sign_on.accounts["kommunen"].live = reason
    assert reason_of(client.liveBroadcasts().list(part="id", mine=True)) == (403, reason)
    assert reason_of(client.liveStreams().list(part="id", mine=True)) == (403, reason)
