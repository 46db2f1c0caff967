"""A stand-in for YouTube and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standins.youtube import YouTube
from tests.uploader.delivery import ACCOUNT, client_for, sign_on_to


@pytest.fixture
def youtube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[YouTube]:
    """With one channel, to which any file is a minute of film. At the end it has seen nothing it never should."""
    with YouTube(tmp_path / "youtube", ingest=False) as standin:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(standin.ca_file))
        standin.any_file_is_a_film = True
        standin.add_account(ACCOUNT)
        yield standin
        assert standin.violations == []


@pytest.fixture
def client(youtube: YouTube) -> Any:
    """Signed on to the channel."""
    return client_for(youtube.url, sign_on_to(youtube))
