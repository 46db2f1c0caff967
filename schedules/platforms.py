"""The live platforms of the settings, ready for one meeting."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from broadcast.platforms import LivePlatform
from broadcast.platforms.local import LocalPlatform
from broadcast.platforms.youtube import YouTubePlatform
from broadcast.platforms.youtube.calls import Calls
from broadcast.platforms.youtube.director import Clients, Known
from broadcast.platforms.youtube.plan import BroadcastPlan
from broadcast.platforms.youtube.reasons import Do, PlatformError
from schedules.broadcast_rows import our_turn, plain_plan, plan_of, row_of, wanted_platforms
from schedules.database import Database
from schedules.models import Broadcast, Meeting
from schedules.settings import Settings
from schedules.youtube.accounts import AccountError, open_youtube
from uploader.metadata import MetadataError

_log = structlog.get_logger(__name__)


def open_platforms(
    settings: Settings, database: Database, session: Session, meeting: Meeting
) -> tuple[LivePlatform, ...]:
    """The platforms of a meeting, in its order. Nothing is asked of them yet: one that cannot be reached, or is not
    connected, must not keep the meeting off the others. Raises KeyError for one that has left the settings."""
    elsewhere = wanted_platforms(settings, meeting)
    folder = settings.live_folder(meeting.id)
    platforms: list[LivePlatform] = []
    for key in meeting.platforms:
        if settings.platforms[key].kind == "local":
            platforms.append(LocalPlatform(key, folder))
        elif key in elsewhere:
            platforms.append(_open_youtube(settings, database, meeting, row_of(session, meeting.id, key)))
    return tuple(platforms)


def trusted_file() -> str:
    """The PEM file of whom to trust: the one that `requests` uses too."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH


def connect_youtube(
    settings: Settings, database: Database | None, account: str, *, steering: bool = False
) -> Calls:
    """The live API of an account. Raises PlatformError where it is not connected."""
    try:
        return Calls(open_youtube(settings, database, account, steering=steering))
    except AccountError as error:
        raise PlatformError(str(error), Do.PERSON, "notConnected") from None


def _open_youtube(
    settings: Settings, database: Database, meeting: Meeting, row: Broadcast
) -> YouTubePlatform:
    chosen, row_id = settings.platforms[row.platform], row.id
    account = chosen.account or ""

    def connect() -> Clients:
        return Clients(
            steer=connect_youtube(settings, database, account, steering=True),
            watch=connect_youtube(settings, database, account),
        )

    @contextmanager
    def turn() -> Iterator[bool]:
        try:
            with our_turn(settings, database, row_id) as mine:
                yield mine
        except SQLAlchemyError as error:
            raise PlatformError("Databasen svarar inte.", Do.RETRY, type(error).__name__) from None

    return YouTubePlatform(
        row.platform,
        connect=connect,
        settled=_Settled(settings, database, meeting, row),
        turn=turn,
        ca_file=trusted_file(),
        backup=chosen.backup,
        lead=chosen.lead_seconds,
    )


class _Settled:
    """What the rows say now, or said last while the database is away."""

    def __init__(self, settings: Settings, database: Database, meeting: Meeting, row: Broadcast) -> None:
        self._settings, self._database, self._row_id = settings, database, row.id
        self._last = Known(_best_plan(settings, meeting, row), row.address)

    def __call__(self) -> Known:
        try:
            with self._database.session() as session:
                row = session.get_one(Broadcast, self._row_id)
                self._last = Known(_best_plan(self._settings, row.meeting, row), row.address)
        except SQLAlchemyError as error:
            _log.warning("broadcast cannot be read", row=self._row_id, error=type(error).__name__)
        return self._last


def _best_plan(settings: Settings, meeting: Meeting, row: Broadcast) -> BroadcastPlan:
    try:
        return plan_of(settings, meeting, row)
    except MetadataError as error:  # schedules.broadcasts has told a person, long before
        _log.warning("texts do not fit", meeting=meeting.id, platform=row.platform, error=str(error))
        return plain_plan(settings, meeting, row)
