"""The connections to YouTube: whether each holds, may do what is asked of it, and what is left of the day's quota.

Two units for each account, at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from schedules.database import Database, open_database
from schedules.findings import Finding, fault, warning, well
from schedules.settings import Settings
from schedules.times import show_local
from schedules.youtube.accounts import build_youtube, checked_token, open_transport, used_accounts
from schedules.youtube.http import QUOTA_REASONS, reason_of
from schedules.youtube.oauth_client import AccountError, read_client
from schedules.youtube.quota import seconds_to_reset, units_left
from schedules.youtube.tokens import Token
from schedules.youtube.watch import dead, dying

_LIVE = {
    "liveStreamingNotEnabled": "Direktsändning är inte påslagen för kanalen: slå på den på youtube.com/live_dashboard; "
    "det tar upp till ett dygn första gången.",
    "insufficientLivePermissions": "Kanalen får inte sända direkt: verifiera den med telefon på youtube.com/verify.",
    "livePermissionBlocked": "YouTube har spärrat kanalens direktsändningar: se varför i YouTube Studio.",
}


def check_youtube(settings: Settings, now: datetime) -> Iterator[Finding]:
    """A finding or more for each account, and one for the quota; none where there is no account."""
    if not settings.accounts:
        return
    database = _open_database(settings)
    try:
        for account in settings.accounts:
            yield from _account(settings, database, account)
        if database is not None:
            yield from _quota(settings, database, now)
    finally:
        if database is not None:
            database.close()


def _account(settings: Settings, database: Database | None, account: str) -> Iterator[Finding]:
    part = f"konto {account}"
    try:
        token = checked_token(settings, account)
        transport = open_transport(settings, database, account)
    except AccountError as error:
        yield (fault if account in used_accounts(settings) else warning)(part, str(error))
        return
    try:
        with build_youtube(settings, transport) as youtube:
            yield from _ask(settings, youtube, account, token)
    except RefreshError:
        yield fault(part, dead(account))
    except HttpError as error:
        yield _refused(part, reason_of(error.content), error.resp.status)
    except OSError as error:
        yield fault(part, f"{error} Kontrollera nätet och brandväggen.")


def _ask(settings: Settings, youtube: Any, account: str, token: Token) -> Iterator[Finding]:
    part = f"konto {account}"
    channels = youtube.channels().list(part="snippet,status", mine=True).execute().get("items", [])
    if not channels or channels[0]["id"] != token.channel_id:
        yield fault(
            part, f"Tillståndet gäller inte längre kanalen {token.channel_title}: anslut kontot igen."
        )
        return
    title, trouble = channels[0]["snippet"]["title"], []
    if token.expires_at is not None:
        trouble.append(warning(part, dying(account, token, settings)))
    if any(channel.account == account for channel in settings.channels.values()):
        trouble.extend(_long_uploads(part, channels[0]["status"].get("longUploadsStatus", "")))
    if any(platform.account == account for platform in settings.platforms.values()):
        trouble.extend(_live(part, youtube))
    yield from trouble or [well(part, f"Anslutet till kanalen {title} ({token.channel_id}).")]


def _long_uploads(part: str, status: str) -> Iterator[Finding]:
    if status in ("eligible", "disallowed"):
        yield warning(
            part,
            "Kanalen får inte lägga upp filmer över 15 minuter: verifiera den med telefon på youtube.com/verify.",
        )


def _live(part: str, youtube: Any) -> Iterator[Finding]:
    try:
        youtube.liveBroadcasts().list(part="id", mine=True, maxResults=1).execute()
    except HttpError as error:
        reason = reason_of(error.content)
        if reason not in _LIVE:
            raise
        yield fault(part, _LIVE[reason])


def _refused(part: str, reason: str, status: int) -> Finding:
    if reason in QUOTA_REASONS:
        return warning(
            part, "Kontot kunde inte undersökas, för dagens kvot hos YouTube är förbrukad: vänta ut den."
        )
    if reason == "accessNotConfigured":
        return fault(part, "YouTube Data API v3 är inte påslaget i Google Cloud-projektet: slå på det där.")
    return fault(
        part, f"YouTube svarade med fel {status} ({reason or 'utan skäl'}): försök igen om en stund."
    )


def _quota(settings: Settings, database: Database, now: datetime) -> Iterator[Finding]:
    try:
        project = read_client(settings.youtube).client_id
        with database.session() as session:
            left = units_left(session, settings.youtube, project, now)
            whole = units_left(session, settings.youtube, project, now, reserve=True)
    except (AccountError, SQLAlchemyError):
        return  # which is said elsewhere
    again = show_local(now + timedelta(seconds=seconds_to_reset(now)), settings.zone)
    if left == 0:
        yield warning(
            "YouTube-kvot", f"Bara reserven är kvar ({whole} enheter): uppladdningar väntar till {again}."
        )
        return
    yield well("YouTube-kvot", f"{whole} av {settings.youtube.daily_units} enheter är kvar till {again}.")


def _open_database(settings: Settings) -> Database | None:
    """The database that counts the quota; None where there is none yet: to ask would make the file."""
    try:
        url = make_url(settings.database_url)
        if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
            return None
        return open_database(settings.database_url)
    except (SQLAlchemyError, ImportError, OSError, ValueError):
        return None
