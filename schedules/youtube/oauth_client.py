"""Who we are to Google: the OAuth client that the municipality has made in Google Cloud, as its JSON file tells."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from schedules.settings import YouTube

SCOPES = (
    "https://www.googleapis.com/auth/youtube.force-ssl",  # every call of the Data API
    "https://www.googleapis.com/auth/yt-analytics.readonly",
)


class AccountError(RuntimeError):
    """An account cannot be used. The message is one Swedish sentence that says what to do."""


@dataclass(frozen=True, kw_only=True)
class OAuthClient:
    """auth_uri: where a person consents; token_uri: where tokens are had. Both are Google's, or a stand-in's."""

    client_id: str
    client_secret: str = field(repr=False)
    auth_uri: str
    token_uri: str

    def as_config(self) -> dict[str, Any]:
        """As google-auth-oauthlib wants it. Holds the secret."""
        return {
            "installed": {
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "auth_uri": self.auth_uri,
                "token_uri": self.token_uri,
            }
        }


def read_client(settings: YouTube) -> OAuthClient:
    """The OAuth client of the file `youtube.client_secrets`. Raises AccountError."""
    file = settings.client_secrets
    if file is None:
        raise AccountError(
            "youtube.client_secrets är inte inställd: ladda ner OAuth-klientens JSON-fil (slaget Desktop app) från "
            "Google Cloud och ange var den ligger."
        )
    again = "ladda ner OAuth-klientens JSON-fil (slaget Desktop app) från Google Cloud igen."
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AccountError(f"Filen {file} (youtube.client_secrets) finns inte: {again}") from None
    except OSError as error:
        raise AccountError(
            f"Filen {file} (youtube.client_secrets) kan inte läsas ({error.strerror}): rätta dess rättigheter."
        ) from None
    except ValueError:
        raise AccountError(f"Filen {file} (youtube.client_secrets) är inte JSON: {again}") from None
    if isinstance(content, dict) and "installed" not in content and "web" in content:
        raise AccountError(
            f"Filen {file} (youtube.client_secrets) är en OAuth-klient av slaget Web application: skapa en av slaget "
            "Desktop app i Google Cloud i stället."
        )
    try:
        installed = content["installed"]
        return OAuthClient(
            client_id=installed["client_id"],
            client_secret=installed["client_secret"],
            auth_uri=installed["auth_uri"],
            token_uri=installed["token_uri"],
        )
    except (KeyError, TypeError):
        raise AccountError(f"Filen {file} (youtube.client_secrets) är ingen OAuth-klient: {again}") from None
