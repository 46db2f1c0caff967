"""Approve, withdraw, restore, retry: what takes effect, and what is refused with which words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules import decisions
from schedules.attempts import attempt
from schedules.database import Database
from schedules.models import AuditEntry, Publication, Video
from schedules.settings import Settings
from schedules.states import VideoState
from schedules.videos import VideoRefused
from schedules.workshop import Workshop

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


def test_cut_anew_in_the_time_of_the_film_as_it_is(settings: Settings, sqlite_database: Database) -> None:
    """Ten seconds were cut before; the film's second 30 is the recording's second 40."""
    made = [{"start": 5.0, "end": 15.0, "reason": "adjourned"}]
    video_id = stored(sqlite_database, settings, VideoState.PUBLISHED, duration=60.0, made_cuts=made)
    with sqlite_database.session() as session:
        video = session.get_one(Video, video_id)
        decisions.cut(session, video, pieces=[(30, 32)], reason="Personuppgift", who="eva", now=NOW)
    with sqlite_database.session() as session:
        video = session.get_one(Video, video_id)
        assert video.state is VideoState.PROCESSING
        assert video.cuts == [{"start": 40.0, "end": 42.0, "reason": "Personuppgift"}]
        assert session.scalars(select(AuditEntry.what)).all() == ["video.processing", "video.cut"]


@pytest.mark.parametrize(
    ("pieces", "reason", "words"),
    [
        ([(30.0, 20.0)], "Skäl", "måste ligga i den"),
        ([(50.0, 70.0)], "Skäl", "60 sekunder lång"),
        ([], "Skäl", "Säg vad som ska bort"),
        ([(1.0, 2.0)], " ", "Skriv varför"),
    ],
)
def test_a_cut_that_cannot_be_is_refused(
    settings: Settings, sqlite_database: Database, pieces: list[tuple[float, float]], reason: str, words: str
) -> None:
    video_id = stored(sqlite_database, settings, VideoState.PUBLISHED, duration=60.0)
    with sqlite_database.session() as session:
        video = session.get_one(Video, video_id)
        with pytest.raises(VideoRefused, match=words):
            decisions.cut(session, video, pieces=pieces, reason=reason, who="eva", now=NOW)


@pytest.mark.parametrize(
    ("state", "decision", "words"),
    [
        (VideoState.PUBLISHED, "  ", "bara gallras efter ett beslut"),
        (VideoState.PUBLISHED, "KS 2020/1", "står KS 2026/123"),
        (VideoState.PROCESSING, "KS 2026/123", "Vänta tills"),
    ],
)
def test_destroyed_only_by_the_decision_that_holds(
    settings: Settings, sqlite_database: Database, state: VideoState, decision: str, words: str
) -> None:
    body = settings.bodies["kf"].model_copy(update={"retention_days": 1, "retention_decision": "KS 2026/123"})
    settings = settings.model_copy(update={"bodies": {"kf": body}})
    video_id = stored(sqlite_database, settings, state, body="kf")
    with sqlite_database.session() as session:
        video = session.get_one(Video, video_id)
        with pytest.raises(VideoRefused, match=words):
            decisions.delete(session, settings, video, decision=decision, who="eva", now=NOW)
    with sqlite_database.session() as session:
        assert session.get_one(Video, video_id).state is state


def test_destroyed_with_its_files(settings: Settings, database: Database) -> None:
    video_id = stored(database, settings, VideoState.WITHDRAWN)
    with database.session() as session:
        video = session.get_one(Video, video_id)
        decisions.delete(session, settings, video, decision="KS 2026/123", who="eva", now=NOW)
    assert not settings.archive_folder("abc").exists()
    with database.session() as session:
        entries = {e.what: e.detail for e in session.scalars(select(AuditEntry))}
    assert entries["video.decision"] == {"decision": "KS 2026/123"}


def test_what_is_hidden_just_before_it_is_finished_waits_for_an_approval(
    settings: Settings, database: Database
) -> None:
    """The worker looked before the clerk's decision was written, and would publish after it."""
    video_id = stored(database, settings, VideoState.PROCESSING, review=False)
    with database.session() as session:
        video = session.get_one(Video, video_id)
        video.publications.append(Publication(channel="archive", published_at=NOW))
    workshop = Workshop(settings=settings, database=database, now=lambda: NOW)
    worker = threading.Thread(target=attempt, args=(workshop, "settle", video_id, 1))
    with database.session() as session:
        video = session.get_one(Video, video_id)
        DECISIONS["withdraw"][1](session, settings, video)
        session.flush()
        worker.start()
        time.sleep(0.3)  # it waits for the row, or the database
    worker.join()
    attempt(workshop, "settle", video_id, 2)
    with database.session() as session:
        assert session.get_one(Video, video_id).state is VideoState.REVIEW
