"""Approve, withdraw, restore, retry: what takes effect, and what is refused with which words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules import decisions
from schedules.database import Database
from schedules.models import AuditEntry, Publication, Video
from schedules.settings import Settings
from schedules.states import VideoState
from schedules.videos import VideoRefused

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)


def stored(database: Database, settings: Settings, state: VideoState, **columns: object) -> int:
    """A video in `state`; a published one with its file in the archive."""
    with database.session() as session:
        video = Video(
            key="abc",
            title="Film",
            recorded_at=NOW,
            channel="archive",
            original=Path("/film.mp4"),
            state=state,
            **columns,
        )
        session.add(video)
        if state in (VideoState.PUBLISHED, VideoState.WITHDRAWN):
            video.publications.append(Publication(channel="archive", address="abc", published_at=NOW))
            place = settings.archive_folder("abc")
            place.mkdir(parents=True)
            (place / "video.mp4").write_bytes(b"film")
        session.flush()
        return video.id


Decide = Callable[[Session, Settings, Video], None]
DECISIONS: dict[str, tuple[VideoState, Decide]] = {
    "approve": (VideoState.REVIEW, lambda s, _, v: decisions.approve(s, v, who="eva", now=NOW)),
    "withdraw": (
        VideoState.PUBLISHED,
        lambda s, c, v: decisions.withdraw(s, c, v, reason="Personuppgift", who="eva", now=NOW),
    ),
    "restore": (VideoState.WITHDRAWN, lambda s, c, v: decisions.restore(s, c, v, who="eva", now=NOW)),
    "retry": (VideoState.FAILED, lambda s, _, v: decisions.retry(s, v, who="eva", now=NOW)),
}


@pytest.mark.parametrize(
    ("name", "state"),
    [
        (name, state)
        for name, (allowed, _) in DECISIONS.items()
        for state in VideoState
        if state is not allowed
    ],
)
def test_refused_in_every_other_state(
    settings: Settings, sqlite_database: Database, name: str, state: VideoState
) -> None:
    video_id = stored(sqlite_database, settings, state)
    with sqlite_database.session() as session, pytest.raises(VideoRefused, match=decisions.STATES[state]):
        DECISIONS[name][1](session, settings, session.get_one(Video, video_id))
    with sqlite_database.session() as session:
        assert session.get_one(Video, video_id).state is state
        assert session.scalars(select(AuditEntry)).all() == []


def test_withdrawn_and_restored_at_once(settings: Settings, database: Database) -> None:
    video_id = stored(database, settings, VideoState.PUBLISHED)
    file = settings.archive_folder("abc") / "video.mp4"
    with database.session() as session:
        DECISIONS["withdraw"][1](session, settings, session.get_one(Video, video_id))
    assert not file.exists()
    with database.session() as session:
        video = session.get_one(Video, video_id)
        assert video.state is VideoState.WITHDRAWN
        assert (video.publications[0].withdrawn_at, video.publications[0].withdraw_reason) == (
            NOW,
            "Personuppgift",
        )
        DECISIONS["restore"][1](session, settings, video)
    assert file.read_bytes() == b"film"
    with database.session() as session:
        video = session.get_one(Video, video_id)
        assert (video.state, video.publications[0].withdrawn_at) == (VideoState.PUBLISHED, None)
        entries = [
            (e.who, e.what, e.detail) for e in session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        ]
    assert entries[0][:2] == ("eva", "video.withdrawn")
    assert entries[1] == ("eva", "video.reason", {"reason": "Personuppgift"})
    assert [what for _, what, _ in entries[2:]] == ["video.approved", "video.published"]


def test_a_reason_is_demanded(settings: Settings, sqlite_database: Database) -> None:
    video_id = stored(sqlite_database, settings, VideoState.PUBLISHED)
    with sqlite_database.session() as session:
        video = session.get_one(Video, video_id)
        with pytest.raises(VideoRefused, match="Skriv varför"):
            decisions.withdraw(session, settings, video, reason="  ", who="eva", now=NOW)
    assert settings.archive_folder("abc").exists()


def test_a_channel_that_fails_changes_nothing(settings: Settings, sqlite_database: Database) -> None:
    """The archive is gone: the row must not say withdrawn."""
    video_id = stored(sqlite_database, settings, VideoState.PUBLISHED)
    settings.archive_folder("abc").rename(settings.data / "elsewhere")
    with pytest.raises(Exception, match="finns inte i arkivet"), sqlite_database.session() as session:
        DECISIONS["withdraw"][1](session, settings, session.get_one(Video, video_id))
    with sqlite_database.session() as session:
        assert session.get_one(Video, video_id).state is VideoState.PUBLISHED


def test_restored_without_its_files_is_published_anew(settings: Settings, sqlite_database: Database) -> None:
    video_id = stored(sqlite_database, settings, VideoState.WITHDRAWN)
    settings.archive_folder("abc").rename(settings.data / "elsewhere")
    with sqlite_database.session() as session:
        DECISIONS["restore"][1](session, settings, session.get_one(Video, video_id))
    with sqlite_database.session() as session:
        assert session.get_one(Video, video_id).state is VideoState.APPROVED  # the worker's from here


@pytest.mark.parametrize(
    ("step", "rendered", "state"),
    [
        ("verify", False, VideoState.PROCESSING),
        ("render", False, VideoState.PROCESSING),
        ("publish", True, VideoState.APPROVED),
        ("publish", False, VideoState.PROCESSING),  # the file is gone: made anew
    ],
)
def test_retried_from_where_it_makes_sense(
    settings: Settings,
    sqlite_database: Database,
    tmp_path: Path,
    step: str,
    rendered: bool,
    state: VideoState,
) -> None:
    file = tmp_path / "video.mp4"
    if rendered:
        file.write_bytes(b"film")
    video_id = stored(sqlite_database, settings, VideoState.FAILED, step=step, rendition=file, error="Fel.")
    with sqlite_database.session() as session:
        DECISIONS["retry"][1](session, settings, session.get_one(Video, video_id))
    with sqlite_database.session() as session:
        video = session.get_one(Video, video_id)
        assert (video.state, video.error, video.step) == (state, "", "")
