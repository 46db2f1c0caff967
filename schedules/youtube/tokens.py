"""What `laktare connect` has been granted, one file per account: accounts/KEY.json in the data folder, mode 0600."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from schedules.settings import Settings
from schedules.youtube.oauth_client import AccountError


@dataclass(frozen=True, kw_only=True)
class Token:
    """A channel's grant.

    expires_at: when it dies whatever is done, as it does where the consent screen is in testing; renewed_at: when
    Google last gave an access token for it.
    """

    refresh_token: str = field(repr=False)
    client_id: str  # of the OAuth client it was granted to; no other can use it
    scopes: frozenset[str]
    channel_id: str
    channel_title: str
    connected_at: datetime
    expires_at: datetime | None = None
    renewed_at: datetime | None = (
        None  # kept as the file's time, so that renewing never rewrites a newer grant
    )


def token_file(settings: Settings, account: str) -> Path:
    """Where an account's token is, or will be."""
    return settings.data / "accounts" / f"{account}.json"


def load_token(settings: Settings, account: str) -> Token:
    """The token of a connected account. Raises AccountError where there is none."""
    file = token_file(settings, account)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        expires = content["expires_at"]
        return Token(
            refresh_token=content["refresh_token"],
            client_id=content["client_id"],
            scopes=frozenset(content["scopes"]),
            channel_id=content["channel_id"],
            channel_title=content["channel_title"],
            connected_at=datetime.fromisoformat(content["connected_at"]),
            expires_at=None if expires is None else datetime.fromisoformat(expires),
            renewed_at=datetime.fromtimestamp(file.stat().st_mtime, UTC),
        )
    except FileNotFoundError:
        raise AccountError(f"Kontot {account} är inte anslutet: {connect_hint(account)}") from None
    except OSError as error:
        raise AccountError(
            f"Filen {file} kan inte läsas ({error.strerror}): rätta dess rättigheter."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise AccountError(f"Filen {file} är skadad: {connect_hint(account)}") from None


def store_token(settings: Settings, account: str, token: Token) -> None:
    """Put the token in the place of the former one, whole or not at all. Raises OSError."""
    file = token_file(settings, account)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.parent.chmod(0o700)
    content = {
        "refresh_token": token.refresh_token,
        "client_id": token.client_id,
        "scopes": sorted(token.scopes),
        "channel_id": token.channel_id,
        "channel_title": token.channel_title,
        "connected_at": token.connected_at.isoformat(),
        "expires_at": None if token.expires_at is None else token.expires_at.isoformat(),
    }
    # A temporary file of this kind is made with mode 0600.
    with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as new:
        try:
            json.dump(content, new, ensure_ascii=False, indent=2)
            new.flush()
            os.fsync(new.fileno())
            Path(new.name).replace(file)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise


def note_renewal(settings: Settings, account: str, used: Token, refresh_token: str, now: datetime) -> None:
    """Google has given an access token for `used`, and with it perhaps another refresh token.

    Nothing happens where the account was connected anew in the meantime.
    """
    if load_token(settings, account).refresh_token != used.refresh_token:
        return
    if refresh_token != used.refresh_token:
        store_token(settings, account, replace(used, refresh_token=refresh_token))
    os.utime(token_file(settings, account), (now.timestamp(), now.timestamp()))


def connect_hint(account: str) -> str:
    """What to do about a token that is not there or does not hold."""
    return f"kör laktare connect youtube --account {account}."
