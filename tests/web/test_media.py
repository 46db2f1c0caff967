"""The files of films and live meetings, by raw HTTP: ranges, conditions, and who may have them."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient

from schedules.models import Video
from schedules.states import Audience, MeetingState, VideoState
from tests.web.conftest import NOW, Site, Town, wait_for
from web import ranges

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes, larger than a block and no multiple of one


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    """Known bytes in the place of a film."""
    path = tmp_path / "blob"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def sender(blob: Path) -> FlaskClient:
    """Nothing but `ranges.send`."""
    app = Flask("sender")

    @app.get("/")
    def file() -> Response:
        return ranges.send(blob, request, mimetype="video/mp4", cache_control="public, no-cache")

    return app.test_client()


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-", 0, 1024000),
        ("bytes=0-0", 0, 1),
        ("bytes=100-299", 100, 300),
        ("bytes=1023999-", 1023999, 1024000),
        ("bytes=-500", 1023500, 1024000),
        ("bytes=1000000-9999999", 1000000, 1024000),
        ("bytes=-9999999", 0, 1024000),
        ("Bytes=5-6", 5, 7),
    ],
)
def test_a_range_is_exactly_that(sender: FlaskClient, asked: str, start: int, stop: int) -> None:
    answer = sender.get("/", headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.data == CONTENT[start:stop]
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/1024000"
    assert answer.headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize(
    "asked", ["bytes=1024000-", "bytes=5-4", "bytes=a-b", "bytes=", "bytes=0-1,5-6", "bytes=-0"]
)
def test_a_range_that_cannot_be_given_is_416(sender: FlaskClient, asked: str) -> None:
    answer = sender.get("/", headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */1024000"


@pytest.mark.parametrize("asked", ["frames=1-2", "nonsense"])
def test_a_range_of_something_else_is_passed_over(sender: FlaskClient, asked: str) -> None:
    answer = sender.get("/", headers={"Range": asked})
    assert (answer.status_code, answer.data) == (200, CONTENT)


def test_conditions_come_in_the_order_of_the_rfc(sender: FlaskClient, blob: Path) -> None:
    first = sender.get("/")
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    later = format_datetime(
        datetime.fromtimestamp(blob.stat().st_mtime, UTC) + timedelta(days=1), usegmt=True
    )
    part = {"Range": "bytes=0-9"}
    for headers, status in (
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": etag, **part}, 304),  # the condition first, the range after
        ({"If-None-Match": '"other"', **part}, 206),
        (
            {"If-None-Match": '"other"', "If-Modified-Since": modified},
            200,
        ),  # the date does not count beside a tag
        ({"If-Modified-Since": modified}, 304),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": etag, **part}, 206),
        ({"If-Range": etag, **part}, 206),
        ({"If-Range": modified, **part}, 206),
        ({"If-Range": f"W/{etag}", **part}, 200),  # a weak tag promises no bytes
        ({"If-Range": '"other"', **part}, 200),
        ({"If-Range": later, **part}, 200),
        ({"If-Range": '"other"', "Range": "bytes=9999999-"}, 200),
    ):
        answer = sender.get("/", headers=headers)
        assert answer.status_code == status, headers
        assert answer.headers.get("ETag", etag) == etag
        if status == 304:
            assert answer.data == b""
    # A new version under the same address: what was begun is not continued with other bytes.
    blob.write_bytes(CONTENT[::-1])
    changed = sender.get("/", headers={"If-Range": etag, **part})
    assert (changed.status_code, changed.data) == (200, CONTENT[::-1])


def test_head_tells_all_and_sends_nothing(sender: FlaskClient) -> None:
    answer = sender.head("/", headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == "1024000"
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_an_empty_file_is_sent_and_has_no_ranges(sender: FlaskClient, blob: Path) -> None:
    blob.write_bytes(b"")
    assert sender.get("/").headers["Content-Length"] == "0"
    assert sender.get("/", headers={"Range": "bytes=0-"}).status_code == 416


def get(site: Site, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    """One request on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", site.port, timeout=10)
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def address_of(film: Video, name: str = "video.mp4") -> str:
    return f"/media/{film.key}/{name}"


def test_films_under_gunicorn(site: Site, blob: Path) -> None:
    address = address_of(film := site.town.film(blob))
    whole, body = get(site, address)
    assert (whole.status, body) == (200, CONTENT)
    assert whole.headers["Content-Type"] == "video/mp4"
    assert whole.headers["Cache-Control"] == "public, no-cache"
    assert "Set-Cookie" not in whole.headers
    part, body = get(site, address, Range="bytes=300000-899999")
    assert (part.status, body) == (206, CONTENT[300000:900000])
    assert get(site, address, Range="bytes=5-4")[0].status == 416
    kept, body = get(site, address, If_None_Match=whole.headers["ETag"])
    assert (kept.status, body) == (304, b"")
    head, body = get(site, address, "HEAD")
    assert (head.status, head.headers["Content-Length"], body) == (200, "1024000", b"")
    assert get(site, address_of(film, "poster.jpg"))[0].status == 404

    # Two requests on one connection: a range leaves nothing behind in it.
    connection = HTTPConnection("127.0.0.1", site.port, timeout=10)
    for start in (0, 700_000):
        connection.request("GET", address, headers={"Range": f"bytes={start}-{start + 99}"})
        assert connection.getresponse().read() == CONTENT[start : start + 100]
    connection.close()

    # Withdrawn: gone at once, also for those who have it stored.
    site.town.change_film(film, VideoState.WITHDRAWN)
    gone, body = get(site, address, If_None_Match=whole.headers["ETag"])
    assert (gone.status, gone.headers["Cache-Control"]) == (410, "no-store")
    assert CONTENT[:50] not in body
    wait_for(lambda: '"status": 410' in site.log.read_text(), 5)
    log = site.log.read_text()
    assert f'"path": "{address}"' in log
    assert "Traceback" not in log


def test_many_who_watch_slowly_do_not_stop_the_others(site: Site, blob: Path) -> None:
    blob.write_bytes(b"x" * 30_000_000)
    address = address_of(site.town.film(blob))
    slow = []
    for _ in range(100):
        viewer = socket.create_connection(("127.0.0.1", site.port))
        viewer.sendall(f"GET {address} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        slow.append(viewer)
    answered = []
    asker = threading.Thread(target=lambda: answered.append(get(site, "/status")[0].status))
    asker.start()
    asker.join(5)
    assert answered == [200]
    for viewer in slow:
        viewer.close()


@pytest.mark.parametrize(
    "path",
    [
        "/media/{key}/metadata.json",
        "/media/{key}/../{key}/video.mp4",
        "/media/{key}/%2e%2e%2fvideo.mp4",
        "/media/..%2f..%2flaktare.db/video.mp4",
        "/media/%2e%2e/video.mp4",
        "/media/unknown/video.mp4",
        "/live/1/..%2findex.m3u8",
        "/live/1/index.m3u8.tmp",
        "/live/1/.m3u8",
        "/live/1/ledger.jsonl",
        "/live/-1/index.m3u8",
    ],
)
def test_an_address_is_never_a_path(client: FlaskClient, town: Town, blob: Path, path: str) -> None:
    film = town.film(blob)
    (town.settings.archive_folder(film.key) / "metadata.json").write_text("{}")
    folder = town.settings.live_folder(town.live())
    folder.mkdir(parents=True)
    for name in ("index.m3u8", "index.m3u8.tmp", ".m3u8", "ledger.jsonl"):
        (folder / name).write_text("#EXTM3U")
    assert client.get(path.format(key=film.key)).status_code == 404


@pytest.mark.parametrize(
    "state", [s for s in VideoState if s not in {VideoState.PUBLISHED, VideoState.WITHDRAWN}]
)
def test_a_film_that_is_not_published_is_not_there(
    client: FlaskClient, town: Town, blob: Path, state: VideoState
) -> None:
    assert client.get(address_of(town.film(blob, state=state))).status_code == 404


def test_a_film_for_the_staff_is_not_there(client: FlaskClient, town: Town, blob: Path) -> None:
    film = town.film(blob, audience=Audience.STAFF)
    assert client.get(address_of(film)).status_code == 404
    town.change_film(film, VideoState.WITHDRAWN)
    assert client.get(address_of(film)).status_code == 404  # not 410: that would tell that it is there


def stream(town: Town, meeting: int) -> None:
    folder = town.settings.live_folder(meeting)
    folder.mkdir(parents=True)
    (folder / "index.m3u8").write_text("#EXTM3U\n")
    (folder / "seg-1.ts").write_bytes(b"G" * 188)


def test_live_files_have_their_types_and_lifetimes(client: FlaskClient, town: Town) -> None:
    meeting = town.live()
    stream(town, meeting)
    playlist = client.get(f"/live/{meeting}/index.m3u8")
    assert playlist.mimetype == "application/vnd.apple.mpegurl"
    assert playlist.headers["Cache-Control"] == "public, max-age=1"
    segment = client.get(f"/live/{meeting}/seg-1.ts")
    assert segment.mimetype == "video/mp2t"
    assert segment.headers["Cache-Control"] == "public, max-age=300, immutable"
    assert segment.data == b"G" * 188


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        ({"state": MeetingState.PREPARING}, 200),
        ({"state": MeetingState.LIVE}, 200),
        ({"state": MeetingState.LIVE, "audience": Audience.STAFF}, 404),
        (
            {"state": MeetingState.ENDED, "ended_at": NOW - timedelta(minutes=1)},
            200,
        ),  # the tail may be watched
        ({"state": MeetingState.ENDED, "ended_at": NOW - timedelta(minutes=10)}, 404),
        ({"state": MeetingState.CANCELLED}, 404),
        ({"state": MeetingState.PLANNED}, 404),
    ],
)
def test_a_stream_is_there_while_it_is_for_the_public(
    client: FlaskClient, town: Town, columns: dict[str, Any], status: int
) -> None:
    meeting = town.meeting(**columns)
    stream(town, meeting)
    assert client.get(f"/live/{meeting}/index.m3u8").status_code == status


def test_our_own_files_are_cached_by_their_content(client: FlaskClient) -> None:
    page = client.get("/").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    styled = client.get(address)
    assert styled.status_code == 200
    assert styled.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "immutable" not in client.get(address.split("?")[0]).headers["Cache-Control"]
    assert client.get("/static/nothing.css").headers["Cache-Control"] == "no-store"
