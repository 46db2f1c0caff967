"""Asks a person to grant us a channel: Google's sign-on for installed applications, with PKCE.

Two ways to get the answer: the browser comes to us on the loopback, or the person brings the address that it ended on.
https://developers.google.com/identity/protocols/oauth2/native-app
"""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from google.auth.exceptions import RefreshError
from google_auth_oauthlib.flow import InstalledAppFlow, WSGITimeoutError
from googleapiclient.errors import HttpError
from oauthlib.oauth2 import AccessDeniedError, MismatchingStateError, OAuth2Error

from schedules.settings import Settings
from schedules.youtube.accounts import build_youtube, missing_scopes
from schedules.youtube.http import Meter, Transport, limit_time, plain_error
from schedules.youtube.oauth_client import SCOPES, AccountError, OAuthClient
from schedules.youtube.tokens import Token

HOST = "127.0.0.1"
WAIT_SECONDS = 15 * 60
PASTED_TO = (
    f"http://{HOST}:49151/"  # nothing listens there: the browser stops with the answer in its address field
)
_WISHES = {
    "access_type": "offline",
    "prompt": "consent select_account",
}  # a lasting token, for a channel of choice


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A YouTube channel."""

    id: str
    title: str


class Consent:
    """One attempt to be granted a channel. All its methods raise AccountError, a sentence for the person."""

    def __init__(self, client: OAuthClient) -> None:
        self._client = client
        self._flow = InstalledAppFlow.from_client_config(client.as_config(), scopes=list(SCOPES))
        limit_time(self._flow.oauth2session)

    def on_loopback(self, prompt: str, success: str) -> None:
        """Print `prompt` with the address in the place of {url}, open it where there is a screen, and wait.

        success: what the browser shows at the end.
        """
        with _said():
            self._flow.run_local_server(
                host=HOST, port=0, open_browser=has_screen(), timeout_seconds=WAIT_SECONDS,
                authorization_prompt_message=prompt, success_message=success, **_WISHES,
            )  # fmt: skip

    def address(self) -> str:
        """Where the person goes, on any machine; the browser ends on an address that is to be given to `pasted`."""
        self._flow.redirect_uri = PASTED_TO
        return str(self._flow.authorization_url(**_WISHES)[0])

    def pasted(self, text: str) -> None:
        """Take the address that the browser ended on."""
        parts = urlsplit("".join(text.split()))
        if f"{parts.scheme}://{parts.netloc}{parts.path}" != PASTED_TO or not parts.query:
            raise AccountError(
                f"Det där är inte adressen som webbläsaren stannade på, som börjar med {PASTED_TO}?: kör kommandot "
                "igen och kopiera hela adressen."
            )
        with _said():
            # oauthlib takes no answer but over https, which a loopback address never has.
            answer = urlunsplit(parts._replace(scheme="https"))
            self._flow.fetch_token(authorization_response=answer)

    def token(self, channel: Channel, now: datetime) -> Token:
        """What is to be stored, once it is known whose it is."""
        granted = self._granted
        lives = granted.get("refresh_token_expires_in")
        return Token(
            refresh_token=str(granted["refresh_token"]),
            client_id=self._client.client_id,
            scopes=frozenset(SCOPES),
            channel_id=channel.id,
            channel_title=channel.title,
            connected_at=now,
            expires_at=None if lives is None else now + timedelta(seconds=int(lives)),
        )

    def channel(self, settings: Settings, meter: Meter) -> Channel:
        """Ask which channel was granted; 1 unit."""
        if not self._granted.get("refresh_token"):
            raise AccountError("Google gav inget varaktigt tillstånd: kör kommandot igen.")
        transport = Transport(self._flow.credentials, meter)
        try:
            with _said(), build_youtube(settings, transport) as youtube:
                found = youtube.channels().list(part="snippet", mine=True).execute()
        finally:
            transport.close()
        if not found.get("items"):
            raise AccountError(
                "Det Google-kontot har ingen YouTube-kanal: skapa en, eller välj ett annat konto."
            )
        item = found["items"][0]
        return Channel(id=item["id"], title=item["snippet"]["title"])

    @property
    def _granted(self) -> dict[str, Any]:
        granted: dict[str, Any] = self._flow.oauth2session.token
        return granted


def has_screen() -> bool:
    """Whether a browser can be shown here."""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


@contextmanager
def _said() -> Iterator[None]:
    """Whatever goes wrong with Google inside, as a sentence. Never the exceptions' own texts: they may hold secrets."""
    try:
        yield
    except AccessDeniedError:
        raise AccountError("Tillståndet gavs inte, och ingenting är ändrat.") from None
    except MismatchingStateError:
        raise AccountError(
            "Svaret hör till ett annat försök: kör kommandot igen och använd den nya adressen."
        ) from None
    except WSGITimeoutError:
        raise AccountError("Ingen gav något tillstånd i tid: kör kommandot igen.") from None
    except Warning as changed:  # so oauthlib says that other scopes were granted than asked for
        missing = missing_scopes(getattr(changed, "new_scope", ()))
        raise AccountError(
            f"Tillståndet gäller inte {' och '.join(missing)}: kör kommandot igen och kryssa i allt på Googles sida."
        ) from None
    except OAuth2Error as error:
        raise AccountError(f"Google nekade ({error.error}): kör kommandot igen.") from None
    except RefreshError:
        raise AccountError("Google tog genast tillbaka tillståndet: kör kommandot igen.") from None
    except HttpError as error:
        raise AccountError(f"YouTube svarade med fel {error.resp.status}: {_advice(error)}") from None
    except requests.RequestException as error:
        raise AccountError(f"{plain_error(error)} Försök igen när nätet fungerar.") from None
    except (ConnectionError, TimeoutError) as error:
        raise AccountError(f"{error} Försök igen när nätet fungerar.") from None


def _advice(error: HttpError) -> str:
    if error.resp.status == 403:
        return "kontrollera att YouTube Data API v3 är påslaget i Google Cloud-projektet."
    return "försök igen om en stund."
