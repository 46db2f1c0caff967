"""How much was watched: what YouTube says, what it does not say, and the sums per meeting and quarter."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from schedules.cli import main
from schedules.database import Database
from schedules.models import Publication, Statistic, Video, ViewerCount
from schedules.settings import Settings
from schedules.states import MeetingState, PublicationState
from schedules.youtube.statistics import (
    fetch_statistics,
    per_meeting,
    quarter_days,
    quarter_of,
    quarters_to_fetch,
)
from tests.schedules.meetings import START, new_meeting, new_video
from tests.standins.youtube import YouTube
from tests.standins.youtube_videos import Video as FilmThere

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)


@pytest.fixture
def films(database: Database) -> dict[str, int]:
    """Published films of one meeting and of none, on YouTube and at home: address → publication."""
    with database.session() as session:
        meeting = new_meeting(state=MeetingState.ENDED, began_at=START)
        session.add_all([meeting, silent := new_meeting(title="Utan tittare", began_at=START)])
        session.flush()
        session.add_all(
            ViewerCount(meeting_id=meeting.id, platform=platform, at=START + minute * timedelta(minutes=1), viewers=n)
            for platform, counts in {"youtube": (10, None, 31), "other": (5, 7, 2)}.items()
            for minute, n in enumerate(counts)
        )  # fmt: skip
        session.add(ViewerCount(meeting_id=silent.id, platform="youtube", at=START, viewers=None))
        of_meeting = new_video(meeting_id=meeting.id, publications=[published("film-1")])
        of_none = new_video(key="other", title="Informationsfilm", publications=[published("film-2")])
        session.add_all([of_meeting, of_none])
        session.add(
            Publication(video=of_meeting, channel="archive", state=PublicationState.PUBLISHED, address="x")
        )
        session.flush()
        return {p.address: p.id for video in (of_meeting, of_none) for p in video.publications}


def published(address: str, **columns: object) -> Publication:
    return Publication(channel="youtube", state=PublicationState.PUBLISHED, address=address, **columns)


def watched(youtube: YouTube, address: str, views: int, minutes: int) -> None:
    account = youtube.sign_on.accounts["kommunen"]
    youtube.videos[address] = FilmThere(
        address, account, START, {"title": address}, {}, views=views, minutes_watched=minutes
    )


def test_quarters() -> None:
    days = [date(2026, 1, 1), date(2026, 3, 31), date(2026, 4, 1), date(2026, 12, 31)]
    assert [quarter_of(day) for day in days] == ["2026Q1", "2026Q1", "2026Q2", "2026Q4"]
    assert quarter_days("2026Q4") == (date(2026, 10, 1), date(2026, 12, 31))
    assert quarter_days("2024Q1") == (date(2024, 1, 1), date(2024, 3, 31))
    for wrong in ("2026Q5", "Q4", "2026-4"):
        with pytest.raises(ValueError, match=wrong):
            quarter_days(wrong)
    assert quarters_to_fetch(date(2027, 1, 10)) == ["2027Q1", "2026Q4"]
    assert quarters_to_fetch(date(2027, 1, 11)) == ["2027Q1"]


def test_what_youtube_says_is_kept_and_summed(
    films: dict[str, int], connected: Settings, youtube: YouTube, database: Database
) -> None:
    watched(youtube, "film-1", 120, 900)
    watched(youtube, "former", 30, 100)
    with database.session() as session:
        session.get_one(Publication, films["film-1"]).former = [
            {"address": "former", "until": START.isoformat()}
        ]
    fetch_statistics(database, connected, NOW)
    with database.session() as session:
        rows = {row.publication_id: (row.quarter, row.views, row.minutes) for row in session.query(Statistic)}
        told = per_meeting(session, "2026Q4", connected.zone)
    assert rows == {films["film-1"]: ("2026Q4", 150, 1000), films["film-2"]: ("2026Q4", None, None)}
    assert [(row.title, row.date.isoformat(), row.peak, row.views, row.minutes) for row in told] == [
        ("Informationsfilm", "2026-11-25", None, None, None),
        ("Kommunfullmäktige", "2026-11-25", 33, 150, 1000),
        ("Utan tittare", "2026-11-25", None, None, None),
    ]
    reports = [request for request in youtube.requests if request.method.startswith("youtubeAnalytics")]
    assert {(r.parameters["startDate"], r.parameters["endDate"]) for r in reports} == {
        ("2026-10-01", "2026-11-25")
    }
    assert len(reports) == 3


def test_a_later_look_takes_the_newer_and_forgets_nothing(
    films: dict[str, int], connected: Settings, youtube: YouTube, database: Database
) -> None:
    watched(youtube, "film-1", 10, 20)
    fetch_statistics(database, connected, NOW)
    watched(youtube, "film-1", 11, 25)
    fetch_statistics(database, connected, NOW + timedelta(days=1))
    youtube.videos.clear()
    fetch_statistics(database, connected, datetime(2027, 1, 5, 4, 0, tzinfo=UTC))
    with database.session() as session:
        rows = session.query(Statistic).filter_by(publication_id=films["film-1"]).order_by(Statistic.quarter)
        assert [(row.quarter, row.views, row.minutes) for row in rows] == [
            ("2026Q4", 11, 25),
            ("2027Q1", None, None),
        ]


def test_an_error_of_one_film_or_account_stops_no_other(
    films: dict[str, int], connected: Settings, youtube: YouTube, database: Database
) -> None:
    watched(youtube, "film-2", 7, 8)
    youtube.faults.add("youtubeAnalytics.reports.query", "error", status=500)
    fetch_statistics(database, connected, NOW)
    with database.session() as session:
        assert [(row.publication_id, row.views) for row in session.query(Statistic)] == [(films["film-2"], 7)]
        assert per_meeting(session, "2026Q3", connected.zone) == []
    youtube.sign_on.revoke_account(youtube.sign_on.accounts["kommunen"])
    fetch_statistics(database, connected, NOW)
    connected.youtube.client_secrets.unlink()  # type: ignore[union-attr]
    fetch_statistics(database, connected, NOW)


def test_a_film_that_is_not_there_is_not_asked_about(
    films: dict[str, int], connected: Settings, youtube: YouTube, database: Database
) -> None:
    with database.session() as session:
        for publication in session.query(Publication):
            publication.state = PublicationState.WITHDRAWN
    fetch_statistics(database, connected, NOW)
    assert youtube.requests == []


def show(database: Database, folder: Path, *options: str) -> Result:
    file, url = folder / "laktare.toml", database.engine.url.render_as_string(hide_password=False)
    file.write_text(f'database = "{url}"\n[bodies.kf]\nname = "Kommunfullmäktige"\nsource = "test"\n')
    return CliRunner().invoke(main, ["--settings", str(file), "statistics", *options])


def test_on_the_command_line(films: dict[str, int], database: Database, tmp_path: Path) -> None:
    with database.session() as session:
        session.add(Statistic(publication_id=films["film-1"], quarter="2026Q4", views=0, fetched_at=NOW))
        assert session.query(Video).count() == 2
    assert show(database, tmp_path, "--quarter", "2026Q4", "--csv").stdout == (
        "Datum;Rubrik;Samtidiga tittare;Visningar;Minuter\n"
        "2026-11-25;Kommunfullmäktige;33;0;\n"
        "2026-11-25;Utan tittare;;;\n"
    )
    assert "Kommunfullmäktige" in show(database, tmp_path, "--quarter", "2026Q4").stdout
    assert "Inga sammanträden" in show(database, tmp_path, "--quarter", "2020Q1").stdout
    wrong = show(database, tmp_path, "--quarter", "hösten")
    assert (wrong.exit_code, "'hösten' är inget kvartal" in wrong.stderr) == (2, True)
