"""A meeting's recording and a film with cuts, taken through the steps one by one, by the real engines."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from schedules.aftermath import PROCESSING_STEPS, STEPS
from schedules.captioning import caption
from schedules.database import Database
from schedules.models import AgendaItem, Meeting, Video
from schedules.settings import Settings
from schedules.states import Audience, MeetingState, VideoState
from schedules.transitions import move_video
from schedules.videos import enqueue_meeting
from schedules.workshop import NotWanted, Workshop
from tests.standins.recorder import EPOCH, Scene, read_number, record

NOW = datetime(2026, 9, 30, 20, tzinfo=UTC)


def shown(file: Path) -> list[int]:
    """The numbers that the frames of a film carry."""

    def number(frame: VideoFrame) -> int:
        return read_number(frame.to_ndarray(format="gray").astype(np.uint8))

    with av.open(str(file)) as media:
        return [number(frame) for frame in media.decode(video=0)]


@pytest.fixture
def workshop(settings: Settings, sqlite_database: Database) -> Workshop:
    return Workshop(settings=settings, database=sqlite_database, now=lambda: NOW)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 s of waiting, 6 s of room, 4 s closed, 6 s of room, 2 s of slate."""
    scenes = [Scene(4, "waiting"), Scene(6), Scene(4, "closed"), Scene(6), Scene(2, "over")]
    return record(tmp_path_factory.mktemp("recording") / "1", scenes)


@pytest.fixture
def meeting_video(workshop: Workshop, recording: Path) -> int:
    """The ended meeting of that recording; three items marked, one never."""
    marks = [("Upprop", 4.4), ("Sekretess", 11.0), ("Budget", 15.0), ("Övrigt", None)]
    with workshop.database.session() as session:
        meeting = Meeting(
            body="kf", title="Kommunfullmäktige", planned_start=EPOCH, planned_end=EPOCH + timedelta(hours=1),
            source="test", platforms=["local"], channel="archive", state=MeetingState.ENDED, began_at=EPOCH,
        )  # fmt: skip
        for position, (title, at) in enumerate(marks):
            marked = None if at is None else EPOCH + timedelta(seconds=at)
            meeting.agenda.append(AgendaItem(position=position, title=title, marked_at=marked))
        session.add(meeting)
        session.flush()
        shutil.copytree(recording, workshop.settings.recording_folder(meeting.id))
        return enqueue_meeting(session, workshop.settings, meeting, NOW).id


def take(workshop: Workshop, video_id: int, *steps: str) -> Video:
    for step in steps:
        STEPS[step](workshop, video_id)
    with workshop.database.session() as session:
        return session.get_one(Video, video_id)


def test_a_meeting_is_cut_chaptered_and_published(workshop: Workshop, meeting_video: int) -> None:
    video = take(workshop, meeting_video, *PROCESSING_STEPS, "publish")
    assert video.state is VideoState.PUBLISHED
    place = workshop.settings.archive_folder(video.key)
    frames = shown(place / "video.mp4")
    assert frames == [
        *range(100, 250),
        *range(350, 500),
    ]  # the room; nothing of the slates or the closed session
    assert video.duration == pytest.approx(12, abs=0.1)
    assert [cut["reason"] for cut in video.made_cuts] == ["waiting", "closed", "tail"]
    assert video.cuts == []
    chapters = [(chapter["title"], chapter["start"]) for chapter in video.chapters]
    assert chapters == [("Upprop", 0.0), ("Sekretess", 6.0), ("Budget", pytest.approx(7.0, abs=0.05))]
    assert "Budget" in (place / "chapters.vtt").read_text()
    known = json.loads((place / "metadata.json").read_text())
    assert set(known["files"]) == {
        "video.mp4", "poster.jpg", "sprite.jpg", "sprite.vtt", "waveform.json", "chapters.vtt",
    }  # fmt: skip
    assert known["audience"] == "public"


def test_every_step_can_be_taken_twice(workshop: Workshop, meeting_video: int) -> None:
    once = take(workshop, meeting_video, "verify", "render", "pictures")
    folder = workshop.settings.work_folder(once.key)
    before = sorted((file.name, file.stat().st_size) for file in folder.iterdir())
    again = take(workshop, meeting_video, "verify", "render", "pictures")
    assert sorted((file.name, file.stat().st_size) for file in folder.iterdir()) == before
    assert (again.checksum, again.duration, again.chapters) == (once.checksum, once.duration, once.chapters)


def test_redacted_after_publication_it_keeps_its_address(workshop: Workshop, meeting_video: int) -> None:
    first = take(workshop, meeting_video, *PROCESSING_STEPS, "publish")
    captions = "captions.sv.vtt"
    with workshop.database.session() as session:
        video = session.get_one(Video, meeting_video)
        caption(session, video, "WEBVTT\n", language="sv", who="eva", now=NOW)
    take(workshop, meeting_video, "publish")
    assert (workshop.settings.archive_folder(first.key) / captions).is_file()
    with workshop.database.session() as session:
        session.get_one(Video, meeting_video).cuts = [{"start": 15.0, "end": 16.0, "reason": "Personuppgift"}]
        assert move_video(session, meeting_video, VideoState.PROCESSING, now=NOW, who="eva")
    second = take(workshop, meeting_video, *PROCESSING_STEPS, "publish")
    frames = shown(workshop.settings.archive_folder(first.key) / "video.mp4")
    # They would not fit any more, and may hold the very words that were cut.
    assert not (workshop.settings.archive_folder(first.key) / captions).exists()
    # To the frame, though no keyframe stands there: nothing of the open meeting goes with it.
    assert frames == [*range(100, 250), *range(350, 375), *range(400, 500)]
    assert (second.key, second.published_at) == (first.key, first.published_at)
    assert "Personuppgift" in [cut["reason"] for cut in second.made_cuts]
    assert second.cuts == [{"start": 15.0, "end": 16.0, "reason": "Personuppgift"}]


def test_what_is_for_the_staff_is_marked_so(workshop: Workshop, meeting_video: int) -> None:
    with workshop.database.session() as session:
        session.get_one(Video, meeting_video).audience = Audience.STAFF
    video = take(workshop, meeting_video, *PROCESSING_STEPS, "publish")
    known = json.loads((workshop.settings.archive_folder(video.key) / "metadata.json").read_text())
    assert known["audience"] == "staff"


def test_a_step_is_not_taken_in_another_state(workshop: Workshop, meeting_video: int) -> None:
    with pytest.raises(NotWanted):
        take(workshop, meeting_video, "publish")
    with workshop.database.session() as session:
        assert move_video(session, meeting_video, VideoState.FAILED, now=NOW, who="eva")
    for step in PROCESSING_STEPS:
        with pytest.raises(NotWanted):
            take(workshop, meeting_video, step)
