"""A connected account without a browser."""

from __future__ import annotations

from datetime import UTC, datetime

from schedules.settings import Settings
from schedules.youtube.oauth_client import SCOPES
from schedules.youtube.tokens import Token, store_token
from tests.standins.youtube import YouTube

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def connect(settings: Settings, youtube: YouTube, account: str = "kommunen", **changes: object) -> Token:
    """A token as `laktare connect` stores it, for the stand-in's channel of the same name."""
    channel = youtube.sign_on.accounts[account]
    values: dict[str, object] = {
        "refresh_token": youtube.issue_token(account),
        "client_id": youtube.sign_on.client_id,
        "scopes": frozenset(SCOPES),
        "channel_id": channel.channel_id,
        "channel_title": channel.title,
        "connected_at": NOW,
    }
    token = Token(**{**values, **changes})  # type: ignore[arg-type]
    store_token(settings, account, token)
    return token
