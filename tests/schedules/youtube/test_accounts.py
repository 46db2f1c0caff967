"""Stored tokens: how they are kept, which ones are refused, and clients of them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaFileUpload

from schedules.database import Database
from schedules.doctor.youtube import check_youtube
from schedules.logs import configure_logs
from schedules.settings import AccountSettings, Settings
from schedules.settings import YouTube as YouTubeSettings
from schedules.youtube.accounts import open_analytics, open_transport, open_youtube, used_accounts
from schedules.youtube.oauth_client import SCOPES, AccountError, read_client
from schedules.youtube.quota import units_left
from schedules.youtube.statistics import fetch_statistics
from schedules.youtube.tokens import load_token, note_renewal, store_token, token_file
from schedules.youtube.watch import watch_accounts
from tests.schedules.connecting import NOW, connect
from tests.standins.youtube import YouTube


def refusal(settings: Settings, account: str = "kommunen") -> str:
    with pytest.raises(AccountError) as error:
        open_youtube(settings, None, account)
    return str(error.value)


def test_a_token_is_kept_for_its_owner_alone_and_is_never_shown(away: Settings, youtube: YouTube) -> None:
    token = connect(away, youtube, expires_at=NOW)
    file = token_file(away, "kommunen")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [path.name for path in file.parent.iterdir()] == ["kommunen.json"]
    loaded = load_token(away, "kommunen")
    assert replace(loaded, renewed_at=None) == token
    assert token.refresh_token not in repr(loaded)
    assert youtube.sign_on.client_secret not in repr(read_client(away.youtube))


def test_a_token_that_cannot_be_stored_leaves_the_former(away: Settings, youtube: YouTube) -> None:
    former = connect(away, youtube)
    with pytest.raises(TypeError):
        store_token(away, "kommunen", replace(former, channel_title=object()))  # type: ignore[arg-type]
    assert load_token(away, "kommunen").channel_title == former.channel_title
    assert len(list(token_file(away, "kommunen").parent.iterdir())) == 1


def test_the_client_of_a_connected_account(
    connected: Settings, youtube: YouTube, sqlite_database: Database
) -> None:
    with open_youtube(connected, sqlite_database, "kommunen") as client:
        assert youtube.requests == []  # to make it needs no network
        found = client.channels().list(part="id", mine=True).execute()["items"][0]
    assert found["id"] == youtube.sign_on.accounts["kommunen"].channel_id
    with open_analytics(connected, "kommunen") as analytics:
        answer = (
            analytics.reports()
            .query(ids="channel==MINE", startDate="2026-10-01", endDate="2026-11-24", metrics="views")
            .execute()
        )
    assert "rows" not in answer
    with sqlite_database.session() as session:
        left = units_left(session, connected.youtube, youtube.sign_on.client_id, youtube.now(), reserve=True)
    assert left == 9_999


def test_accounts_that_nobody_uses(away: Settings) -> None:
    spare = AccountSettings(kind="youtube", name="Reserv")
    assert used_accounts(away.model_copy(update={"accounts": {**away.accounts, "reserv": spare}})) == [
        "kommunen"
    ]


def test_tokens_that_are_refused(away: Settings, youtube: YouTube) -> None:
    hint = "kör laktare connect youtube --account kommunen."
    assert refusal(away) == f"Kontot kommunen är inte anslutet: {hint}"
    token = connect(away, youtube)
    wanted = AccountSettings(kind="youtube", name="Kommunens kanal", channel_id="UC1")
    other = refusal(away.model_copy(update={"accounts": {"kommunen": wanted}}))
    assert token.channel_id in other
    assert other.endswith(f"channel_id är UC1: {hint}")
    connect(away, youtube, client_id="another")
    assert "annan OAuth-klient" in refusal(away)
    connect(away, youtube, scopes=frozenset(SCOPES[:1]))
    assert refusal(away).startswith("Kontot kommunen saknar behörigheten yt-analytics.readonly:")
    token_file(away, "kommunen").write_text('{"refresh_token": "1//hemlig"')
    assert refusal(away).endswith(f"är skadad: {hint}")
    assert "hemlig" not in refusal(away)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "finns inte"),
        ("inte json", "är inte JSON"),
        ("[]", "är ingen OAuth-klient"),
        ('{"installed": {"client_id": "1", "client_secret": "GOCSPX-hemlig"}}', "är ingen OAuth-klient"),
        (json.dumps({"web": {"client_id": "1"}}), "slaget Web application"),
    ],
)
def test_client_secrets_that_are_none(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "google.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(AccountError, match=said) as error:
        read_client(YouTubeSettings(client_secrets=file))
    assert str(file) in str(error.value)
    assert "Desktop app" in str(error.value)
    assert "hemlig" not in str(error.value)


def test_client_secrets_that_are_not_set() -> None:
    with pytest.raises(AccountError, match="är inte inställd"):
        read_client(YouTubeSettings())


def test_a_renewed_token_is_noted_unless_a_newer_was_granted(away: Settings, youtube: YouTube) -> None:
    used = connect(away, youtube)
    note_renewal(away, "kommunen", used, "1//rotated", NOW)
    rotated = load_token(away, "kommunen")
    assert (rotated.refresh_token, rotated.renewed_at) == ("1//rotated", NOW)
    newer = connect(away, youtube)
    note_renewal(away, "kommunen", rotated, "1//late", NOW)
    assert load_token(away, "kommunen").refresh_token == newer.refresh_token
    open_transport(away, None, "kommunen", now=lambda: NOW).refresh()
    assert load_token(away, "kommunen").renewed_at == NOW


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_nothing_that_is_written_holds_a_secret(
    connected: Settings, youtube: YouTube, sqlite_database: Database, tmp_path: Path, level: str
) -> None:
    written = io.StringIO()
    with logs_in(written, level):
        film = tmp_path / "film.mp4"
        film.write_bytes(bytes(300_000))
        media = MediaFileUpload(str(film), mimetype="video/mp4", chunksize=262_144, resumable=True)
        with open_youtube(connected, sqlite_database, "kommunen") as client:
            request = client.videos().insert(
                part="snippet,status",
                body={"snippet": {"title": "Film"}, "status": {"privacyStatus": "private"}},
                media_body=media,
            )
            for fault in ("cut", "error", "lose_session"):
                youtube.faults.add("youtube.videos.insert#chunk", fault, status=404)
                with pytest.raises((OSError, HttpError)) as error:
                    request.next_chunk()
                written.write(f"{error.value!r} {error.value}")
        session = parse_qs(urlsplit(request.resumable_uri).query)["upload_id"][0]
        watch_accounts(sqlite_database, connected, NOW)
        youtube.sign_on.revoke_account(youtube.sign_on.accounts["kommunen"])
        watch_accounts(sqlite_database, connected, NOW)
        fetch_statistics(sqlite_database, connected, NOW)
        list(check_youtube(connected, NOW))
    assert "token is dead" in written.getvalue()
    for secret in (session, *youtube.sign_on.secrets()):
        assert secret not in written.getvalue()


@contextmanager
def logs_in(stream: io.StringIO, level: str) -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logs("json", level, stream)
    yield
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_a_token_file_that_is_gone_does_not_stop_a_client(connected: Settings) -> None:
    client = open_youtube(connected, None, "kommunen")
    token_file(connected, "kommunen").unlink()
    assert client.channels().list(part="id", mine=True).execute()["items"]
