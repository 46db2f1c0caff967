"""The addresses beside the API: consent, token and revocation."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from tests.standins.youtube_errors import Refusal
from tests.standins.youtube_oauth import TokenRefusal
from tests.standins.youtube_server import Answer, Handler

if TYPE_CHECKING:
    from tests.standins.youtube import YouTube

Page = Callable[[Handler, dict[str, str]], Answer]


def pages_of(youtube: YouTube) -> dict[str, Page]:
    """Path → what answers it."""

    def form(handler: Handler) -> dict[str, str]:
        if handler.command != "POST":
            raise Refusal(405, "notFound", "only POST")
        return dict(parse_qsl(handler.whole_body().decode()))

    def consent(handler: Handler, query: dict[str, str]) -> Answer:
        with youtube.lock:
            return Answer(302, headers={"Location": youtube.sign_on.consent(query)})

    def token(handler: Handler, query: dict[str, str]) -> Answer:
        with youtube.lock:
            told = youtube.sign_on.token(
                {**form(handler), **_basic(handler.headers.get("Authorization", ""))}
            )
            return Answer(200, told, {"Cache-Control": "no-store"})

    def revoke(handler: Handler, query: dict[str, str]) -> Answer:
        with youtube.lock:
            if not youtube.sign_on.revoke({**query, **form(handler)}.get("token", "")):
                raise TokenRefusal("invalid_token", "Token expired or revoked")
        return Answer(200, {})

    return {"/o/oauth2/auth": consent, "/o/oauth2/v2/auth": consent, "/token": token, "/revoke": revoke}


def _basic(authorization: str) -> dict[str, str]:
    """The client's id and secret where they come by HTTP Basic (oauthlib), not in the form (google-auth)."""
    if not authorization.startswith("Basic "):
        return {}
    try:
        name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return {}
    return {"client_id": name, "client_secret": secret}
