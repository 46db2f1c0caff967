"""Control over HTTP, for a test in another process: `GET /_standin/state` and `POST /_standin/call`.

The latter takes {"name": "faults.add", "arguments": {"where": …}} and answers {"result": …}.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_server import Answer

if TYPE_CHECKING:
    from tests.standins.youtube import YouTube

CALLS = (
    "add_account", "advance", "drop_publishers", "expire_access_tokens", "fail_processing", "faults.add",
    "faults.clear", "hang_ingest", "issue_token", "packets", "reject_processing", "revoke_account", "set_health",
    "take_down", "watch",
)  # fmt: skip
KNOBS = (
    "any_file_is_a_film", "delay", "offline", "thumbnail_limit", "upload_limit", "video_lag",
    "sign_on.consents_as", "sign_on.denies", "sign_on.testing",
)  # fmt: skip


class Control:
    """What a test in the same process does with the object itself."""

    def __init__(self, youtube: YouTube) -> None:
        self._youtube = youtube

    def answer(self, verb: str, path: str, body: bytes) -> Answer:
        """Refusal 404 for anything else."""
        if (verb, path) == ("GET", "/_standin/state"):
            return Answer(200, self.state())
        if (verb, path) == ("POST", "/_standin/call"):
            asked = json.loads(body)
            return Answer(200, {"result": self.call(asked["name"], asked.get("arguments", {}))})
        raise Refusal(404, "notFound", path)

    def state(self) -> Json:
        """Everything that a test may want to look at; no secret but the stream keys."""
        youtube, now = self._youtube, self._youtube.now()
        with youtube.lock:
            return {
                "now": now.isoformat(), "quota_used": youtube.quota_used, "violations": youtube.violations,
                "bugs": youtube.bugs, "duplicates": youtube.duplicates, "bytes_sent_twice": youtube.bytes_sent_twice,
                "videos": [
                    {**video.as_json(now), "sha256": video.sha256, "bytes_received": video.bytes_received}
                    for video in youtube.videos.values()
                ],
                "broadcasts": [
                    {"id": b.id, "life": b.life, "stream": b.stream.id if b.stream else None}
                    for b in youtube.broadcasts.values()
                ],
                "streams": [
                    {"id": s.id, "key": s.key, "status": s.status, "flowing": sorted(s.flowing)}
                    for s in youtube.streams.values()
                ],
                "requests": [{**asdict(r), "at": r.at.isoformat()} for r in youtube.requests],
            }  # fmt: skip

    def call(self, name: str, arguments: Json) -> object:
        """One of CALLS, or {"name": "set", "arguments": {knob: value}} for KNOBS."""
        target: object = self._youtube
        if name == "set":
            for knob, value in arguments.items():
                if knob not in KNOBS:
                    raise Refusal(404, "notFound", knob)
                *way, last = knob.split(".")
                for step in way:
                    target = getattr(target, step)
                setattr(target, last, value)
            return None
        if name not in CALLS:
            raise Refusal(404, "notFound", name)
        for step in name.split("."):
            target = getattr(target, step)
        assert callable(target)
        result = target(**arguments)
        return result if isinstance(result, str | int | float | None) else None
