"""A file to YouTube over its resumable protocol: once, whatever happens on the way.

https://developers.google.com/youtube/v3/guides/using_resumable_upload_protocol. What is sent is written down before
it is begun, and where to before the first byte; a finished session repeats its answer, so a crash after the last byte
makes no second video. How google-api-python-client behaves under faults was tried on loopback: it neither retries a
broken PUT rightly nor knows lost sessions, so the loop is ours and it takes one chunk at a time.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.auth.exceptions import TransportError
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest, MediaIoBaseUpload, MediaUpload

from uploader.errors import UploadError
from uploader.pace import Pace, PacedReader, Paused
from uploader.package import Progress, Remember
from uploader.youtube_errors import REMEDIES, reason_of, told_to_wait

BLOCK = 262_144  # bytes; every chunk but the last is a multiple of it, as the protocol asks
BACKOFF = (1.0, 2.0, 4.0, 8.0)  # s, within one try; the next try is the caller's business
LOST_SESSIONS = 3
PAUSE_SECONDS = 60.0
MEMORY = "upload"  # under this name in a publication's memory
_GONE = (404, 410)
_PASSING = (401, 408, 429)  # and everything from 500: a new token or some patience helps
_LONGEST_WAIT = 60.0


@dataclass(frozen=True, kw_only=True)
class Chunks:
    """How much is sent at a time, in bytes: as much as leaves in `seconds`, and from `least` to `most`.

    Each chunk costs a round trip, in which a fast line would stand still; a fault costs a chunk at most.
    """

    least: int = 32 << 20
    most: int = 1 << 30
    seconds: float = 4.0

    def after(self, sent: int, elapsed: float) -> int:
        """The size of the next chunk, where the last one's `sent` bytes took `elapsed` seconds."""
        wanted = int(sent / max(elapsed, 1e-3) * self.seconds)
        return max(self.least, min(wanted, self.most)) // BLOCK * BLOCK


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """What is sent, and how to look after it on the other side.

    insert: makes the request of a new video for a file's bytes, the same one every time. metadata: what it says.
    find: the id of the video that an earlier try left there, or None. discard: destroys one that was made of other
    bytes.
    """

    file: Path
    metadata: Mapping[str, Any]
    insert: Callable[[MediaUpload], HttpRequest]
    find: Callable[[], str | None]
    discard: Callable[[str], None]


class SessionLost(Exception):
    """The other side no longer knows the session; whether the video was made before that must be looked up."""


def upload(
    shipment: Shipment,
    memory: Mapping[str, Any],
    *,
    pace: Pace,
    chunks: Chunks,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Progress | Remember, None, str]:
    """Send the file, or go on where an earlier try stopped; returns the video's id.

    `memory` is the publication's whole; what is kept in it here is a secret. Raises UploadError, and what the client
    raises: HttpError, GoogleAuthError, OSError.
    """
    if not pace.may_send():  # before the file is read, which on air would be a burden too
        raise _paused()
    begun = dict(memory.get(MEMORY, {}))
    content = _content(shipment.file, begun)
    if begun and begun.get("sha256") != content["sha256"]:
        # Other bytes now: nothing of the old session may be mixed with them, and what it made must not remain.
        if (old := shipment.find()) is not None:
            shipment.discard(old)
        begun = {}
    with shipment.file.open("rb") as stream:
        media = _Film(PacedReader(stream, pace), chunks)
        for _ in range(LOST_SESSIONS):
            request = shipment.insert(media)
            if "session" in begun:
                request.resumable_uri = begun["session"]
                request._in_error_state = True  # it asks how far the file has come before it sends
            else:
                if (there := shipment.find()) is not None:
                    return there
                begun = {**content, "metadata": dict(shipment.metadata)}
                yield Remember(memory={**memory, MEMORY: dict(begun)})
                begun["session"] = request.resumable_uri = _open_session(request)
                yield Remember(memory={**memory, MEMORY: dict(begun)})
            try:
                return (yield from _send(request, media, sleep))
            except SessionLost:
                del begun["session"]
                yield Remember(memory={**memory, MEMORY: dict(begun)})
    raise UploadError("YouTube glömde uppladdningen gång på gång; Läktare försöker igen.", retry_after=600)


class _Film(MediaIoBaseUpload):  # type: ignore[misc]  # the client has no types
    """What the client sends from, in chunks whose size follows the line."""

    def __init__(self, reader: PacedReader, chunks: Chunks) -> None:
        super().__init__(reader, "video/mp4", chunksize=chunks.least, resumable=True)
        self._chunks = chunks

    def learn(self, sent: int, elapsed: float) -> None:
        """So many bytes took so many seconds."""
        self._chunksize = self._chunks.after(sent, elapsed)


def _content(file: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    """What tells a file's bytes from others; read only where it is not the file, untouched, that is `known`."""
    with file.open("rb") as stream:
        state = os.fstat(stream.fileno())
        found = {"size": state.st_size, "mtime_ns": state.st_mtime_ns}
        if all(known.get(key) == value for key, value in found.items()):
            return {**found, "sha256": known["sha256"]}
        return {**found, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def _open_session(request: HttpRequest) -> str:
    """The POST that next_chunk would make together with the first PUT: its answer is to be kept before any byte."""
    headers = {
        **request.headers,
        "X-Upload-Content-Type": request.resumable.mimetype(),
        "X-Upload-Content-Length": str(request.resumable.size()),
        "content-length": str(request.body_size),
    }
    response, content = request.http.request(
        request.uri, method=request.method, body=request.body, headers=headers
    )
    if response.status != 200 or "location" not in response:
        raise HttpError(response, content, uri=request.uri)
    return str(response["location"])


def _send(
    request: HttpRequest, media: _Film, sleep: Callable[[float], None]
) -> Generator[Progress, None, str]:
    failures, confirmed = 0, 0
    while True:
        begun = time.monotonic()
        try:
            status, answer = request.next_chunk(num_retries=0)
        except Paused:
            raise _paused() from None
        except (HttpError, TransportError, OSError) as error:
            if _is_lost(error):
                raise SessionLost from None
            failures += 1
            if not _passes(error) or failures > len(BACKOFF):
                raise
            sleep(min(max(BACKOFF[failures - 1], told_to_wait(error) or 0.0), _LONGEST_WAIT))
            continue
        if answer is not None:
            return str(answer["id"])
        sent = status.resumable_progress - confirmed
        if sent > 0:
            failures = 0
            if sent <= media.chunksize():  # more: an earlier try had sent it
                media.learn(sent, time.monotonic() - begun)
        else:
            failures += 1
            if failures > len(BACKOFF):
                raise UploadError("YouTube tar emot filmen men behåller den inte; Läktare försöker igen.")
            sleep(BACKOFF[failures - 1])
        confirmed = status.resumable_progress
        yield Progress(percent=100 * confirmed / max(status.total_size, 1))


def _is_lost(error: Exception) -> bool:
    """Also where the other side cannot make sense of the session any more: a new one is all that is left."""
    if not isinstance(error, HttpError):
        return False
    return error.resp.status in _GONE or (error.resp.status == 400 and reason_of(error) not in REMEDIES)


def _passes(error: Exception) -> bool:
    return not isinstance(error, HttpError) or error.resp.status >= 500 or error.resp.status in _PASSING


def _paused() -> UploadError:
    return UploadError(
        "Uppladdningen väntar medan ett sammanträde sänds.", patient=True, retry_after=PAUSE_SECONDS
    )
