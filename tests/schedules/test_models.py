"""The tables: what may stand twice, what goes with what, and types that come back as they were."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from schedules.database import Database
from schedules.models import AgendaItem, Meeting, Observation, Publication, Video
from schedules.states import Audience, MeetingState, Phase, VideoState
from tests.schedules.meetings import START, new_meeting, new_video


def test_a_meeting_has_its_defaults_and_gives_back_its_types(database: Database) -> None:
    with database.session() as session:
        session.add(meeting := new_meeting(platforms=["youtube", "local"]))
    with database.session() as session:
        row = session.get_one(Meeting, meeting.id)
        assert (row.state, row.phase, row.audience) == (MeetingState.PLANNED, Phase.WAITING, Audience.PUBLIC)
        assert row.platforms == ["youtube", "local"]
        assert (row.began_at, row.video, row.agenda) == (None, None, [])


def test_states_are_stored_as_the_words_of_the_enum(database: Database) -> None:
    with database.session() as session:
        session.add(new_meeting(state=MeetingState.LIVE, phase=Phase.CLOSED, audience=Audience.STAFF))
    with database.engine.connect() as connection:
        row = connection.execute(text("SELECT state, phase, audience FROM meetings")).one()
    assert tuple(row) == ("live", "closed", "staff")


def test_a_path_and_its_structures_come_back(database: Database) -> None:
    cuts = [{"start": 0.0, "end": 12.5, "reason": "Före öppnandet"}]
    with database.session() as session:
        session.add(video := new_video(original=Path("/srv/läktare/inspelning 1"), cuts=cuts))
    with database.session() as session:
        row = session.get_one(Video, video.id)
        assert (row.original, row.rendition) == (Path("/srv/läktare/inspelning 1"), None)
        assert row.cuts == cuts
        assert (row.state, row.review) == (VideoState.PROCESSING, True)


def test_the_agenda_and_the_observations_have_their_order(database: Database) -> None:
    with database.session() as session:
        meeting = new_meeting()
        meeting.agenda = [AgendaItem(position=n, title=f"§ {n}") for n in (3, 1, 2)]
        meeting.observations = [
            Observation(at=START + timedelta(seconds=seconds), kind="source_lost", detail={"n": seconds})
            for seconds in (9, 4)
        ]
        session.add(meeting)
    with database.session() as session:
        row = session.get_one(Meeting, meeting.id)
        assert [item.title for item in row.agenda] == ["§ 1", "§ 2", "§ 3"]
        assert [observation.detail["n"] for observation in row.observations] == [4, 9]


def test_an_agenda_goes_with_its_meeting(database: Database) -> None:
    with database.session() as session:
        session.add(meeting := new_meeting(agenda=[AgendaItem(position=1, title="Val av justerare")]))
    with database.session() as session:
        session.delete(session.get_one(Meeting, meeting.id))
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(AgendaItem)) == 0


def test_an_imported_event_makes_one_meeting(database: Database) -> None:
    with database.session() as session:
        session.add(new_meeting(ical_uid="a@outlook", ical_recurrence=""))
        session.add(new_meeting(ical_uid="a@outlook", ical_recurrence="20261125T180000"))
        session.add_all(
            [new_meeting(), new_meeting()]
        )  # those entered by hand have no event to be told apart by
    with pytest.raises(IntegrityError), database.session() as session:
        session.add(new_meeting(ical_uid="a@outlook", ical_recurrence=""))


def test_a_meeting_has_one_video_and_a_video_one_key(database: Database) -> None:
    with database.session() as session:
        session.add(meeting := new_meeting())
        session.flush()
        session.add(new_video(meeting_id=meeting.id, key="first"))
    with pytest.raises(IntegrityError), database.session() as session:
        session.add(new_video(meeting_id=meeting.id, key="second"))
    with pytest.raises(IntegrityError), database.session() as session:
        session.add(new_video(key="first"))


def test_a_video_stands_once_on_a_channel(database: Database) -> None:
    with database.session() as session:
        session.add(video := new_video())
        session.flush()
        session.add(Publication(video_id=video.id, channel="archive", address="q3x", published_at=START))
    with pytest.raises(IntegrityError), database.session() as session:
        session.add(Publication(video_id=video.id, channel="archive", address="q3x", published_at=START))
