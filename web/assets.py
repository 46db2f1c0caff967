"""Our own style and scripts, addressed by their content so that they can be cached for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, Response, request, url_for

_seen: dict[Path, tuple[int, str]] = {}


def init_app(app: Flask) -> None:
    """Give the templates `asset` and the static files their lifetime."""

    def asset(name: str) -> str:
        return url_for("static", filename=name, v=_fingerprint(Path(app.static_folder or "") / name))

    app.context_processor(lambda: {"asset": asset})

    @app.after_request
    def lifetime(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code in {200, 304}:
            response.cache_control.no_cache = None
            response.cache_control.public = True
            response.cache_control.max_age = 31_536_000 if "v" in request.args else 300
            response.cache_control.immutable = "v" in request.args
        return response


def _fingerprint(path: Path) -> str:
    # Empty where the file is missing (hls.js not fetched yet): the page itself must work all the same.
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return ""
    known = _seen.get(path)
    if known is None or known[0] != changed:
        known = (changed, hashlib.sha256(path.read_bytes()).hexdigest()[:12])
        _seen[path] = known
    return known[1]
