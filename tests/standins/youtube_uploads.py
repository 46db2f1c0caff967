"""Files: the resumable protocol to the byte, and small ones in one request.

https://developers.google.com/youtube/v3/guides/using_resumable_upload_protocol. Stricter than Google where nothing is
written: a chunk must begin where the stored bytes end, every request of a session needs a living token, a chunk sent to
a finished session is refused, and of a cut connection only whole blocks of 262,144 bytes are kept.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.standins.youtube_call import CHECKS, HANDLERS, Call, Media
from tests.standins.youtube_discovery import Method
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_faults import Cut, Fault, strike, strike_after
from tests.standins.youtube_server import Answer, Handler, Request

if TYPE_CHECKING:
    from tests.standins.youtube import YouTube

BLOCK = 262_144
SESSION_LIFE = timedelta(days=7)
SMALL = 64 << 20  # bytes of a file that may come in one request
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
ASKS = re.compile(r"bytes \*/(\d+|\*)")


@dataclass
class Session:
    """One upload. stored: bytes that are kept; received: bytes that came, those thrown away too."""

    id: str = field(repr=False)
    call: Call
    file: Path
    total: int | None
    begun: datetime
    stored: int = 0
    received: int = 0
    gone: int = 0  # the status that it answers for ever, once lost
    media: Media | None = None
    answer: Answer | None = None  # the final one, repeated to whoever asks
    digest: Any = field(default_factory=hashlib.sha256, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    reader: Handler | None = field(default=None, repr=False)

    def count(self, size: int) -> None:
        """So many bytes came."""
        self.received += size
        if self.media is not None:
            self.media.received += size


class Uploads:
    """All sessions there ever were."""

    def __init__(self, youtube: YouTube) -> None:
        self.youtube = youtube
        self.sessions: dict[str, Session] = {}

    def begin(self, handler: Handler, entry: Request, method: Method, query: dict[str, list[str]]) -> Answer:
        """A POST to the path of uploads: a session, or the whole file at once."""
        kind = query.get("uploadType", [""])[0]
        if kind not in ("resumable", "multipart", "media"):
            raise Refusal(400, "invalidParameter", "uploadType must be resumable, multipart or media")
        entry.step = "session" if kind == "resumable" else ""
        name = f"{method.id}#session" if kind == "resumable" else method.id
        fault = strike(handler.take, self.youtube.faults.take(name))
        if kind == "resumable":
            answer = self._open(handler, entry, method, query)
        else:
            answer = self._at_once(handler, entry, method, query, multipart=kind == "multipart")
        strike_after(fault)
        return answer

    def _open(self, handler: Handler, entry: Request, method: Method, query: dict[str, list[str]]) -> Answer:
        body = handler.json_body()
        call = handler.checked(entry, method, query, body)
        length = handler.headers.get("X-Upload-Content-Length")
        mime = handler.headers.get("X-Upload-Content-Type", "application/octet-stream")
        call = replace(call, media_mime=mime, media_size=int(length) if length is not None else None)
        with self.youtube.lock:
            CHECKS[method.id](call)
        key = secrets.token_urlsafe(48)
        file = self.youtube.new_file()
        session = Session(key, call, file, call.media_size, self.youtube.now())
        self.sessions[key] = session
        plain = handler.path.split("?")[0].lstrip("/")
        return Answer(200, None, {
            "Location": f"{self.youtube.url}{plain}?uploadType=resumable&upload_id={key}", "X-GUploader-UploadID": "*",
        })  # fmt: skip

    def _at_once(
        self,
        handler: Handler,
        entry: Request,
        method: Method,
        query: dict[str, list[str]],
        *,
        multipart: bool,
    ) -> Answer:
        if handler.body_left > SMALL:
            raise Refusal(413, "uploadTooLarge", "Request Too Large")
        content, mime = handler.take(handler.body_left), handler.headers.get("Content-Type", "")
        body: object = None
        if multipart:
            body, content, mime = _parts(mime, content)
        call = replace(handler.checked(entry, method, query, body), media_mime=mime, media_size=len(content))
        file = self.youtube.new_file()
        file.write_bytes(content)
        media = Media(file, mime, len(content), hashlib.sha256(content).hexdigest(), len(content))
        with self.youtube.lock:
            CHECKS[method.id](call)
            done: Json = HANDLERS[method.id](replace(call, media=media))
        return handler.told(method, done, call.parameters)

    def answer(self, handler: Handler, entry: Request, key: str) -> Answer:
        """A PUT to a session's address: a chunk, or the question how far it is."""
        session = self.sessions.get(key)
        if session is None:
            raise Refusal(404, "sessionNotFound", "No such upload session.")
        entry.method, asked = session.call.method.id, handler.headers.get("Content-Range", "")
        entry.account = session.call.account.name
        entry.step = "status" if ASKS.fullmatch(asked) else "chunk"
        self._take_over(session, handler)
        with session.lock:
            session.reader = handler
            try:
                return self._step(handler, entry, session, asked)
            except Refusal:
                session.count(handler.throw_away())
                raise
            finally:
                session.reader = None

    def _take_over(self, session: Session, handler: Handler) -> None:
        """A new request ends one of the same session that still waits for bytes on a connection nobody holds."""
        reader = session.reader
        if reader is not None and reader is not handler:
            # The socket's own shutdown: that of TLS would pull the ground from under the reader.
            with suppress(OSError):
                socket.socket.shutdown(reader.connection, socket.SHUT_RDWR)

    def _step(self, handler: Handler, entry: Request, session: Session, asked: str) -> Answer:
        fault = self.youtube.faults.take(f"{entry.method}#{entry.step}")
        if fault is not None and fault.kind == "lose_session":
            session.gone = fault.status if fault.status in (404, 410) else 404
        if session.gone or self.youtube.now() - session.begun > SESSION_LIFE:
            raise Refusal(session.gone or 410, "sessionNotFound", "The upload session has expired.")
        if fault is not None and fault.when == "before" and fault.kind == "cut":
            session.count(handler.throw_away())
        if (
            fault is not None and fault.kind != "cut_body"
        ):  # what comes before the cut is kept: `_receive` sees to it
            fault = strike(handler.take, fault)
        if handler.command != "PUT":
            raise Refusal(405, "badRequest", "only PUT")
        with self.youtube.lock:
            account = self.youtube.sign_on.who(handler.headers.get("Authorization"), session.call.method)
        if account is not session.call.account:
            raise Refusal(403, "forbidden", "The session belongs to another channel.")
        if entry.step == "status":
            if handler.body_left:
                raise Refusal(400, "badRequest", "a question has no body")
            if session.total and session.stored == session.total and session.answer is None:
                self._finish(handler, session)  # the last byte came, and the connection was cut
            answer = session.answer or _state(session)
        else:
            answer = self._chunk(handler, session, asked, fault)
        strike_after(fault if fault is not None and fault.when == "after" else None)
        return answer

    def _chunk(self, handler: Handler, session: Session, asked: str, fault: Fault | None) -> Answer:
        if session.answer is not None:
            raise Refusal(400, "invalidContentRange", "The upload is complete: ask for its state.")
        if handler.headers.get("Transfer-Encoding"):
            handler.close_connection = True
            raise Refusal(411, "lengthRequired", "Content-Length is demanded")
        if session.total == 0 and not asked and not handler.body_left:
            return self._finish(handler, session)
        length = _check_range(session, asked, handler.body_left)
        _receive(handler, session, length, fault)
        if session.stored == session.total:
            return self._finish(handler, session)
        return _state(session)

    def _finish(self, handler: Handler, session: Session) -> Answer:
        session.file.touch()
        session.media = Media(
            session.file,
            session.call.media_mime,
            session.stored,
            session.digest.hexdigest(),
            session.received,
        )
        call = replace(session.call, media=session.media)
        try:
            with self.youtube.lock:
                done = HANDLERS[call.method.id](call)
        except Refusal as refusal:
            session.answer = Answer(refusal.status, refusal.as_json())
            raise
        session.answer = handler.told(call.method, done, call.parameters)
        return session.answer

    def sink(self, handler: Handler) -> Answer:
        """A bare PUT that costs what a chunk costs: read, hash and write. For comparing throughput."""
        digest, file = hashlib.sha256(), self.youtube.new_file()
        with file.open("wb") as out:
            while handler.body_left and (content := handler.take(BLOCK)):
                digest.update(content)
                out.write(content)
        return Answer(200, {"sha256": digest.hexdigest(), "size": file.stat().st_size})


def _parts(mime: str, content: bytes) -> tuple[object, bytes, str]:
    """The JSON, the file and the file's type of a multipart/related body. Refusal 400."""
    whole: Any = message_from_bytes(b"Content-Type: " + mime.encode() + b"\r\n\r\n" + content)
    parts = whole.get_payload()
    if not isinstance(parts, list) or len(parts) != 2:
        raise Refusal(400, "badRequest", "multipart/related of JSON and a file is demanded")
    return (
        json.loads(parts[0].get_payload(decode=True)),
        parts[1].get_payload(decode=True),
        parts[1].get_content_type(),
    )


def _state(session: Session) -> Answer:
    return Answer(308, None, {"Range": f"bytes=0-{session.stored - 1}"} if session.stored else {})


def _check_range(session: Session, asked: str, length: int) -> int:
    """The bytes that this chunk brings. Refusal 400 for every range that does not fit what is stored."""
    found = RANGE.fullmatch(asked)
    if found is None:
        raise Refusal(400, "invalidContentRange", f"Content-Range is wrong: {asked!r}")
    begin, end, total = int(found[1]), int(found[2]), None if found[3] == "*" else int(found[3])
    if length != end - begin + 1 or begin != session.stored:
        raise Refusal(
            400, "invalidContentRange", f"{session.stored} bytes are stored, {length} came for {asked}"
        )
    if total is not None and session.total not in (None, total):
        raise Refusal(400, "invalidContentRange", "the size is another than was announced")
    session.total = session.total if total is None else total
    if session.total is not None and end >= session.total:
        raise Refusal(400, "invalidContentRange", "more than was announced")
    if end + 1 != session.total and length % BLOCK:
        raise Refusal(400, "invalidContentRange", f"a chunk must be a multiple of {BLOCK} bytes")
    return length


def _receive(handler: Handler, session: Session, length: int, fault: Fault | None) -> None:
    """Take the bytes of a chunk, a block at a time. Cut where the client goes away or a fault wants it."""
    limit = min(length, fault.size) if fault is not None and fault.kind == "cut_body" else length
    keep = fault.size // BLOCK * BLOCK if fault is not None and fault.kind == "short_range" else length
    taken = 0
    with session.file.open("r+b" if session.file.exists() else "w+b") as out:
        out.seek(session.stored)
        while taken < limit:
            content = handler.take(min(BLOCK, limit - taken))
            taken += len(content)
            session.count(len(content))
            whole = len(content) == BLOCK or (taken == length and len(content) > 0)
            if whole and taken <= keep:
                out.write(content)
                session.digest.update(content)
                session.stored += len(content)
            if len(content) < min(BLOCK, limit - taken + len(content)):
                raise Cut
    if limit < length or (fault is not None and fault.kind == "cut_body"):
        raise Cut
