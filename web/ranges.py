"""A file over HTTP: conditions, one byte range, and the kernel's sendfile under gunicorn.

Flask's own `send_file` reads ranges in blocks of 8 KiB through Python and lets a Range win over If-None-Match; here
a range is a window on the open file, which gunicorn hands to the kernel.
Order of the conditions: RFC 9110, section 13.2.2.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from flask import Request, Response
from werkzeug.exceptions import NotFound, PreconditionFailed, RequestedRangeNotSatisfiable
from werkzeug.http import is_resource_modified, parse_date, parse_range_header
from werkzeug.wsgi import wrap_file

BLOCK = 512 * 1024
STALL_SECONDS = (
    60  # a viewer who takes nothing for this long gives the thread back; players ask again by themselves
)


class FileWindow:
    """`length` bytes of an open, unbuffered file from `start`, for wsgi.file_wrapper."""

    def __init__(self, file: IO[bytes], start: int, length: int) -> None:
        file.seek(start)
        self._file = file
        self._left = length

    def fileno(self) -> int:
        return self._file.fileno()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True)
class _Version:
    size: int
    etag: str
    modified: datetime


def send(path: Path, request: Request, *, mimetype: str, cache_control: str) -> Response:
    """Answer a GET or HEAD for `path`: 200, 206, 304; raises NotFound, PreconditionFailed (412) and
    RequestedRangeNotSatisfiable (416, also for more than one range at a time)."""
    try:
        file = path.open("rb", buffering=0)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise NotFound from None
    try:
        return _answer(file, request, mimetype, cache_control)
    except BaseException:
        file.close()
        raise


def _answer(file: IO[bytes], request: Request, mimetype: str, cache_control: str) -> Response:
    seen = os.fstat(file.fileno())
    # HTTP dates have whole seconds.
    version = _Version(
        seen.st_size,
        f'"{seen.st_mtime_ns:x}-{seen.st_size:x}"',
        datetime.fromtimestamp(int(seen.st_mtime), UTC),
    )
    headers = {
        "ETag": version.etag,
        "Cache-Control": cache_control,
        "Accept-Ranges": "bytes",
    }
    if not is_resource_modified(
        request.environ, version.etag, last_modified=version.modified, ignore_if_range=True
    ):
        file.close()
        if "If-Match" in request.headers:
            raise PreconditionFailed
        response = Response(status=304, headers=headers)
        response.last_modified = version.modified
        return response
    partial = _range_counts(request, version)
    start, stop = _range(request, version) if partial else (0, version.size)
    window = FileWindow(file, start, stop - start)
    _give_up_on_stalled(request)
    response = Response(
        wrap_file(request.environ, window, BLOCK),  # type: ignore[arg-type]  # only read, fileno and close are used
        status=206 if partial else 200,
        headers=headers,
        mimetype=mimetype,
        direct_passthrough=True,
    )
    response.last_modified = version.modified
    response.content_length = stop - start
    if partial:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{version.size}"
    return response


def _range_counts(request: Request, version: _Version) -> bool:
    """Whether a range in bytes is asked for and is still about this version of the file."""
    header = request.headers.get("Range", "")
    if request.method != "GET" or not header.lower().startswith("bytes="):
        return False
    condition = request.headers.get("If-Range")
    # RFC 9110, 13.1.5: a strong comparison (W/"…" never fits); a date only when it is exactly ours.
    return condition is None or condition.strip() == version.etag or parse_date(condition) == version.modified


def _range(request: Request, version: _Version) -> tuple[int, int]:
    parsed = parse_range_header(request.headers["Range"])
    if parsed is not None and len(parsed.ranges) == 1 and version.size:
        start, stop = parsed.ranges[0]
        if start < 0:
            return max(0, version.size + start), version.size
        if start < version.size:
            return start, min(version.size if stop is None else stop, version.size)
    raise RequestedRangeNotSatisfiable(version.size)


def _give_up_on_stalled(request: Request) -> None:
    socket = request.environ.get("gunicorn.socket")
    if socket is not None:
        socket.settimeout(STALL_SECONDS)
