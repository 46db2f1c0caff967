"""The methods of liveStreams."""

from __future__ import annotations

from tests.standins.youtube_broadcasts import _allowed
from tests.standins.youtube_call import Call, handles
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_live import Stream


def _own(call: Call, stream_id: str) -> Stream:
    found = call.youtube.streams.get(stream_id)
    if found is None or found.account is not call.account:
        raise Refusal(404, "liveStreamNotFound", "Stream not found.")
    return found


def _check_title(snippet: Json) -> None:
    if not 1 <= len(snippet["title"]) <= 128:
        raise Refusal(400, "invalidTitle", "The title must be 1 to 128 characters.")


@handles("youtube.liveStreams.insert")
def insert(call: Call) -> Json:
    """A new stream in "ready", with a key of its own; `isReusable` is true where it is left out."""
    _allowed(call)
    if missing := {"snippet", "cdn"} - set(call.parts):
        raise Refusal(400, "missingRequiredParameter", f"part must name {', '.join(sorted(missing))}")
    _check_title(call.body["snippet"])
    cdn = {key: value for key, value in call.body["cdn"].items() if key != "ingestionInfo"}
    for name in ("frameRate", "resolution"):
        if name not in cdn:
            raise Refusal(400, f"{name}Required", f"missing field: cdn.{name}")
    if (cdn["frameRate"] == "variable") != (cdn["resolution"] == "variable"):
        raise Refusal(400, "invalidFrameRate", "frameRate and resolution are both variable or neither is")
    stream = Stream(
        id=call.account.channel_id + call.youtube.new_id(), account=call.account,
        title=call.body["snippet"]["title"], description=call.body["snippet"].get("description", ""), cdn=cdn,
        reusable=call.body.get("contentDetails", {}).get("isReusable", True), published=call.youtube.now(),
    )  # fmt: skip
    call.youtube.streams[stream.id] = stream
    return call.answer_with(call.youtube.stream_json(stream))


@handles("youtube.liveStreams.list")
def list_(call: Call) -> Json:
    """By id or mine."""
    _allowed(call)
    by = call.one_filter("id", "mine")
    found = [s for s in call.youtube.streams.values() if s.account is call.account]
    if by == "id":
        found = [s for s in found if s.id in call.parameters["id"]]
    return call.page([call.youtube.stream_json(stream) for stream in found])


@handles("youtube.liveStreams.update")
def update(call: Call) -> Json:
    """Only its title and description: what it takes cannot be changed."""
    _allowed(call)
    stream = _own(call, call.body["id"])
    if "cdn" in call.parts:
        given = {key: value for key, value in call.body["cdn"].items() if key != "ingestionInfo"}
        if given != stream.cdn:
            raise Refusal(403, "liveStreamModificationNotAllowed", "The stream's cdn cannot be modified.")
    if "snippet" in call.parts:
        _check_title(call.body["snippet"])
        stream.title = call.body["snippet"]["title"]
        stream.description = call.body["snippet"].get("description", "")
    return call.answer_with(call.youtube.stream_json(stream))


@handles("youtube.liveStreams.delete")
def delete(call: Call) -> None:
    """Not while a broadcast that is not over is bound to it."""
    _allowed(call)
    stream = _own(call, call.parameters["id"])
    if any(b.stream is stream and b.life != "complete" for b in call.youtube.broadcasts.values()):
        raise Refusal(403, "liveStreamDeletionNotAllowed", "The stream is bound to a broadcast.")
    del call.youtube.streams[stream.id]
