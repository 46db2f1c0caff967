"""What each of YouTube's refusals means."""

from __future__ import annotations

import errno
import json
from datetime import UTC, datetime

import pytest
from google.auth.exceptions import RefreshError, TransportError
from googleapiclient.errors import HttpError

from schedules.youtube.http import Answer
from uploader.youtube_errors import PROCESSING, REMEDIES, explain, failed_processing, until_midnight_pacific

NOW = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)  # noon in California
DAY = 86_400


def _refusal(status: int, reason: str = "", headers: dict[str, str] | None = None) -> HttpError:
    body: object = {"error": {"code": status, "message": "m", "errors": [{"message": "m", "reason": reason}]}}
    content = json.dumps(body).encode() if reason else b"<html>Error</html>"
    return HttpError(Answer(status, "", headers or {}), content, uri="https://example.test/?upload_id=secret")


@pytest.mark.parametrize(
    ("status", "reason", "permanent", "patient", "retry_after"),
    [
        (403, "quotaExceeded", False, True, 12 * 3600),
        (403, "dailyLimitExceeded", False, True, 12 * 3600),
        (400, "uploadLimitExceeded", False, True, DAY),
        (429, "uploadRateLimitExceeded", False, True, DAY),
        (403, "rateLimitExceeded", False, True, 45),
        (429, "rateLimitExceeded", False, True, 45),
        (403, "userRateLimitExceeded", False, True, 45),
        (403, "userRequestsExceedRateLimit", False, True, 45),
        (429, "", False, True, 45),
        (404, "videoNotFound", False, False, 10),
        (404, "notFound", False, False, 10),
        (404, "", False, False, 10),
        (404, "playlistNotFound", True, False, None),
        (403, "playlistItemsNotAccessible", True, False, None),
        (403, "forbidden", True, False, None),
        (403, "insufficientPermissions", True, False, None),
        (403, "accessNotConfigured", True, False, None),
        (401, "youtubeSignupRequired", True, False, None),
        (403, "accountClosed", True, False, None),
        (400, "invalidTitle", True, False, None),
        (400, "invalidDescription", True, False, None),
        (400, "invalidCategoryId", True, False, None),
        (400, "invalidImage", True, False, None),
        (400, "somethingNew", True, False, None),
        (401, "authError", False, False, None),
        (408, "", False, False, None),
        (500, "backendError", False, False, None),
        (503, "", False, False, None),
    ],
)
def test_what_a_refusal_means(
    status: int, reason: str, permanent: bool, patient: bool, retry_after: float | None
) -> None:
    error = explain(_refusal(status, reason), NOW, jitter=0.5)
    assert (error.permanent, error.patient, error.retry_after) == (permanent, patient, retry_after)
    assert str(error).endswith(".")


def test_a_retry_after_is_believed_where_it_is_longer() -> None:
    assert explain(_refusal(503, "", {"Retry-After": "90"}), NOW).retry_after == 90
    assert explain(_refusal(404, "videoNotFound", {"Retry-After": "3"}), NOW).retry_after == 10
    assert (
        explain(_refusal(503, "", {"Retry-After": "Wed, 25 Nov 2026 07:28:00 GMT"}), NOW).retry_after is None
    )


@pytest.mark.parametrize(
    ("error", "permanent", "sentence"),
    [
        (RefreshError("invalid_grant: Token has been expired or revoked."), True, "laktare connect youtube"),
        (RefreshError("internal_failure", retryable=True), False, "inloggning svarar inte"),
        (TransportError("nobody there"), False, "inloggning svarar inte"),
        (ConnectionResetError(), False, "YouTube svarar inte"),
        (TimeoutError("slow"), False, "YouTube svarar inte"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/film.mp4"), True, "/film.mp4"),
    ],
)
def test_what_happens_below_and_beside_the_api(error: Exception, permanent: bool, sentence: str) -> None:
    told = explain(error, NOW)
    assert told.permanent is permanent
    assert sentence in str(told)


def test_nothing_of_the_address_is_told() -> None:
    for status in (400, 403, 404, 500):
        error = explain(_refusal(status, "backendError"), NOW)
        assert "secret" not in f"{error!r} {error.__dict__} {error.__cause__!r} {error.__context__!r}"


def test_every_sentence_is_one_that_a_person_understands() -> None:
    told = [remedy.sentence for remedy in REMEDIES.values()] + [
        str(failed_processing(why)) for why in PROCESSING
    ]
    for sentence in told:
        assert sentence[0].isupper()
        assert sentence.endswith(".")
    assert len(set(told)) > 30


def test_a_video_that_youtube_gave_up_needs_a_person() -> None:
    assert failed_processing("codec").permanent
    assert "kodad" in str(failed_processing("codec"))
    assert "skälet är somethingNew" in str(failed_processing("somethingNew"))
    assert "utan att säga varför" in str(failed_processing(""))


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 11, 24, 8, 0, tzinfo=UTC), 24.0),
        (datetime(2026, 11, 25, 7, 30, tzinfo=UTC), 0.5),
        (datetime(2026, 7, 1, 6, 0, tzinfo=UTC), 1.0),
        (datetime(2026, 11, 1, 7, 0, tzinfo=UTC), 25.0),  # the day with an hour more
        (datetime(2026, 3, 8, 8, 0, tzinfo=UTC), 23.0),  # and the one with an hour less
    ],
)
def test_when_the_quota_is_filled_again(now: datetime, hours: float) -> None:
    assert until_midnight_pacific(now) == hours * 3600
