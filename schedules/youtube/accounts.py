"""Stored tokens → ready clients, which the engines use without knowing where they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import structlog
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import Resource, build_from_document

from schedules.database import Database
from schedules.settings import Settings, YouTube
from schedules.youtube.http import Meter, Transport
from schedules.youtube.methods import document
from schedules.youtube.oauth_client import SCOPES, OAuthClient, read_client
from schedules.youtube.oauth_client import AccountError as AccountError
from schedules.youtube.quota import NoMeter, QuotaMeter
from schedules.youtube.tokens import Token, connect_hint, load_token, note_renewal

OWN_ADDRESS = YouTube().api

log = structlog.get_logger(__name__)


def used_accounts(settings: Settings) -> list[str]:
    """The accounts that a channel or a platform uses, in the order of the settings."""
    named = {channel.account for channel in settings.channels.values()}
    named |= {platform.account for platform in settings.platforms.values()}
    return [key for key in settings.accounts if key in named]


def open_youtube(
    settings: Settings, database: Database | None, account: str, *, steering: bool = False
) -> Resource:
    """A client of the YouTube Data API for a connected account; close it when done. No network is used for it.

    steering: for a broadcast on air, which may spend the reserve of the quota too. database: where the quota is
    counted; None: it is not.

    Raises AccountError where the account is not connected, or to another channel than the settings say. Its requests
    raise HttpError, google.auth.exceptions.RefreshError where the token is dead, and OSError for the network.
    """
    return build_youtube(settings, open_transport(settings, database, account, steering=steering))


def build_youtube(settings: Settings, transport: Transport) -> Resource:
    """The same over a transport that is there already."""
    return _build("youtube", "v3", settings.youtube.api, transport)


def open_analytics(settings: Settings, account: str) -> Resource:
    """A client of the YouTube Analytics API, which has a quota of its own. Raises AccountError; see `open_youtube`."""
    elsewhere = settings.youtube.api if settings.youtube.api != OWN_ADDRESS else None
    return _build("youtubeAnalytics", "v2", elsewhere, open_transport(settings, None, account))


def open_transport(
    settings: Settings,
    database: Database | None,
    account: str,
    *,
    steering: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Transport:
    """What the clients send their requests through. Raises AccountError."""
    client, token = read_client(settings.youtube), checked_token(settings, account)

    def keep(credentials: Credentials) -> None:
        try:
            note_renewal(settings, account, token, credentials.refresh_token, now())
        except (OSError, AccountError) as error:  # the request that it was renewed for can go on
            log.warning("renewed token could not be noted", account=account, error=type(error).__name__)

    meter = meter_of(settings, database, client, steering=steering)
    return Transport(_credentials(client, token), meter, keep)


def meter_of(
    settings: Settings, database: Database | None, client: OAuthClient, *, steering: bool = False
) -> Meter:
    """What counts the requests of one OAuth client."""
    if database is None:
        return NoMeter()
    return QuotaMeter(database, settings.youtube, client.client_id, may_use_reserve=steering)


def checked_token(settings: Settings, account: str) -> Token:
    """The account's token, which is the one that the settings want. Raises AccountError. No network."""
    token, wanted = load_token(settings, account), settings.accounts[account].channel_id
    if wanted and token.channel_id != wanted:
        raise AccountError(
            f"Kontot {account} är anslutet till kanalen {token.channel_title} ({token.channel_id}), men "
            f"accounts.{account}.channel_id är {wanted}: {connect_hint(account)}"
        )
    if token.client_id != read_client(settings.youtube).client_id:
        raise AccountError(
            f"Kontot {account} anslöts med en annan OAuth-klient än den i youtube.client_secrets: "
            f"{connect_hint(account)}"
        )
    if missing := missing_scopes(token.scopes):
        raise AccountError(
            f"Kontot {account} saknar behörigheten {' och '.join(missing)}: {connect_hint(account)[:-1]} och kryssa i "
            "allt."
        )
    return token


def missing_scopes(granted: Iterable[str]) -> list[str]:
    """What a person left unticked, by Google's short names."""
    return [scope.rpartition("/")[2] for scope in SCOPES if scope not in granted]


def _credentials(client: OAuthClient, token: Token) -> Credentials:
    return Credentials(
        token=None,
        refresh_token=token.refresh_token,
        token_uri=client.token_uri,
        client_id=client.client_id,
        client_secret=client.client_secret,
    )


def _build(name: str, version: str, address: str | None, transport: Transport) -> Resource:
    described: dict[str, Any] = document(name, version)
    if address is not None:
        described["rootUrl"] = address.rstrip("/") + "/"
    return build_from_document(described, http=transport)
