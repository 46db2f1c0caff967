"""The way to Google: once, with a token that lasts, and without a secret in what it says when it fails."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaFileUpload

from schedules.settings import Settings
from schedules.youtube.accounts import build_youtube
from schedules.youtube.http import Transport
from tests.standins.youtube import YouTube

BLOCK = 256 * 1024
FILM = {"snippet": {"title": "Kommunfullmäktige"}, "status": {"privacyStatus": "private"}}


class Purse:
    """A meter that writes down what is asked of it, and has enough until it is told otherwise."""

    def __init__(self) -> None:
        self.spent: list[str] = []
        self.exhausted: list[str] = []
        self.enough = True

    def spend(self, method: str) -> bool:
        self.spent.append(method)
        return self.enough

    def used_up(self, method: str) -> None:
        self.exhausted.append(method)


@pytest.fixture
def purse() -> Purse:
    return Purse()


@pytest.fixture
def transport(youtube: YouTube, purse: Purse) -> Iterator[Transport]:
    transport = Transport(credentials_for(youtube), purse)
    yield transport
    transport.close()


@pytest.fixture
def client(away: Settings, transport: Transport) -> Any:
    return build_youtube(away, transport)


def credentials_for(youtube: YouTube) -> Credentials:
    return Credentials(
        token=None, refresh_token=youtube.issue_token("kommunen"), token_uri=youtube.url + "token",
        client_id=youtube.sign_on.client_id, client_secret=youtube.sign_on.client_secret,
    )  # fmt: skip


def broadcast() -> dict[str, Any]:
    start = datetime.now(UTC) + timedelta(days=1)
    return {
        "snippet": {"title": "Kommunfullmäktige", "scheduledStartTime": start.isoformat()},
        "status": {"privacyStatus": "public"},
    }


def channel(client: Any) -> str:
    return str(client.channels().list(part="snippet", mine=True).execute()["items"][0]["snippet"]["title"])


def arrived(youtube: YouTube, method: str) -> int:
    return sum(request.method == method for request in youtube.requests)


def test_a_token_is_had_once_and_renewed_when_it_ends(youtube: YouTube, client: Any) -> None:
    assert [channel(client), channel(client)] == ["Provköpings kommun"] * 2
    assert arrived(youtube, "/token") == 1
    youtube.advance(3600)  # the client does not know: it is told by a 401
    assert channel(client) == "Provköpings kommun"
    assert arrived(youtube, "/token") == 2


def test_a_token_that_would_not_last_a_chunk_is_renewed_before(youtube: YouTube, purse: Purse) -> None:
    kept: list[str] = []
    credentials = credentials_for(youtube)
    transport = Transport(credentials, purse, lambda renewed: kept.append(str(renewed.token)))
    address = youtube.url + "youtube/v3/channels?part=id&mine=true"
    transport.request(address)
    assert credentials.expiry is not None
    credentials.expiry -= timedelta(minutes=50)
    transport.request(address)
    transport.close()
    assert (len(kept), arrived(youtube, "/token")) == (2, 2)
    assert all(request.status == 200 for request in youtube.requests)


def test_a_dead_token_is_said_and_a_busy_sign_on_is_the_network(youtube: YouTube, client: Any) -> None:
    youtube.faults.add("/token", "cut")
    with pytest.raises(ConnectionError):
        channel(client)
    youtube.sign_on.revoke_account(youtube.sign_on.accounts["kommunen"])
    with pytest.raises(RefreshError, match="invalid_grant"):
        channel(client)
    youtube.faults.add("/token", "error", times=9)
    with pytest.raises(ConnectionError, match="tillfälligt"):
        channel(client)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_request_whose_answer_is_lost_is_never_sent_again(
    youtube: YouTube, client: Any, purse: Purse, when: Any
) -> None:
    channel(client)  # so that the connection is one that is kept
    youtube.faults.add("youtube.liveBroadcasts.insert", "cut", when)
    with pytest.raises(ConnectionError):
        client.liveBroadcasts().insert(part="snippet,status", body=broadcast()).execute()
    assert arrived(youtube, "youtube.liveBroadcasts.insert") == 1
    assert len(youtube.broadcasts) == (when == "after")
    assert purse.spent == ["youtube.channels.list", "youtube.liveBroadcasts.insert"]
    assert channel(client) == "Provköpings kommun"  # and the next one finds a new connection


def test_a_small_body_is_sent_anew_with_a_new_token(youtube: YouTube, client: Any) -> None:
    channel(client)
    youtube.sign_on.expire_accesses()
    client.liveBroadcasts().insert(part="snippet,status", body=broadcast()).execute()
    assert len(youtube.broadcasts) == 1


def test_an_upload_goes_in_chunks_and_outlives_its_token(
    youtube: YouTube, client: Any, purse: Purse, tmp_path: Path
) -> None:
    youtube.any_file_is_a_film = True
    film = tmp_path / "film.mp4"
    film.write_bytes(content := os.urandom(3 * BLOCK + 17))
    request = insert(client, film)
    status, answer = request.next_chunk()
    assert (status.resumable_progress, answer) == (BLOCK, None)
    youtube.sign_on.expire_accesses()
    with pytest.raises(HttpError, match="401"):
        request.next_chunk()  # a chunk is read as it is sent, so it is not sent again by itself
    while answer is None:
        _, answer = request.next_chunk()
    media = youtube.videos[answer["id"]].media
    assert media is not None
    assert media.path.read_bytes() == content
    assert purse.spent == ["youtube.videos.insert"]  # the chunks cost nothing


def insert(client: Any, film: Path) -> Any:
    media = MediaFileUpload(str(film), mimetype="video/mp4", chunksize=BLOCK, resumable=True)
    return client.videos().insert(part="snippet,status", body=FILM, media_body=media)


def test_what_fails_tells_no_secret(youtube: YouTube, client: Any, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(2 * BLOCK))
    request = insert(client, film)
    youtube.faults.add("youtube.videos.insert#chunk", "cut_body", size=1000)
    with pytest.raises(ConnectionError) as fault:
        request.next_chunk()
    told = f"{fault.value!r} {fault.value.__cause__!r} {fault.value.__suppress_context__}"
    assert told.endswith("None True")
    assert "upload" not in told
    for secret in youtube.sign_on.secrets():
        assert secret not in told + repr(client) + repr(request.http)


def test_the_meter_says_no_and_google_says_no(youtube: YouTube, client: Any, purse: Purse) -> None:
    channel(client)
    youtube.quota.limits["units"] = 0
    with pytest.raises(HttpError) as google:
        channel(client)
    assert (google.value.error_details[0]["reason"], purse.exhausted) == (
        "quotaExceeded",
        ["youtube.channels.list"],
    )
    seen, purse.enough = len(youtube.requests), False
    with pytest.raises(HttpError) as ours:
        channel(client)
    assert (ours.value.status_code, ours.value.error_details[0]["reason"]) == (403, "quotaExceeded")
    assert len(youtube.requests) == seen


def test_a_netrc_does_not_take_the_place_of_the_token(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine localhost login anna password hemligt\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert channel(client) == "Provköpings kommun"


def test_nobody_listens_and_a_certificate_nobody_trusts(
    youtube: YouTube, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel(client)
    transport = Transport(credentials_for(youtube), Purse())
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(ConnectionError, match="certifikat"):
        transport.request(youtube.url)
    away = credentials_for(youtube)
    away._token_uri = "https://localhost:1/token"
    with pytest.raises(ConnectionError, match="gick inte att få"):
        Transport(away, Purse()).refresh()


def test_threads_share_one_token(youtube: YouTube, transport: Transport) -> None:
    address = youtube.url + "youtube/v3/channels?part=id&mine=true"
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(transport.request(address)[0].status))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    assert arrived(youtube, "/token") == 1


def test_a_stream_is_sent_as_it_is_read_and_308_is_not_followed(
    youtube: YouTube, transport: Transport
) -> None:
    start = {
        "content-type": "application/json", "x-upload-content-length": str(2 * BLOCK),
        "x-upload-content-type": "video/mp4",
    }  # fmt: skip
    address = youtube.url + "upload/youtube/v3/videos?uploadType=resumable&part=snippet,status"
    answer, _ = transport.request(address, "POST", json.dumps(FILM), start)
    chunk = {"content-length": str(BLOCK), "content-range": f"bytes 0-{BLOCK - 1}/{2 * BLOCK}"}
    body = io.BytesIO(os.urandom(BLOCK))
    answer, _ = transport.request(answer["location"], "PUT", body, chunk)
    assert (answer.status, answer["range"]) == (308, f"bytes=0-{BLOCK - 1}")
