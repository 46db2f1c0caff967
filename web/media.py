"""The files of published films and of meetings on air. A name in an address is never a path."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request
from werkzeug.exceptions import Gone, NotFound

from schedules import public
from web import house
from web.ranges import send

files = Blueprint("media", __name__)

FILM_FILES = {
    "video.mp4": "video/mp4",
    "poster.jpg": "image/jpeg",
    "sprite.jpg": "image/jpeg",
    "sprite.vtt": "text/vtt; charset=utf-8",
    "chapters.vtt": "text/vtt; charset=utf-8",
    "waveform.json": "application/json",
}
CAPTIONS = re.compile(r"captions\.([a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8})*)\.vtt")
# May be stored, must be asked about every time: a withdrawn film is then gone at once.
REVALIDATE = "public, no-cache"
LIVE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\.(m3u8|ts|m4s|mp4)")
LIVE_TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "ts": "video/mp2t",
    "m4s": "video/iso.segment",
    "mp4": "video/mp4",
}


@files.get("/media/<key>/<name>")
def film_file(key: str, name: str) -> Response:
    """One of the files of a published film; 410 when it has been withdrawn."""
    kind = "text/vtt; charset=utf-8" if CAPTIONS.fullmatch(name) else FILM_FILES.get(name)
    if kind is None:
        raise NotFound
    with house().database.session() as session:
        access = public.file_access(session, key)
    if access == public.FileAccess.GONE:
        raise Gone
    if access != public.FileAccess.OPEN:
        raise NotFound
    path = house().settings.archive_folder(key) / name
    return send(path, request, mimetype=kind, cache_control=REVALIDATE)


@files.get("/live/<int:meeting_id>/<name>")
def live_file(meeting_id: int, name: str) -> Response:
    """A playlist or segment of a meeting on air, or just off it."""
    named = LIVE_NAME.fullmatch(name)
    if named is None:
        raise NotFound
    kept = house()
    with kept.database.session() as session:
        if not public.stream_is_public(session, meeting_id, now=kept.clock()):
            raise NotFound
    kind = named[1]
    # A playlist is written anew every few seconds, a segment never.
    lifetime = "public, max-age=1" if kind == "m3u8" else "public, max-age=300, immutable"
    return send(
        kept.settings.live_folder(meeting_id) / name,
        request,
        mimetype=LIVE_TYPES[kind],
        cache_control=lifetime,
    )
