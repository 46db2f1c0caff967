"""The pages shown when something is missing or broken. They need no database."""

from __future__ import annotations

import structlog
from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from web.languages import gettext as _

log = structlog.get_logger(__name__)
PLAIN = ("/media/", "/live/", "/static/", "/status")  # fetched by programs, which want no page


def init_app(app: Flask) -> None:
    """Answer every fault with a page that helps, and write the unexpected ones to the log."""
    app.register_error_handler(HTTPException, _expected)
    app.register_error_handler(Exception, _unexpected)


def _expected(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.get_response(request.environ))
    status = error.code or 500
    if request.path.startswith(PLAIN):
        response = make_response(f"{status} {error.name}\n", status)
        response.mimetype = "text/plain"
    else:
        title, text = _words(status)
        response = make_response(render_template("fault.html", status=status, title=title, text=text), status)
    for name, value in error.get_headers(request.environ):
        if name.lower() != "content-type":
            response.headers.setdefault(name, value)
    response.headers["Cache-Control"] = "no-store"
    return response


def _unexpected(error: Exception) -> Response:
    log.error("page failed", method=request.method, path=request.path, exc_info=error)
    return _expected(InternalServerError())


def _words(status: int) -> tuple[str, str]:
    if status == 404:
        return _("The page is not here"), _("The address may be wrong, or the page may have been removed.")
    if status >= 500:
        return _("Something went wrong with us"), _(
            "The fault has been written down. Please try again in a moment."
        )
    return _("This did not work"), _("The address was used in a way that this page cannot answer.")
