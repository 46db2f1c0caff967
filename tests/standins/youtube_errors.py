"""Errors as Google's APIs answer them: a status, and a JSON body whose first error carries the reason."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

# https://developers.google.com/youtube/v3/docs/errors: which domain a reason belongs to, where it is not "global".
DOMAINS = {
    "quotaExceeded": "youtube.quota", "dailyLimitExceeded": "usageLimits", "rateLimitExceeded": "usageLimits",
    "userRateLimitExceeded": "usageLimits", "uploadLimitExceeded": "youtube.video", "invalidTitle": "youtube.video",
    "invalidDescription": "youtube.video", "invalidTags": "youtube.video", "invalidCategoryId": "youtube.video",
    "videoNotFound": "youtube.video", "captionExists": "youtube.caption", "unknownPart": "youtube.part",
    "unexpectedPart": "youtube.part", "missingRequiredParameter": "youtube.parameter",
    "unexpectedParameter": "youtube.parameter", "videoAlreadyInPlaylist": "youtube.playlistItem",
    "playlistNotFound": "youtube.playlistItem", "errorStreamInactive": "youtube.liveBroadcast",
    "invalidTransition": "youtube.liveBroadcast", "redundantTransition": "youtube.liveBroadcast",
    "errorExecutingTransition": "youtube.liveBroadcast", "liveStreamingNotEnabled": "youtube.liveBroadcast",
    "insufficientLivePermissions": "youtube.liveBroadcast", "livePermissionBlocked": "youtube.liveBroadcast",
    "userRequestsExceedRateLimit": "youtube.liveBroadcast", "concurrentBroadcastsExceedLimit": "youtube.liveBroadcast",
    "invalidScheduledStartTime": "youtube.liveBroadcast", "invalidAutoStart": "youtube.liveBroadcast",
    "invalidAutoStop": "youtube.liveBroadcast", "invalidEmbedSetting": "youtube.liveBroadcast",
    "liveBroadcastNotFound": "youtube.liveBroadcast", "liveStreamNotFound": "youtube.liveStream",
}  # fmt: skip


class Refusal(Exception):
    """What was asked is refused with an HTTP status (400–599) and Google's reason for it."""

    def __init__(
        self, status: int, reason: str, message: str = "", *, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message or reason
        self.headers = headers or {}

    def as_json(self) -> Json:
        """The body of the answer."""
        error = {
            "message": self.message, "domain": DOMAINS.get(self.reason, "global"), "reason": self.reason
        }  # fmt: skip
        return {"error": {"code": self.status, "message": self.message, "errors": [error]}}


class Unforeseen(AssertionError):
    """The stand-in itself would have said what the discovery document does not allow: a fault in the stand-in."""
