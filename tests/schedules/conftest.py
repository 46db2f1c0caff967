"""YouTube on loopback over TLS, and settings whose one account leads there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schedules.settings import (
    AccountSettings,
    ChannelSettings,
    PlatformSettings,
    Settings,
)
from schedules.settings import YouTube as YouTubeSettings
from tests.schedules.connecting import connect
from tests.standins.youtube import YouTube


@pytest.fixture
def youtube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[YouTube]:
    """The stand-in with one channel, "kommunen"; its authority is the one that requests trusts."""
    with YouTube(tmp_path / "youtube", ingest=False) as youtube:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(youtube.ca_file))
        youtube.add_account("kommunen", title="Provköpings kommun")
        yield youtube
        assert youtube.violations == []


@pytest.fixture
def away(settings: Settings, youtube: YouTube, tmp_path: Path) -> Settings:
    """Settings with the account "kommunen", used by a channel and a platform, not connected yet."""
    secrets = youtube.write_client_secrets(tmp_path / "google.json")
    return settings.model_copy(
        update={
            "youtube": YouTubeSettings(client_secrets=secrets, api=youtube.url),
            "accounts": {"kommunen": AccountSettings(kind="youtube", name="Kommunens kanal")},
            "channels": {
                **settings.channels,
                "youtube": ChannelSettings(kind="youtube", name="YouTube", account="kommunen"),
            },
            "platforms": {
                **settings.platforms,
                "youtube": PlatformSettings(kind="youtube", name="YouTube", account="kommunen"),
            },
        }
    )


@pytest.fixture
def connected(away: Settings, youtube: YouTube) -> Settings:
    """The same with the account connected."""
    connect(away, youtube)
    return away
