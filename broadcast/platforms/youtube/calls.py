"""The calls of YouTube's live API that a broadcast needs, each one request; they raise PlatformError and nothing else.

What they cost is documented nowhere; as elsewhere in the API a list is taken for 1 unit and all else for 50.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from broadcast.platforms.youtube.plan import Address, Addresses, BroadcastPlan, Seen, StreamState
from broadcast.platforms.youtube.reasons import ERRORS, Do, PlatformError, rule

WHOLE = "id,snippet,contentDetails,status"
PAGE = 50
SOON = timedelta(minutes=1)  # a start that has passed is refused


class Calls:
    """client: a googleapiclient resource of YouTube's Data API v3. Not for several threads at once."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.made = 0

    def close(self) -> None:
        """Close the client's connections."""
        self._client.close()

    def broadcast(self, broadcast_id: str) -> Seen | None:
        """All of one broadcast; None: it is not there."""
        items = self._items(self._client.liveBroadcasts().list(part=WHOLE, id=broadcast_id))
        return _seen(items[0]) if items else None

    def life(self, broadcast_id: str) -> str | None:
        """One broadcast's lifeCycleStatus; None: it is not there."""
        items = self._items(self._client.liveBroadcasts().list(part="id,status", id=broadcast_id))
        return str(items[0]["status"]["lifeCycleStatus"]) if items else None

    def find(self, marker: str) -> Seen | None:
        """The broadcast whose description has this marker, whatever its state; of the ended ones only the newest are
        looked through."""
        for status, pages in (("upcoming", 20), ("active", 20), ("completed", 1)):
            token: str | None = None
            for _ in range(pages):
                answer = self._ask(
                    self._client.liveBroadcasts().list(
                        part=WHOLE,
                        broadcastStatus=status,
                        broadcastType="all",
                        maxResults=PAGE,
                        pageToken=token,
                    )
                )
                for item in answer.get("items", ()):
                    seen = _seen(item)
                    if marker in seen.description:  # a person may have written below it
                        return seen
                token = answer.get("nextPageToken")
                if token is None:
                    break
        return None

    def insert(self, plan: BroadcastPlan, now: datetime) -> Seen:
        """Make the broadcast. Where this fails it may have been made all the same: `find` it before a second try."""
        body = {
            "snippet": _snippet(plan, max(plan.starts, now + SOON)), "contentDetails": _details(plan),
            "status": {"privacyStatus": plan.privacy, "selfDeclaredMadeForKids": False},
        }  # fmt: skip
        return _seen(self._ask(self._client.liveBroadcasts().insert(part=WHOLE, body=body)))

    def update(self, seen: Seen, plan: BroadcastPlan, now: datetime) -> Seen:
        """Tell it what the plan says now, as far as its state allows. A part is replaced whole."""
        movable = seen.life in ("created", "ready", "testing") and plan.starts > now
        body: dict[str, Any] = {
            "id": seen.id, "snippet": _snippet(plan, plan.starts if movable else seen.starts),
            "status": {"privacyStatus": plan.privacy, "selfDeclaredMadeForKids": False},
        }  # fmt: skip
        if seen.life in ("created", "ready"):
            body["contentDetails"] = _details(plan)
        part = ",".join(body)
        answer = self._ask(self._client.liveBroadcasts().update(part=part, body=body))
        kept = {"boundStreamId": seen.stream, "monitorStream": {"enableMonitorStream": seen.monitored}}
        return _seen({"contentDetails": kept, **answer})

    def bind(self, broadcast_id: str, stream_id: str) -> Seen:
        """Let the broadcast show what arrives under the stream's key."""
        return _seen(
            self._ask(self._client.liveBroadcasts().bind(part=WHOLE, id=broadcast_id, streamId=stream_id))
        )

    def transition(self, broadcast_id: str, to: str) -> str:
        """Move it on to "testing", "live" or "complete"; its lifeCycleStatus now, which may be a …Starting one."""
        request = self._client.liveBroadcasts().transition(
            part="id,status", id=broadcast_id, broadcastStatus=to
        )
        return str(self._ask(request)["status"]["lifeCycleStatus"])

    def delete(self, broadcast_id: str) -> None:
        """Take away a broadcast that has not begun."""
        self._ask(self._client.liveBroadcasts().delete(id=broadcast_id))

    def stream_titled(self, title: str) -> str | None:
        """The id of the channel's stream of that title; the oldest where there are several."""
        found: list[tuple[str, str]] = []
        token: str | None = None
        while True:
            answer = self._ask(
                self._client.liveStreams().list(
                    part="id,snippet", mine=True, maxResults=PAGE, pageToken=token
                )
            )
            found += [
                (str(item["snippet"].get("publishedAt", "")), str(item["id"]))
                for item in answer.get("items", ())
                if item["snippet"]["title"] == title
            ]
            token = answer.get("nextPageToken")
            if token is None:
                return min(found)[1] if found else None

    def insert_stream(self, title: str) -> str:
        """Make a persistent stream, one whose key stays the same for ever; its id."""
        body = {
            "snippet": {"title": title}, "contentDetails": {"isReusable": True},
            "cdn": {"ingestionType": "rtmp", "resolution": "variable", "frameRate": "variable"},
        }  # fmt: skip
        request = self._client.liveStreams().insert(part="id,snippet,cdn,contentDetails", body=body)
        return str(self._ask(request)["id"])

    def addresses(self, stream_id: str) -> Addresses:
        """Where to send the stream. Carries the key: asked for once, and never where an answer is written down."""
        items = self._items(self._client.liveStreams().list(part="id,cdn", id=stream_id))
        if not items:
            raise PlatformError("Strömnyckeln finns inte längre på YouTube.", Do.GONE, "liveStreamNotFound")
        given = items[0]["cdn"]["ingestionInfo"]
        key = str(given["streamName"])
        return Addresses(
            primary=Address(url=str(given["rtmpsIngestionAddress"]), key=key),
            backup=Address(url=str(given["rtmpsBackupIngestionAddress"]), key=key),
        )

    def stream_state(self, stream_id: str) -> StreamState:
        """How the stream arrives."""
        items = self._items(self._client.liveStreams().list(part="id,status", id=stream_id))
        if not items:
            raise PlatformError("Strömnyckeln finns inte längre på YouTube.", Do.GONE, "liveStreamNotFound")
        status = items[0]["status"]
        health = status.get("healthStatus", {})
        issues = [
            str(i.get("type", "")) for i in health.get("configurationIssues", ()) if i.get("severity") == "error"
        ]  # fmt: skip
        return StreamState(
            status=str(status["streamStatus"]), health=str(health.get("status", "")), issues=tuple(issues)
        )

    def viewers(self, broadcast_id: str) -> int | None:
        """How many watch now; None: YouTube does not say (nobody, hidden or not live)."""
        items = self._items(self._client.videos().list(part="liveStreamingDetails", id=broadcast_id))
        count = items[0].get("liveStreamingDetails", {}).get("concurrentViewers") if items else None
        return None if count is None else int(count)

    def _items(self, request: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._ask(request).get("items", [])
        return items

    def _ask(self, request: Any) -> dict[str, Any]:
        self.made += 1
        try:
            answer: dict[str, Any] = request.execute(num_retries=0)
        except ERRORS as error:
            # Its own text may hold an address; what matters of it has been taken out.
            raise rule(error) from None
        return answer


def _snippet(plan: BroadcastPlan, starts: datetime) -> dict[str, Any]:
    return {
        "title": plan.title, "description": plan.description,
        "scheduledStartTime": starts.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }  # fmt: skip


def _details(plan: BroadcastPlan) -> dict[str, Any]:
    # No enableEmbed: `true` is refused on many channels. Auto start would race our own transition, auto stop would end
    # the meeting a minute after the network failed.
    return {
        "enableAutoStart": False, "enableAutoStop": False, "enableDvr": True, "recordFromStart": True,
        "latencyPreference": "normal",
        "monitorStream": {"enableMonitorStream": plan.monitor, "broadcastStreamDelayMs": 0},
    }  # fmt: skip


def _seen(item: dict[str, Any]) -> Seen:
    snippet, details, status = item["snippet"], item.get("contentDetails", {}), item["status"]
    began = snippet.get("actualStartTime")
    return Seen(
        id=str(item["id"]), life=str(status["lifeCycleStatus"]), privacy=str(status["privacyStatus"]),
        description=str(snippet.get("description", "")), starts=datetime.fromisoformat(snippet["scheduledStartTime"]),
        monitored=bool(details.get("monitorStream", {}).get("enableMonitorStream", False)),
        stream=str(details.get("boundStreamId", "")), began=None if began is None else datetime.fromisoformat(began),
    )  # fmt: skip
