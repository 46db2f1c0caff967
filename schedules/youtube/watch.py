"""Looks after the connections: renewed every hour, so that a dead one is told of that day and not at the meeting.

Renewing also keeps it alive: Google lets a token that nobody uses die after six months.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from google.auth.exceptions import RefreshError
from sqlalchemy import select

from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import clear_alarm, raise_alarm
from schedules.database import Database
from schedules.models import Alarm
from schedules.settings import Settings
from schedules.times import show_local
from schedules.youtube.accounts import checked_token, open_transport, used_accounts
from schedules.youtube.oauth_client import AccountError
from schedules.youtube.tokens import Token, connect_hint

UNREACHABLE_FOR = timedelta(days=1)
DYING_WITHIN = timedelta(days=3)
KINDS = (AlarmKind.ACCOUNT_DEAD, AlarmKind.ACCOUNT_DYING, AlarmKind.ACCOUNT_UNREACHABLE)
_WELL: Mapping[AlarmKind, str | None] = dict.fromkeys(KINDS)

log = structlog.get_logger(__name__)


def watch_accounts(database: Database, settings: Settings, now: datetime) -> None:
    """Renew the token of every account in use; raise and clear the alarms about them. To be run every hour."""
    seen = {_subject(account): look_after(settings, account, now) for account in used_accounts(settings)}
    with database.session() as session:
        for subject, found in seen.items():
            for kind, message in found.items():
                if message is None:
                    clear_alarm(session, kind, subject, now)
                else:
                    raise_alarm(session, kind, subject, message, now)
        ours = Alarm.kind.in_([kind.value for kind in KINDS])
        for alarm in session.scalars(select(Alarm).where(Alarm.cleared_at.is_(None), ours)).all():
            if alarm.subject not in seen:  # no longer in use
                clear_alarm(session, AlarmKind(alarm.kind), alarm.subject, now)


def look_after(settings: Settings, account: str, now: datetime) -> Mapping[AlarmKind, str | None]:
    """Renew an account's token. What to alarm about, as a sentence, or that it is well, as None; what could not be
    found out is left out."""
    try:
        token = checked_token(settings, account)
        transport = open_transport(settings, None, account, now=lambda: now)
    except AccountError as error:
        return {**_WELL, AlarmKind.ACCOUNT_DEAD: str(error)}
    try:
        transport.refresh()
    except RefreshError as error:
        log.warning("token is dead", account=account, error=str(error.args[0]) if error.args else "")
        return {**_WELL, AlarmKind.ACCOUNT_DEAD: dead(account)}
    except OSError as error:
        log.info("account cannot be reached", account=account, error=str(error))
        return {AlarmKind.ACCOUNT_UNREACHABLE: _unreachable(account, token, settings, now)}
    finally:
        transport.close()
    if token.expires_at is not None and token.expires_at - now < DYING_WITHIN:
        return {**_WELL, AlarmKind.ACCOUNT_DYING: dying(account, token, settings)}
    return _WELL


def _unreachable(account: str, token: Token, settings: Settings, now: datetime) -> str | None:
    last = token.renewed_at or token.connected_at
    if now - last < UNREACHABLE_FOR:
        return None
    since = show_local(last, settings.zone)
    return (
        f"Google har inte gått att nå för kontot {account} sedan {since}: kontrollera nätet och brandväggen."
    )


def dead(account: str) -> str:
    """What to do about a token that Google does not know any more."""
    return f"Googles tillstånd för kontot {account} gäller inte längre: {connect_hint(account)}"


def dying(account: str, token: Token, settings: Settings) -> str:
    """What to do about a token that was granted by a consent screen in testing."""
    when = "" if token.expires_at is None else f" {show_local(token.expires_at, settings.zone)}"
    return (
        f"Googles tillstånd för kontot {account} dör{when}, för samtyckesskärmen stod i Testing när det gavs: ställ "
        f"den i In production i Google Cloud och {connect_hint(account)}"
    )


def _subject(account: str) -> str:
    return f"konto {account}"
