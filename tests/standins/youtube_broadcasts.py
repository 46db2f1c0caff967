"""The methods of liveBroadcasts.

Errors: https://developers.google.com/youtube/v3/live/docs/errors. Deleting is allowed in created and ready only (a
finished one is deleted as a video), `complete` is reached from live only, and a second filter beside id, mine or
broadcastStatus is refused.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.standins.youtube_call import Call, handles
from tests.standins.youtube_clock import parse_rfc3339
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_live import EDITABLE, Broadcast
from tests.standins.youtube_videos import Video, check_text

DETAILS: Json = {
    "enableEmbed": False, "enableDvr": True, "recordFromStart": True, "startWithSlate": False,
    "enableContentEncryption": False, "enableAutoStart": True, "enableAutoStop": True,
    "closedCaptionsType": "closedCaptionsDisabled", "latencyPreference": "normal", "projection": "rectangular",
    "monitorStream": {"enableMonitorStream": True, "broadcastStreamDelayMs": 0},
}  # fmt: skip
FILTERS = {
    "active": ("testStarting", "testing", "liveStarting", "live"), "upcoming": ("created", "ready"),
    "completed": ("complete",),
}  # fmt: skip
CONCURRENT = 12  # broadcasts of one channel on the air at the same time


def _allowed(call: Call) -> None:
    if call.account.live:
        raise Refusal(403, call.account.live, "The user is not enabled for live streaming.")


def _own(call: Call, broadcast_id: str) -> Broadcast:
    found = call.youtube.broadcasts.get(broadcast_id)
    if found is None or found.video.account is not call.account:
        raise Refusal(404, "liveBroadcastNotFound", "Broadcast not found.")
    found.settle(call.youtube.now())
    return found


def _details(call: Call, given: Json) -> Json:
    if given.get("enableEmbed") and not call.account.embed_allowed:
        raise Refusal(400, "invalidEmbedSetting", "Embed setting was invalid")
    given = {key: value for key, value in given.items() if not key.startswith("boundStream")}
    return {
        **DETAILS,
        **given,
        "monitorStream": {**DETAILS["monitorStream"], **given.get("monitorStream", {})},
    }


def _check_times(call: Call, snippet: Json) -> None:
    start, now = parse_rfc3339(snippet["scheduledStartTime"]), call.youtube.now()
    if start < now - timedelta(minutes=1) or start > now + timedelta(days=366):
        raise Refusal(400, "invalidScheduledStartTime", "Scheduled start time must be in the future.")
    if "scheduledEndTime" in snippet and parse_rfc3339(snippet["scheduledEndTime"]) <= start:
        raise Refusal(400, "invalidScheduledEndTime", "Scheduled end time must be after its start.")


@handles("youtube.liveBroadcasts.insert")
def insert(call: Call) -> Json:
    """A new broadcast in "created"; its video is there from now on."""
    _allowed(call)
    if missing := {"snippet", "status"} - set(call.parts):
        raise Refusal(400, "missingRequiredParameter", f"part must name {', '.join(sorted(missing))}")
    snippet, now = call.body["snippet"], call.youtube.now()
    check_text(snippet)
    _check_times(call, snippet)
    details = _details(call, call.body.get("contentDetails", {}))
    video = Video(
        id=call.youtube.new_id(), account=call.account, published=now,
        snippet={"title": snippet["title"], "description": snippet.get("description", "")},
        status={**call.body["status"]},
    )  # fmt: skip
    end = parse_rfc3339(snippet["scheduledEndTime"]) if "scheduledEndTime" in snippet else None
    broadcast = Broadcast(video, details, parse_rfc3339(snippet["scheduledStartTime"]), end)
    video.broadcast = broadcast
    call.youtube.videos[video.id] = video
    call.youtube.broadcasts[video.id] = broadcast
    return call.answer_with(broadcast.as_json(now))


@handles("youtube.liveBroadcasts.list")
def list_(call: Call) -> Json:
    """By exactly one of id, mine and broadcastStatus."""
    _allowed(call)
    by = call.one_filter("id", "mine", "broadcastStatus")
    now = call.youtube.now()
    found = [b for b in call.youtube.broadcasts.values() if b.video.account is call.account]
    for broadcast in found:
        broadcast.settle(now)
    if by == "id":
        found = [b for b in found if b.id in call.parameters["id"]]
    elif by == "broadcastStatus" and (wanted := FILTERS.get(call.parameters[by])):
        found = [b for b in found if b.life in wanted]
    found.sort(key=lambda b: b.video.published, reverse=True)
    return call.page([b.as_json(now) for b in found])


@handles("youtube.liveBroadcasts.update")
def update(call: Call) -> Json:
    """Replaces the named parts. contentDetails in created and ready, times also in testing, texts at any time."""
    _allowed(call)
    broadcast, now = _own(call, call.body["id"]), call.youtube.now()
    if "contentDetails" in call.parts:
        wanted = _details(call, call.body.get("contentDetails", {}))
        changed = sorted(name for name in wanted if wanted[name] != broadcast.details.get(name))
        if changed and broadcast.life not in EDITABLE:
            raise Refusal(
                403, f"{changed[0]}ModificationNotAllowed", "not while the broadcast is testing or live"
            )
        broadcast.details = wanted
    if "snippet" in call.parts:
        _update_snippet(call, broadcast, call.body["snippet"])
    if "status" in call.parts:
        kept = {key: value for key, value in broadcast.video.status.items() if key not in ("privacyStatus",)}
        broadcast.video.status = {**kept, **call.body["status"]}
    return call.answer_with(broadcast.as_json(now))


def _update_snippet(call: Call, broadcast: Broadcast, snippet: Json) -> None:
    check_text(snippet)
    start = parse_rfc3339(snippet["scheduledStartTime"])
    end = parse_rfc3339(snippet["scheduledEndTime"]) if "scheduledEndTime" in snippet else None
    if (start, end) != (broadcast.scheduled_start, broadcast.scheduled_end):
        if broadcast.life not in (*EDITABLE, "testing"):
            raise Refusal(403, "scheduledStartTimeModificationNotAllowed", "not once the broadcast is live")
        _check_times(call, snippet)
        broadcast.scheduled_start, broadcast.scheduled_end = start, end
    broadcast.video.snippet = {
        **broadcast.video.snippet, "title": snippet["title"], "description": snippet.get("description", "")
    }  # fmt: skip


@handles("youtube.liveBroadcasts.delete")
def delete(call: Call) -> None:
    """Only what has not begun."""
    _allowed(call)
    broadcast = _own(call, call.parameters["id"])
    if broadcast.life not in EDITABLE:
        raise Refusal(
            403, "liveBroadcastDeletionNotAllowed", "The broadcast's status does not allow deletion."
        )
    call.youtube.remove_video(broadcast.id)


@handles("youtube.liveBroadcasts.bind")
def bind(call: Call) -> Json:
    """One broadcast to one stream, or to none; "created" becomes "ready"."""
    _allowed(call)
    broadcast = _own(call, call.parameters["id"])
    if broadcast.life not in EDITABLE:
        raise Refusal(403, "liveBroadcastBindingNotAllowed", "The broadcast's status does not allow binding.")
    stream_id = call.parameters.get("streamId")
    stream = call.youtube.streams.get(stream_id) if stream_id else None
    if stream_id and (stream is None or stream.account is not call.account):
        raise Refusal(404, "liveStreamNotFound", "Stream not found.")
    broadcast.stream, broadcast.life = stream, "ready" if stream else "created"
    return call.answer_with(broadcast.as_json(call.youtube.now()))


@handles("youtube.liveBroadcasts.transition")
def transition(call: Call) -> Json:
    """To testing, live or complete: all the refusals of the documentation, and nothing done twice."""
    _allowed(call)
    broadcast, target, now = (
        _own(call, call.parameters["id"]),
        call.parameters["broadcastStatus"],
        call.youtube.now(),
    )
    _check_transition(call, broadcast, target)
    if target == "complete":
        broadcast.complete(now)
    else:
        broadcast.start(target, now)
    answer: dict[str, Any] = call.answer_with(broadcast.as_json(now))
    broadcast.seen_starting = False  # the answer to the request itself is no poll
    return answer


def _check_transition(call: Call, broadcast: Broadcast, target: str) -> None:
    life = broadcast.life
    if life in {"testing": ("testing", "testStarting"), "live": ("live", "liveStarting")}.get(
        target, ("complete",)
    ):
        raise Refusal(403, "redundantTransition", "The broadcast is already in or on its way to that status.")
    allowed = {
        "testing": ("ready",) if broadcast.monitored else (),
        "live": ("testing",) if broadcast.monitored else ("ready",),
        "complete": ("live",),
    }
    if life not in allowed.get(target, ()):
        raise Refusal(403, "invalidTransition", f"Invalid transition from {life} to {target}.")
    if target == "complete":
        return
    if broadcast.stream is None or broadcast.stream.status != "active":
        raise Refusal(403, "errorStreamInactive", "Stream is inactive")
    on_air = [
        b for b in call.youtube.broadcasts.values() if b.life == "live" and b.video.account is call.account
    ]
    if target == "live" and len(on_air) >= CONCURRENT:
        raise Refusal(403, "concurrentBroadcastsExceedLimit", "Too many broadcasts at the same time.")
