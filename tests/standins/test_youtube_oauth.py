"""The stand-in's sign-on: consent with PKCE, tokens that die by the clock, scopes and revocation."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from google.auth.exceptions import RefreshError
from google_auth_oauthlib.flow import InstalledAppFlow
from googleapiclient.errors import HttpError

from tests.standins.conftest import OverRequests, credentials_of, service
from tests.standins.youtube import YouTube
from tests.standins.youtube_oauth import EVERY_CALL, SCOPE, TESTING_SECONDS

REDIRECT = "http://127.0.0.1:54321/"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def consent(youtube: YouTube, **changes: str) -> requests.Response:
    query = {
        "client_id": youtube.sign_on.client_id, "redirect_uri": REDIRECT, "response_type": "code", "state": "abc",
        "scope": " ".join(EVERY_CALL), "code_challenge": CHALLENGE, "code_challenge_method": "S256", **changes,
    }  # fmt: skip
    return requests.get(youtube.url + "o/oauth2/auth", query, allow_redirects=False, timeout=5)


def redeem(youtube: YouTube, code: str, **changes: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER,
        "client_id": youtube.sign_on.client_id, "client_secret": youtube.sign_on.client_secret, **changes,
    }  # fmt: skip
    return requests.post(youtube.url + "token", form, timeout=5)


def sent_back(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(REDIRECT)
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def test_googles_own_flow_signs_on_and_reaches_the_channel(youtube: YouTube, tmp_path: Any) -> None:
    youtube.add_account("nämnden", title="Barn- och utbildningsnämnden")
    youtube.sign_on.consents_as = "nämnden"
    secrets = youtube.write_client_secrets(tmp_path / "client.json")
    flow = InstalledAppFlow.from_client_secrets_file(
        str(secrets), list(EVERY_CALL), autogenerate_code_verifier=True, redirect_uri=REDIRECT
    )
    address, state = flow.authorization_url()
    back = sent_back(requests.get(address, allow_redirects=False, timeout=5))
    assert back["state"] == state
    flow.fetch_token(code=back["code"])
    client = service(youtube, OverRequests(flow.credentials))
    found = client.channels().list(part="snippet", mine=True).execute()["items"]
    assert [channel["snippet"]["title"] for channel in found] == ["Barn- och utbildningsnämnden"]
    assert youtube.violations == []


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"client_id": "x"}, 401, "invalid_client"),
        ({"redirect_uri": "https://example.test/"}, 400, "redirect_uri_mismatch"),
        ({"response_type": "token"}, 400, "invalid_request"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
        ({"scope": "mail"}, 400, "invalid_scope"),
    ],
)
def test_the_consent_page_refuses(
    youtube: YouTube, changes: dict[str, str], status: int, reason: str
) -> None:
    answer = consent(youtube, **changes)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (status, reason)


def test_a_person_says_no_or_leaves_a_scope_out(youtube: YouTube) -> None:
    youtube.sign_on.denies = True
    assert sent_back(consent(youtube)) == {"error": "access_denied", "state": "abc"}
    youtube.sign_on.denies, youtube.sign_on.granted = False, frozenset(EVERY_CALL[:1])
    assert redeem(youtube, sent_back(consent(youtube))["code"]).json()["scope"] == EVERY_CALL[0]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"code": "4/unknown"}, 400, "invalid_grant"),
        ({"code_verifier": "w" * 64}, 400, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:1/"}, 400, "redirect_uri_mismatch"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_the_token_endpoint_refuses(
    youtube: YouTube, changes: dict[str, str], status: int, error: str
) -> None:
    code = sent_back(consent(youtube))["code"]
    answer = redeem(youtube, **{"code": code, **changes})
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_code_is_good_once_and_for_ten_minutes(youtube: YouTube) -> None:
    code = sent_back(consent(youtube))["code"]
    assert [redeem(youtube, code).status_code for _ in range(2)] == [200, 400]
    code = sent_back(consent(youtube))["code"]
    youtube.advance(601)
    assert redeem(youtube, code).status_code == 400


def test_an_access_token_dies_after_an_hour_and_is_refreshed(youtube: YouTube, client: Any) -> None:
    for seconds in (0, 3600):
        youtube.advance(seconds)
        client.channels().list(part="id", mine=True).execute()
    assert [r.status for r in youtube.requests if r.method == "youtube.channels.list"] == [200, 401, 200]


@pytest.mark.parametrize("death", ["testing", "unused", "revoked", "taken back"])
def test_a_refresh_token_dies(youtube: YouTube, death: str) -> None:
    youtube.sign_on.testing = death == "testing"
    credentials = credentials_of(youtube, "kommunen")
    client = service(youtube, OverRequests(credentials))
    client.channels().list(part="id", mine=True).execute()
    if death == "testing":
        told = redeem(youtube, sent_back(consent(youtube))["code"]).json()
        assert told["refresh_token_expires_in"] == TESTING_SECONDS
        youtube.advance(TESTING_SECONDS)
    elif death == "unused":
        youtube.advance(200 * 86_400)
    elif death == "revoked":
        gone = requests.post(youtube.url + "revoke", {"token": credentials.refresh_token}, timeout=5)
        assert gone.status_code == 200
    else:
        youtube.revoke_account("kommunen")
    with pytest.raises(RefreshError) as refused:
        client.channels().list(part="id", mine=True).execute()
    assert refused.value.args[1]["error"] == "invalid_grant"


def test_scopes_are_held(client_of: Callable[..., Any], youtube: YouTube) -> None:
    readonly = client_of(scopes=(SCOPE + "youtube.readonly",))
    assert readonly.channels().list(part="id", mine=True).execute()["items"]
    analytics = client_of(scopes=EVERY_CALL[:1], api="youtubeAnalytics.v2")
    for request in (
        readonly.videos().delete(id="x"),
        readonly.captions().list(part="id", videoId="x"),
        analytics.reports().query(
            ids="channel==MINE", startDate="2026-01-01", endDate="2026-02-01", metrics="views"
        ),
    ):
        with pytest.raises(HttpError) as refused:
            request.execute()
        assert refused.value.status_code == 403
        assert refused.value.error_details[0]["reason"] == "insufficientPermissions"


def test_secrets_are_known_and_none_is_in_the_log(youtube: YouTube, client: Any) -> None:
    client.channels().list(part="id", mine=True).execute()
    assert len(youtube.secrets()) == 3  # the client's, one refresh and one access token
    assert not any(secret in repr(youtube.requests) for secret in youtube.secrets())
