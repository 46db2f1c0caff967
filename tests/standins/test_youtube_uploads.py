"""The stand-in's uploads: the resumable protocol to the byte, under every fault, by Google's client and by hand."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import socket
import ssl
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaFileUpload, MediaIoBaseUpload
from PIL import Image

from tests.standins.camera import real_clip
from tests.standins.youtube import YouTube
from tests.standins.youtube_oauth import EVERY_CALL
from tests.standins.youtube_uploads import BLOCK

METADATA = {"snippet": {"title": "Kommunfullmäktige"}, "status": {"privacyStatus": "private"}}
TRANSPORT = (OSError, http.client.HTTPException)


def insert(client: Any, file: Path, chunk: int = BLOCK) -> Any:
    media = MediaFileUpload(str(file), mimetype="video/mp4", chunksize=chunk, resumable=True)
    return client.videos().insert(part="id,snippet,status", body=METADATA, media_body=media)


def send(request: Any, *, tries: int = 20) -> Any:
    """A loop as an uploader has it: whatever happens, ask for the state and go on."""
    for _ in range(tries):
        try:
            _, answer = request.next_chunk()
        except HttpError as error:
            if error.status_code < 500:
                raise
        except TRANSPORT:
            pass
        else:
            if answer:
                return answer
    raise AssertionError("the upload did not end")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Five blocks and a bit of bytes that nobody has seen before."""
    file = tmp_path / "film.mp4"
    file.write_bytes(os.urandom(5 * BLOCK + 4711))
    return file


def test_a_film_arrives_whole_and_is_processed(youtube: YouTube, client: Any) -> None:
    file = real_clip()
    answer = send(insert(client, file))
    video = youtube.videos[answer["id"]]
    assert video.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (video.bytes_received, video.bytes_sent_twice) == (file.stat().st_size, 0)

    def look() -> Any:
        return (
            client.videos()
            .list(part="status,processingDetails,contentDetails", id=video.id)
            .execute()["items"][0]
        )

    first = look()
    assert first["status"]["uploadStatus"] == "uploaded"
    assert first["processingDetails"]["processingStatus"] == "processing"
    assert first["contentDetails"]["duration"] == "P0D"
    youtube.advance(60)
    assert look()["status"] == {**first["status"], "uploadStatus": "processed"}
    assert look()["contentDetails"]["duration"] == "PT5S"
    assert len(youtube.secrets()) == 4  # the client's, both tokens and the session
    assert not any(secret in repr(youtube.requests) for secret in youtube.secrets())
    assert youtube.violations == []


# fault of a chunk of two blocks (the third: one and a bit) → bytes that come again
FAULTS: dict[str, tuple[dict[str, Any], int]] = {
    "5xx before": ({"kind": "error", "skip": 1}, 2 * BLOCK),
    "5xx after": ({"kind": "error", "when": "after", "skip": 1}, 0),
    "cut before": ({"kind": "cut", "skip": 2}, BLOCK + 4711),
    "cut after": ({"kind": "cut", "when": "after", "skip": 1}, 0),
    "cut after the last byte": ({"kind": "cut", "when": "after", "skip": 2}, 0),
    "cut once every byte was there": ({"kind": "cut_body", "skip": 2, "size": 2 * BLOCK}, 0),
    "cut in a chunk": ({"kind": "cut_body", "skip": 1, "size": BLOCK + 1000}, 1000),
    "shorter range": ({"kind": "short_range", "skip": 1, "size": BLOCK + 5}, BLOCK),
    "slow": ({"kind": "slow", "skip": 1, "seconds": 0.05}, 0),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_of_a_chunk_is_survived_without_a_duplicate(
    youtube: YouTube, client: Any, film: Path, name: str
) -> None:
    fault, again = FAULTS[name]
    youtube.any_file_is_a_film = True
    youtube.faults.add("youtube.videos.insert#chunk", **fault)
    answer = send(insert(client, film, 2 * BLOCK))
    video = youtube.videos[answer["id"]]
    assert (len(youtube.videos), youtube.duplicates, youtube.faults.waiting) == (1, 0, 0)
    assert video.sha256 == hashlib.sha256(film.read_bytes()).hexdigest()
    assert youtube.bytes_sent_twice == again
    assert youtube.violations == []


class Hand:
    """The protocol without a library."""

    def __init__(self, youtube: YouTube, total: int) -> None:
        self.youtube = youtube
        token = youtube.sign_on.issue_access(youtube.sign_on.accounts["kommunen"], frozenset(EVERY_CALL))
        self.headers = {"Authorization": f"Bearer {token}"}
        self.session = requests.Session()
        answer = self.session.post(
            youtube.url + "upload/youtube/v3/videos?uploadType=resumable&part=snippet,status", json=METADATA,
            headers={**self.headers, "X-Upload-Content-Length": str(total), "X-Upload-Content-Type": "video/mp4"},
        )  # fmt: skip
        assert answer.status_code == 200
        self.address, self.total = answer.headers["Location"], total

    def put(self, begin: int, content: bytes, *, total: int | None = None) -> requests.Response:
        end = begin + len(content) - 1
        span = f"bytes {begin}-{end}/{total or self.total}"
        return self.session.put(self.address, content, headers={**self.headers, "Content-Range": span})

    def ask(self) -> requests.Response:
        return self.session.put(
            self.address, headers={**self.headers, "Content-Range": f"bytes */{self.total}"}
        )


def test_the_protocol_to_the_byte(youtube: YouTube, film: Path) -> None:
    content = film.read_bytes()
    hand = Hand(youtube, len(content))
    nothing = hand.ask()
    assert (nothing.status_code, nothing.reason, "Range" in nothing.headers) == (
        308,
        "Resume Incomplete",
        False,
    )
    assert hand.put(0, content[: 2 * BLOCK]).headers["Range"] == f"bytes=0-{2 * BLOCK - 1}"
    for begin, part, total in (
        (BLOCK, content[BLOCK : 2 * BLOCK], None),  # overlaps
        (3 * BLOCK, content[3 * BLOCK : 4 * BLOCK], None),  # leaves a hole
        (2 * BLOCK, content[2 * BLOCK : 2 * BLOCK + 1000], None),  # no multiple of a block
        (2 * BLOCK, content[2 * BLOCK : 3 * BLOCK], len(content) + 1),  # another size
    ):
        refused = hand.put(begin, part, total=total)
        assert (refused.status_code, refused.json()["error"]["errors"][0]["reason"]) == (
            400,
            "invalidContentRange",
        )
    assert hand.ask().headers["Range"] == f"bytes=0-{2 * BLOCK - 1}"
    youtube.any_file_is_a_film = True
    done = hand.put(2 * BLOCK, content[2 * BLOCK :])
    assert done.status_code == 200
    assert hand.ask().json() == done.json()  # a finished session repeats itself
    assert hand.put(2 * BLOCK, content[2 * BLOCK :]).status_code == 400
    assert list(youtube.videos) == [done.json()["id"]]
    assert len(youtube.violations) == 5


def test_of_a_cut_connection_whole_blocks_are_kept(youtube: YouTube, film: Path) -> None:
    hand = Hand(youtube, film.stat().st_size)
    youtube.faults.add("youtube.videos.insert#chunk", "cut_body", size=2 * BLOCK + 1)
    with pytest.raises(requests.ConnectionError):
        hand.put(0, film.read_bytes())
    assert hand.ask().headers["Range"] == f"bytes=0-{2 * BLOCK - 1}"


def test_a_bare_put_can_be_compared_with(youtube: YouTube, film: Path) -> None:
    youtube.delay = 0.05
    begun = time.monotonic()
    answer = requests.put(youtube.url + "_standin/sink", film.read_bytes(), timeout=5)
    assert time.monotonic() - begun >= 0.05
    assert answer.json() == {
        "sha256": hashlib.sha256(film.read_bytes()).hexdigest(), "size": film.stat().st_size
    }  # fmt: skip
    assert youtube.requests == []


def test_a_new_connection_takes_over_from_one_that_is_dead(youtube: YouTube, film: Path) -> None:
    """The network went away in the middle of a chunk, and nobody told the server."""
    hand = Hand(youtube, film.stat().st_size)
    context = ssl.create_default_context(cafile=str(youtube.ca_file))
    address = urlsplit(hand.address)
    head = (
        f"PUT {address.path}?{address.query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {hand.total}\r\n"
        f"Authorization: {hand.headers['Authorization']}\r\n"
        f"Content-Range: bytes 0-{hand.total - 1}/{hand.total}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", address.port or 0)) as bare:
        with context.wrap_socket(bare, server_hostname="localhost") as dead:
            dead.sendall(head.encode() + film.read_bytes()[: 2 * BLOCK + 99])
            while not any(session.stored == 2 * BLOCK for session in youtube.uploads.sessions.values()):
                time.sleep(0.01)
            assert hand.ask().headers["Range"] == f"bytes=0-{2 * BLOCK - 1}"


def test_offline_nothing_is_answered(youtube: YouTube, client: Any) -> None:
    client.channels().list(part="id", mine=True).execute()
    youtube.offline = True
    with pytest.raises(TRANSPORT):
        client.channels().list(part="id", mine=True).execute()
    youtube.offline = False
    client.channels().list(part="id", mine=True).execute()


def test_a_session_dies_with_time_by_a_fault_and_with_its_token(youtube: YouTube) -> None:
    hand = Hand(youtube, BLOCK)
    youtube.expire_access_tokens()
    assert hand.ask().status_code == 401
    hand = Hand(youtube, BLOCK)
    youtube.faults.add("youtube.videos.insert#status", "lose_session", status=404)
    assert [hand.ask().status_code for _ in range(2)] == [404, 404]
    hand = Hand(youtube, BLOCK)
    youtube.clock.advance(8 * 86_400)
    hand.headers = Hand(youtube, BLOCK).headers
    assert hand.ask().status_code == 410
    hand.address += "x"
    assert hand.ask().status_code == 404


def test_processing_fails_as_told_and_for_what_is_no_film(
    youtube: YouTube, client: Any, tmp_path: Path
) -> None:
    found = []
    for outcome in (None, "conversion", "duplicate"):
        file = tmp_path / "film"
        file.write_bytes(os.urandom(1000))
        if outcome == "duplicate":
            youtube.reject_processing(outcome)
        elif outcome:
            youtube.fail_processing(outcome)
        answer = send(insert(client, file))
        youtube.advance(100)
        found.append(client.videos().list(part="status", id=answer["id"]).execute()["items"][0]["status"])
    assert [(s["uploadStatus"], s.get("failureReason"), s.get("rejectionReason")) for s in found] == [
        ("failed", "invalidFile", None), ("failed", "conversion", None), ("rejected", None, "duplicate"),
    ]  # fmt: skip
    empty = tmp_path / "empty"
    empty.touch()
    answer = send(insert(client, empty))
    youtube.advance(100)
    status = client.videos().list(part="status", id=answer["id"]).execute()["items"][0]["status"]
    assert status["failureReason"] == "emptyFile"


def test_thumbnail_and_captions_in_every_way_of_sending(youtube: YouTube, client: Any, film: Path) -> None:
    video_id = send(insert(client, film))["id"]
    picture = io.BytesIO()
    Image.new("RGB", (64, 36)).save(picture, "PNG")
    for resumable in (False, True):
        media = MediaIoBaseUpload(picture, "image/png", resumable=resumable)
        answer = client.thumbnails().set(videoId=video_id, media_body=media).execute()
        assert "maxres" in answer["items"][0]
        thumbnail = youtube.videos[video_id].thumbnail
        assert thumbnail is not None
        assert thumbnail.path.read_bytes() == picture.getvalue()
        text = MediaIoBaseUpload(
            io.BytesIO(b"WEBVTT\n\n00:00.000 --> 00:01.000\nHej\n"), "text/vtt", resumable=resumable
        )
        body = {"snippet": {"videoId": video_id, "language": "sv", "name": f"spår {resumable}"}}
        track = client.captions().insert(part="snippet", body=body, media_body=text).execute()
        assert track["snippet"]["status"] == "serving"
        with pytest.raises(HttpError) as refused:
            client.captions().insert(part="snippet", body=body, media_body=text).execute()
        assert (refused.value.status_code, refused.value.error_details[0]["reason"]) == (409, "captionExists")
    assert len(client.captions().list(part="snippet", videoId=video_id).execute()["items"]) == 2
    assert client.captions().download(id=track["id"]).execute().startswith(b"WEBVTT")
    assert youtube.violations == []
