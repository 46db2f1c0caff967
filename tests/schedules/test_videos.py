"""How videos come into the house and are found, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from schedules.database import Database
from schedules.models import Meeting, Video
from schedules.settings import BodySettings, Settings
from schedules.states import Audience, MeetingState, VideoState
from schedules.videos import VideoRefused, enqueue_meeting, find_video, list_videos

NOW = datetime(2026, 9, 30, 20, tzinfo=UTC)


def ended_meeting(database: Database, body: str = "kf", **changes: object) -> int:
    columns = {
        "body": body,
        "title": "Kommunfullmäktige",
        "planned_start": NOW - timedelta(hours=4),
        "planned_end": NOW - timedelta(hours=1),
        "source": "test",
        "platforms": ["local"],
        "channel": "archive",
        "audience": Audience.PUBLIC,
        "state": MeetingState.ENDED,
        **changes,
    }
    with database.session() as session:
        meeting = Meeting(**columns)
        session.add(meeting)
        session.flush()
        return meeting.id


def enqueue(settings: Settings, database: Database, meeting_id: int) -> Video:
    with database.session() as session:
        return enqueue_meeting(session, settings, session.get_one(Meeting, meeting_id), NOW)


def test_a_meetings_video_takes_what_is_known(settings: Settings, database: Database) -> None:
    began = NOW - timedelta(hours=3, minutes=58)
    meeting_id = ended_meeting(database, began_at=began, audience=Audience.STAFF)
    video = enqueue(settings, database, meeting_id)
    assert (video.title, video.body, video.channel) == ("Kommunfullmäktige", "kf", "archive")
    assert (video.audience, video.review, video.recorded_at) == (Audience.STAFF, False, began)
    assert video.original == settings.recording_folder(meeting_id).absolute()
    assert video.state is VideoState.PROCESSING
    assert len(video.key) == 24


def test_review_is_the_rule(settings: Settings, sqlite_database: Database) -> None:
    strict = BodySettings(name="Nämnden", source="test")
    settings = settings.model_copy(update={"bodies": {**settings.bodies, "namnd": strict}})
    assert enqueue(settings, sqlite_database, ended_meeting(sqlite_database, "namnd")).review is True
    assert enqueue(settings, sqlite_database, ended_meeting(sqlite_database, "no longer set")).review is True


def test_once_only_even_from_many_at_once(settings: Settings, database: Database) -> None:
    meeting_id = ended_meeting(database)
    keys: list[str] = []
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        keys.append(enqueue(settings, database, meeting_id).key)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 4
    assert len(set(keys)) == 1
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Video)) == 1


def test_found_by_number_and_by_key(settings: Settings, sqlite_database: Database) -> None:
    video = enqueue(settings, sqlite_database, ended_meeting(sqlite_database))
    with sqlite_database.session() as session:
        assert find_video(session, str(video.id)).key == find_video(session, video.key).key == video.key
        for name in ("77", "", "x' OR 1=1", "9" * 40, "²"):
            with pytest.raises(VideoRefused, match="laktare video list"):
                find_video(session, name)


def test_the_latest_first(settings: Settings, sqlite_database: Database) -> None:
    for days in (3, 1, 2):
        enqueue(
            settings, sqlite_database, ended_meeting(sqlite_database, began_at=NOW - timedelta(days=days))
        )
    with sqlite_database.session() as session:
        assert [(NOW - video.recorded_at).days for video in list_videos(session)] == [1, 2, 3]
        assert [(NOW - video.recorded_at).days for video in list_videos(session, limit=1)] == [1]
        assert list_videos(session, states=[VideoState.FAILED]) == []
