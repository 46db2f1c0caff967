"""Tells another program by a JSON POST: a chat channel, a monitoring system."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from schedules.alarms.kinds import heading
from schedules.alarms.receivers.notice import Notice, TellError
from schedules.settings import Settings

TIMEOUT = 5.0
_TRY_AGAIN = {408, 425, 429}  # the only 4xx that time can cure


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    # urllib would follow with a GET and call it a success, though nobody got the alarm.
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def is_set(settings: Settings) -> bool:
    """Whether an address is set."""
    return bool(settings.webhook.url.get_secret_value())


def tell(notice: Notice, settings: Settings) -> str:
    """Post it. Raises TellError; the address never stands in it, since it is often its own password."""
    post(body(notice), settings.webhook.url.get_secret_value())
    return ""


def body(notice: Notice) -> dict[str, Any]:
    """What is posted. `text` is what Slack, Mattermost, Rocket.Chat and Teams show; the rest is for programs."""
    meeting = notice.meeting
    lines = [notice.headline, notice.message, notice.since, *([meeting.address] if meeting else [])]
    return {
        "text": "\n".join(lines),
        "occasion": notice.occasion.value,
        "alarm": {
            "id": notice.alarm_id,
            "kind": notice.kind,
            "heading": heading(notice.kind),
            "subject": notice.subject,
            "message": notice.message,
            "raised_at": notice.raised_at.isoformat(),
            "cleared_at": notice.cleared_at.isoformat() if notice.cleared_at else None,
        },
        "meeting": {
            "id": meeting.id,
            "title": meeting.title,
            "planned_start": meeting.planned_start.isoformat(),
            "address": meeting.address,
        } if meeting else None,
    }  # fmt: skip


def fault(url: str) -> str:
    """What is wrong with an address as it stands, one Swedish sentence; empty when nothing is."""
    try:
        parts = urlsplit(url)
        fine = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
        )
        fine = fine and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        fine = False
    return "" if fine else "webhook.url är ingen adress: den ska se ut som https://värd/väg."


def post(content: dict[str, Any], url: str, timeout: float = TIMEOUT) -> None:
    """POST `content` as JSON. timeout: seconds for each answer. Raises TellError."""
    if wrong := fault(url):
        raise TellError(wrong, permanent=True)
    request = urllib.request.Request(  # noqa: S310 - fault() lets only http and https through
        url,
        data=json.dumps(content, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": "Laktare"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=timeout):
            return
    except urllib.error.HTTPError as error:
        error.close()
        permanent = error.code < 500 and error.code not in _TRY_AGAIN
        raise TellError(
            f"Webhooken svarade {error.code}: kontrollera webhook.url.", permanent=permanent
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise _sentence(error) from None


def _sentence(error: BaseException) -> TellError:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    match cause:
        case ssl.SSLCertVerificationError():
            return TellError("Webhookens certifikat godkänns inte: kontrollera webhook.url.", permanent=True)
        case TimeoutError():
            return TellError("Webhooken svarade inte i tid.")
        case ConnectionRefusedError():
            return TellError("Webhooken tar inte emot: kontrollera att mottagaren är igång.")
    return TellError(f"Webhooken kunde inte nås ({type(cause).__name__}): kontrollera webhook.url och nätet.")
