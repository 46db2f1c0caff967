"""A file to YouTube over its resumable protocol: once, whatever happens on the way.

https://developers.google.com/youtube/v3/guides/using_resumable_upload_protocol. What is sent is written down before
it is begun, and where to before the first byte; a finished session repeats its answer, so a crash after the last byte
makes no second video. How google-api-python-client behaves under faults was tried on loopback: it neither retries a
broken PUT rightly nor knows lost sessions, so the loop is ours and it takes one chunk at a time.
"""

from __future__ import annotations

import hashlib
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

CHUNK_BYTES = 32 << 20  # a multiple of 262,144, as the protocol asks
BACKOFF = (1.0, 2.0, 4.0, 8.0)  # s, within one try; the next try is the caller's business
LOST_SESSIONS = 3
PAUSE_SECONDS = 60.0
MEMORY = "upload"  # under this name in a publication's memory
_GONE = (404, 410)
_PASSING = (401, 408, 429)  # and everything from 500: a new token or some patience helps
_LONGEST_WAIT = 60.0


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
    chunk_bytes: int = CHUNK_BYTES,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Progress | Remember, None, str]:
    """Send the file, or go on where an earlier try stopped; returns the video's id.

    `memory` is the publication's whole; what is kept in it here is a secret. Raises UploadError, and what the client
    raises: HttpError, GoogleAuthError, OSError.
    """
    content = _content(shipment.file)
    begun = dict(memory.get(MEMORY, {}))
    if begun and {key: begun.get(key) for key in content} != content:
        # Other bytes now: nothing of the old session may be mixed with them, and what it made must not remain.
        if (old := shipment.find()) is not None:
            shipment.discard(old)
        begun = {}
    with shipment.file.open("rb") as stream:
        media = MediaIoBaseUpload(
            PacedReader(stream, pace), "video/mp4", chunksize=chunk_bytes, resumable=True
        )
        for _ in range(LOST_SESSIONS):
            request = shipment.insert(media)
            if "session" in begun:
                request.resumable_uri = begun["session"]
                request._in_error_state = (
                    True  # so that it asks how far the file has come before it sends anything
                )
            else:
                if (there := shipment.find()) is not None:
                    return there
                begun = {**content, "metadata": dict(shipment.metadata)}
                yield Remember(memory={**memory, MEMORY: begun})
                begun["session"] = request.resumable_uri = _open_session(request, pace)
                yield Remember(memory={**memory, MEMORY: dict(begun)})
            try:
                return (yield from _send(request, sleep))
            except SessionLost:
                del begun["session"]
                yield Remember(memory={**memory, MEMORY: dict(begun)})
    raise UploadError("YouTube glömde uppladdningen gång på gång; Läktare försöker igen.", retry_after=600)


def _content(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return {"size": stream.tell(), "sha256": digest.hexdigest()}


def _open_session(request: HttpRequest, pace: Pace) -> str:
    """The POST that next_chunk would make together with the first PUT: its answer is to be kept before any byte."""
    if not pace.may_send():
        raise _paused()
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


def _send(request: HttpRequest, sleep: Callable[[float], None]) -> Generator[Progress, None, str]:
    failures, confirmed = 0, 0
    while True:
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
        if status.resumable_progress > confirmed:
            failures = 0
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
