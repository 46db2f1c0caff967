"""Broadcasts and streams: the live state machine, driven by whether packets arrive.

https://developers.google.com/youtube/v3/live/life-of-a-broadcast. Where the documentation is silent the stricter
reading holds: an omitted `enableAutoStart` or `enableAutoStop` is true (as Studio sets them), so that a client that
forgets them is bitten; an omitted `enableMonitorStream` is true (documented), so that `ready → live` is refused.
The *Starting states last until they have been seen once, or for `STARTING_SECONDS`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.standins.youtube_clock import rfc3339
from tests.standins.youtube_errors import Json
from tests.standins.youtube_oauth import Account

if TYPE_CHECKING:
    from tests.standins.youtube_videos import Video

STARTING_SECONDS = 10
AUTO_STOP_SECONDS = 60
ARCHIVE_HOURS = 12  # longer broadcasts get no automatic archive
EDITABLE = ("created", "ready")


@dataclass
class Stream:
    """A stream key and what arrives under it. health: as set by a test, else by the packets."""

    id: str
    account: Account
    title: str
    description: str
    cdn: Json
    reusable: bool
    published: datetime
    key: str = field(repr=False, default_factory=lambda: "-".join(secrets.token_hex(2) for _ in range(5)))
    flowing: set[str] = field(
        default_factory=set
    )  # "primary", "backup": where packets arrive and are not lost
    was_active: bool = False
    health: str | None = None
    issues: list[Json] = field(default_factory=list)  # the same
    seen_issues: list[Json] = field(default_factory=list)  # in the packets
    error: bool = False

    @property
    def status(self) -> str:
        if self.error:
            return "error"
        if self.flowing:
            return "active"
        return "inactive" if self.was_active else "ready"

    def _health(self) -> tuple[str, list[Json]]:
        """healthStatus and configurationIssues."""
        issues = self.issues or self.seen_issues
        if self.health is not None or not self.flowing:
            return self.health or "noData", issues
        severities = {issue["severity"] for issue in issues}
        return "bad" if "error" in severities else "ok" if "warning" in severities else "good", issues

    def as_json(self, ingestion: Json, now: datetime) -> Json:
        """The whole resource; `ingestion` is the addresses."""
        health, issues = self._health()
        return {
            "kind": "youtube#liveStream", "etag": "etag", "id": self.id,
            "snippet": {
                "channelId": self.account.channel_id, "title": self.title, "description": self.description,
                "publishedAt": rfc3339(self.published), "isDefaultStream": False,
            },
            "cdn": {**self.cdn, "ingestionInfo": {"streamName": self.key, **ingestion}},
            "contentDetails": {"isReusable": self.reusable},
            "status": {
                "streamStatus": self.status,
                "healthStatus": {
                    "status": health, "configurationIssues": issues,
                    "lastUpdateTimeSeconds": str(int(now.timestamp())),
                },
            },
        }  # fmt: skip


@dataclass
class Broadcast:
    """One live broadcast; what people see of it is its video, which has the same id."""

    video: Video
    details: Json
    scheduled_start: datetime
    scheduled_end: datetime | None
    life: str = "created"
    stream: Stream | None = None
    started: datetime | None = None
    ended: datetime | None = None
    starting_since: datetime | None = None
    seen_starting: bool = False
    silent_since: datetime | None = None

    @property
    def id(self) -> str:
        return self.video.id

    @property
    def monitored(self) -> bool:
        return bool(self.details["monitorStream"]["enableMonitorStream"])

    def start(self, target: str, now: datetime) -> None:
        """Begin a transition to "testing" or "live"."""
        self.life = {"testing": "testStarting", "live": "liveStarting"}[target]
        self.starting_since, self.seen_starting = now, False

    def settle(self, now: datetime) -> None:
        """What time and packets have done to it since it was last looked at."""
        active = self.stream is not None and self.stream.status == "active"
        self.silent_since = None if active else self.silent_since or now
        if self.life == "ready" and active and self.details["enableAutoStart"]:
            self.start("live", now)
        if self.life.endswith("Starting") and self.starting_since is not None:
            if self.seen_starting or now - self.starting_since >= timedelta(seconds=STARTING_SECONDS):
                self._arrive(now)
        silent = now - (self.silent_since or now)
        if (
            self.life == "live"
            and self.details["enableAutoStop"]
            and silent >= timedelta(seconds=AUTO_STOP_SECONDS)
        ):
            self.complete(now)

    def _arrive(self, now: datetime) -> None:
        if self.life == "testStarting":
            self.life = "testing"
        else:
            self.life, self.started = "live", now

    def complete(self, now: datetime) -> None:
        """Over for ever: from here on it is a video that is being processed."""
        self.life, self.ended = "complete", now
        lasted = now - (self.started or now)
        self.video.archive(now, lasted, kept=lasted < timedelta(hours=ARCHIVE_HOURS))

    def as_json(self, now: datetime) -> Json:
        """The whole resource."""
        video = self.video
        snippet: Json = {
            "channelId": video.account.channel_id, "title": video.snippet["title"],
            "description": video.snippet.get("description", ""), "publishedAt": rfc3339(video.published),
            "scheduledStartTime": rfc3339(self.scheduled_start), "isDefaultBroadcast": False,
            "thumbnails": video.thumbnails(), "liveChatId": f"chat-{self.id}",
        }  # fmt: skip
        for name, moment in (
            ("scheduledEndTime", self.scheduled_end),
            ("actualStartTime", self.started),
            ("actualEndTime", self.ended),
        ):
            if moment is not None:
                snippet[name] = rfc3339(moment)
        details = dict(self.details)
        if self.stream is not None:
            details["boundStreamId"] = self.stream.id
        recording = {"live": "recording", "complete": "recorded"}.get(self.life, "notRecording")
        self.seen_starting = True
        answer: Json = {
            "kind": "youtube#liveBroadcast", "etag": "etag", "id": self.id, "snippet": snippet,
            "contentDetails": details,
            "status": {
                "lifeCycleStatus": self.life, "privacyStatus": video.status["privacyStatus"],
                "recordingStatus": recording, "madeForKids": False,
                "selfDeclaredMadeForKids": bool(video.status.get("selfDeclaredMadeForKids", False)),
            },
        }  # fmt: skip
        if self.life == "live" and video.viewers is not None:
            answer["statistics"] = {"concurrentViewers": str(video.viewers)}
        return answer
