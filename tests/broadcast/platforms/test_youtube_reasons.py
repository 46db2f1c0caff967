"""Every reason that the facts name, and what is done about it."""

from __future__ import annotations

import json

import pytest
from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError

from broadcast.platforms.youtube.reasons import Do, rule


class Answer(dict[str, str]):
    """As much of an HTTP answer as HttpError wants."""

    def __init__(self, status: int) -> None:
        super().__init__({"content-type": "application/json"})
        self.status = status
        self.reason = ""


def http_error(status: int, reason: str) -> HttpError:
    error = {"code": status, "message": "m", "errors": [{"message": "m", "domain": "d", "reason": reason}]}
    return HttpError(Answer(status), json.dumps({"error": error}).encode(), "https://x.invalid/?key=geheim")


@pytest.mark.parametrize(
    ("status", "reason", "do"),
    [
        (403, "errorStreamInactive", Do.AWAIT_STREAM),
        (403, "invalidTransition", Do.REREAD),
        (403, "redundantTransition", Do.REREAD),
        (403, "enableDvrModificationNotAllowed", Do.REREAD),
        (403, "liveStreamingNotEnabled", Do.PERSON),
        (403, "insufficientLivePermissions", Do.PERSON),
        (403, "livePermissionBlocked", Do.PERSON),
        (403, "userRequestsExceedRateLimit", Do.SLOWER),
        (403, "rateLimitExceeded", Do.SLOWER),
        (429, "rateLimitExceeded", Do.SLOWER),
        (429, "somethingNew", Do.SLOWER),
        (403, "concurrentBroadcastsExceedLimit", Do.PERSON),
        (403, "errorExecutingTransition", Do.RETRY),
        (400, "invalidScheduledStartTime", Do.MISTAKE),
        (400, "invalidAutoStart", Do.MISTAKE),
        (400, "invalidAutoStop", Do.MISTAKE),
        (400, "invalidEmbedSetting", Do.MISTAKE),
        (403, "quotaExceeded", Do.AWAIT_QUOTA),
        (403, "dailyLimitExceeded", Do.AWAIT_QUOTA),
        (404, "liveBroadcastNotFound", Do.GONE),
        (404, "somethingNew", Do.GONE),
        (500, "somethingNew", Do.RETRY),
        (503, "backendError", Do.RETRY),
        (403, "somethingNew", Do.PERSON),
        (400, "somethingNew", Do.MISTAKE),
    ],
)
def test_what_is_done(status: int, reason: str, do: Do) -> None:
    ruled = rule(http_error(status, reason))
    assert ruled.do is do
    assert ruled.reason == reason
    assert ruled.permanent == (do in (Do.PERSON, Do.MISTAKE))
    assert "geheim" not in str(ruled)


def test_an_answer_without_a_reason_is_judged_by_its_status() -> None:
    assert rule(HttpError(Answer(502), b"<html>Bad Gateway</html>", "u")).do is Do.RETRY
    assert rule(HttpError(Answer(403), b"[]", "u")).do is Do.PERSON


def test_the_network_and_a_dead_grant() -> None:
    assert rule(ConnectionResetError()).do is Do.RETRY
    assert rule(TimeoutError()).do is Do.RETRY
    assert rule(ValueError("a proxy's page is no JSON")).do is Do.RETRY
    assert rule(RefreshError("invalid_grant")).do is Do.PERSON
