"""How much the films on YouTube are watched, per quarter, as YouTube Analytics tells; and the figures per meeting.

https://developers.google.com/youtube/analytics/reference/reports/query. Its days are Pacific days, which is as near
to a quarter as it gets.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from schedules.database import Database
from schedules.models import Meeting, Publication, Statistic, Video, ViewerCount
from schedules.settings import Settings
from schedules.states import PublicationState
from schedules.youtube.accounts import open_analytics
from schedules.youtube.http import reason_of
from schedules.youtube.oauth_client import AccountError
from schedules.youtube.quota import PACIFIC

SETTLED_DAYS = 10  # into the next quarter, a quarter's figures may still change

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """How one meeting, or one film without a meeting, was watched in a quarter. None: nobody has said."""

    title: str
    date: date
    peak: int | None = None  # concurrent viewers of the live broadcast
    views: int | None = None
    minutes: int | None = None


def quarter_of(day: date) -> str:
    """The quarter of a day, "2026Q4"."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def quarter_days(quarter: str) -> tuple[date, date]:
    """The first and the last day of a quarter. ValueError where it is none."""
    found = re.fullmatch(r"(\d{4})Q([1-4])", quarter)
    if found is None:
        raise ValueError(quarter)
    year, number = int(found[1]), int(found[2])
    following = date(year + number // 4, number % 4 * 3 + 1, 1)
    return date(year, number * 3 - 2, 1), following - timedelta(days=1)


def quarters_to_fetch(today: date) -> list[str]:
    """The running quarter and, until it is settled, the one before."""
    return list(dict.fromkeys([quarter_of(today), quarter_of(today - timedelta(days=SETTLED_DAYS))]))


def fetch_statistics(database: Database, settings: Settings, now: datetime) -> None:
    """Ask for every film that is published on YouTube, and write down the answers. To be run once a day.

    What cannot be had today is had tomorrow: no error of an account or a film stops the others.
    """
    for account, publications in _by_account(database, settings).items():
        try:
            analytics = open_analytics(settings, account)
        except AccountError as error:
            log.warning("no statistics", account=account, error=str(error))
            continue
        with analytics:
            _fetch(database, analytics, account, publications, now)


def _by_account(database: Database, settings: Settings) -> dict[str, list[Publication]]:
    channels = {key: c.account for key, c in settings.channels.items() if c.kind == "youtube" and c.account}
    found = defaultdict(list)
    with database.session() as session:
        published = Publication.state == PublicationState.PUBLISHED
        for one in session.scalars(select(Publication).where(published, Publication.channel.in_(channels))):
            found[channels[one.channel]].append(one)
    return found


def _fetch(
    database: Database, analytics: Any, account: str, publications: Iterable[Publication], now: datetime
) -> None:
    for publication in publications:
        try:
            for quarter in quarters_to_fetch(now.astimezone(PACIFIC).date()):
                figures = _figures(analytics, publication, quarter, now)
                with database.session() as session:
                    _write_down(session, publication.id, quarter, figures, now)
        except HttpError as error:
            log.warning(
                "no statistics", publication=publication.id, status=error.resp.status, reason=reason_of(error.content)
            )  # fmt: skip
        except (RefreshError, OSError) as error:
            log.warning("no statistics", account=account, error=type(error).__name__)
            return


def _figures(
    analytics: Any, publication: Publication, quarter: str, now: datetime
) -> tuple[int | None, int | None]:
    """Views and watched minutes of a publication, what stood there before counted too."""
    first, last = quarter_days(quarter)
    today = now.astimezone(PACIFIC).date()
    addresses = [publication.address, *(str(one["address"]) for one in publication.former)]
    answers = [
        analytics.reports()
        .query(
            ids="channel==MINE",
            startDate=first.isoformat(),
            endDate=min(last, today).isoformat(),
            metrics="views,estimatedMinutesWatched",
            filters=f"video=={address}",
        )
        .execute()
        for address in addresses
        if address
    ]
    return _sum(answers, "views"), _sum(answers, "estimatedMinutesWatched")


def _sum(answers: list[dict[str, Any]], metric: str) -> int | None:
    """None where no answer has a row: YouTube has nothing to tell, which is not nobody."""
    values: list[int] = []
    for answer in answers:
        column = [header["name"] for header in answer.get("columnHeaders", [])].index(metric)
        values.extend(int(row[column]) for row in answer.get("rows", []))
    return sum(values) if values else None


def _write_down(
    session: Session, publication: int, quarter: str, figures: tuple[int | None, int | None], now: datetime
) -> None:
    row = session.get(Statistic, (publication, quarter))
    if row is None:
        row = Statistic(publication_id=publication, quarter=quarter)
        session.add(row)
    views, minutes = figures
    # What was told once is not forgotten because today nothing is told.
    row.views = row.views if views is None else views
    row.minutes = row.minutes if minutes is None else minutes
    row.fetched_at = now


def per_meeting(session: Session, quarter: str, zone: ZoneInfo) -> list[Watched]:
    """The meetings held in a quarter and the films watched in it, oldest first. ValueError where it is no quarter."""
    rows: dict[tuple[str, int], Watched] = {}
    for meeting, peak in _held(session, *quarter_days(quarter), zone):
        day = meeting.planned_start.astimezone(zone).date()
        rows["meeting", meeting.id] = Watched(title=meeting.title, date=day, peak=peak)
    statistics = select(Statistic, Video).join(
        Publication, Statistic.publication_id == Publication.id
    ).join(Video, Publication.video_id == Video.id)  # fmt: skip
    for statistic, video in session.execute(statistics.where(Statistic.quarter == quarter)):
        key = ("video", video.id) if video.meeting_id is None else ("meeting", video.meeting_id)
        row = rows.get(key) or Watched(
            title=video.title, date=video.recorded_at.astimezone(zone).date()
        )  # fmt: skip
        rows[key] = replace(
            row, views=_added(row.views, statistic.views), minutes=_added(row.minutes, statistic.minutes)
        )
    return sorted(rows.values(), key=lambda row: (row.date, row.title))


def _held(session: Session, first: date, last: date, zone: ZoneInfo) -> Iterator[tuple[Meeting, int | None]]:
    """The meetings that were on air between two days, with the most viewers they had at once on all platforms."""
    begin, end = (
        datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        for day in (first, last + timedelta(days=1))
    )
    at_once = (
        select(ViewerCount.meeting_id, func.sum(ViewerCount.viewers).label("viewers"))
        .group_by(ViewerCount.meeting_id, ViewerCount.at)
        .subquery()
    )
    peaks = select(at_once.c.meeting_id, func.max(at_once.c.viewers)).group_by(at_once.c.meeting_id)
    peak_of = {meeting: peak for meeting, peak in session.execute(peaks)}
    meetings = select(Meeting).where(
        Meeting.began_at.is_not(None), Meeting.planned_start >= begin, Meeting.planned_start < end
    )
    for meeting in session.scalars(meetings):
        yield meeting, peak_of.get(meeting.id)


def _added(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other
