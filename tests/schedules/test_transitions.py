"""A row moves only where it may, once, with its entry in the audit log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from sqlalchemy import select

from schedules.database import Database
from schedules.models import AuditEntry, Meeting, Video
from schedules.states import MEETING_MOVES, VIDEO_MOVES, MeetingState, VideoState
from schedules.transitions import move_meeting, move_video
from tests.schedules.meetings import new_meeting, new_video

NOW = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize("start", MeetingState)
def test_a_meeting_moves_only_where_it_may(sqlite_database: Database, start: MeetingState) -> None:
    for to in MeetingState:
        with sqlite_database.session() as session:
            session.add(meeting := new_meeting(state=start))
            session.flush()
            moved = move_meeting(session, meeting.id, to, now=NOW, who="test")
            session.refresh(meeting)
            assert (moved, meeting.state) == ((True, to) if to in MEETING_MOVES[start] else (False, start))


@pytest.mark.parametrize("start", VideoState)
def test_a_video_moves_only_where_it_may(sqlite_database: Database, start: VideoState) -> None:
    for to in VideoState:
        with sqlite_database.session() as session:
            session.add(video := new_video(state=start, key=f"{start}-{to}"))
            session.flush()
            moved = move_video(session, video.id, to, now=NOW, who="test")
            session.refresh(video)
            assert (moved, video.state) == ((True, to) if to in VIDEO_MOVES[start] else (False, start))


def test_a_move_takes_its_other_columns_along_and_is_written_down(database: Database) -> None:
    with database.session() as session:
        session.add(meeting := new_meeting())
    with database.session() as session:
        cancelled = MeetingState.CANCELLED
        assert move_meeting(session, meeting.id, cancelled, now=NOW, who="anna", cancel_reason="Snöstorm")
    with database.session() as session:
        row = session.get_one(Meeting, meeting.id)
        assert (row.state, row.cancel_reason) == (cancelled, "Snöstorm")
        [entry] = session.scalars(select(AuditEntry))
        assert (entry.at, entry.who, entry.what) == (NOW, "anna", "meeting.cancelled")
        assert entry.subject == f"meeting {meeting.id}"


def test_a_refused_move_changes_and_writes_nothing(database: Database) -> None:
    with database.session() as session:
        session.add(video := new_video(state=VideoState.PUBLISHED))
    with database.session() as session:
        assert not move_video(session, video.id, VideoState.FAILED, now=NOW, who="anna", error="x")
    with database.session() as session:
        assert session.get_one(Video, video.id).error == ""
        assert session.scalars(select(AuditEntry)).all() == []


def test_a_row_that_is_not_there_cannot_be_moved(database: Database) -> None:
    with database.session() as session:
        assert not move_meeting(session, 4711, MeetingState.CANCELLED, now=NOW, who="anna")


def test_of_many_who_want_the_same_move_one_is_first(database: Database) -> None:
    with database.session() as session:
        session.add(meeting := new_meeting())
    together = Barrier(4)

    def start_it(who: str) -> bool:
        together.wait(10)
        with database.session() as session:
            return move_meeting(session, meeting.id, MeetingState.PREPARING, now=NOW, who=who)

    with ThreadPoolExecutor(4) as pool:
        results = dict(zip("abcd", pool.map(start_it, "abcd"), strict=True))
    winners = [who for who, moved in results.items() if moved]
    assert len(winners) == 1
    with database.session() as session:
        assert [entry.who for entry in session.scalars(select(AuditEntry))] == winners
