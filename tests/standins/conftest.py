"""A stand-in of YouTube with one channel, and Google's own client of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import httplib2  # type: ignore[import-untyped]
import pytest
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document

from tests.standins.youtube import YouTube
from tests.standins.youtube_oauth import EVERY_CALL


class OverRequests:
    """What googleapiclient wants of httplib2, over requests: httplib2 itself sends again without being asked."""

    def __init__(self, credentials: Credentials) -> None:
        self._session = AuthorizedSession(credentials)

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None, **_: Any
    ) -> tuple[Any, bytes]:
        content = body.read() if hasattr(body, "read") else body
        answer = self._session.request(
            method, uri, data=content, headers=headers, allow_redirects=False, timeout=20
        )
        told = httplib2.Response(
            {**{k.lower(): v for k, v in answer.headers.items()}, "status": answer.status_code}
        )
        told.reason = answer.reason
        return told, answer.content

    def close(self) -> None:
        self._session.close()


def credentials_of(youtube: YouTube, name: str, scopes: tuple[str, ...] = EVERY_CALL) -> Credentials:
    """google-auth's credentials of an account that has consented."""
    return Credentials(  # type: ignore[no-untyped-call,unused-ignore]
        None, refresh_token=youtube.issue_token(name, scopes), token_uri=youtube.url + "token",
        client_id=youtube.sign_on.client_id, client_secret=youtube.sign_on.client_secret,
    )  # fmt: skip


def service(youtube: YouTube, http: Any, api: str = "youtube.v3") -> Any:
    """googleapiclient's service of an API, whose calls and uploads go to the stand-in."""
    document = deepcopy(youtube.discovery.documents[f"{api}.json"])
    document["rootUrl"] = youtube.url
    return build_from_document(document, http=http)


@pytest.fixture
def youtube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[YouTube]:
    """Without RTMP: `packets` says what arrives."""
    with YouTube(tmp_path / "youtube", ingest=False) as youtube:
        youtube.add_account("kommunen", title="Provköpings kommun")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(youtube.ca_file))
        yield youtube


@pytest.fixture
def client_of(youtube: YouTube) -> Callable[..., Any]:
    """Makes the service of an account: client_of("kommunen", scopes, "youtubeAnalytics.v2")."""

    def make(name: str = "kommunen", scopes: tuple[str, ...] = EVERY_CALL, api: str = "youtube.v3") -> Any:
        return service(youtube, OverRequests(credentials_of(youtube, name, scopes)), api)

    return make


@pytest.fixture
def client(client_of: Callable[..., Any]) -> Any:
    """The service of the one channel."""
    return client_of()
