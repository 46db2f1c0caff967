"""One try of a step: what each kind of error does to the video, to the next try and to the alarms."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from broadcast.errors import MediaError, RenderError
from schedules.alarms.raising import open_alarms
from schedules.attempts import attempt, sentence
from schedules.database import Database
from schedules.models import Video
from schedules.settings import Settings
from schedules.states import VideoState
from schedules.workshop import Abandoned, Workshop
from uploader.channels import CHANNELS, Means
from uploader.channels.local import LocalChannel
from uploader.errors import UploadError
from uploader.package import Package, Progress, Published

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)


class MoodyChannel(LocalChannel):
    """The archive, after each of `moods` has been raised once."""

    moods: list[Exception]

    def publish(self, package: Package) -> Iterator[Progress | Published]:
        if self.moods:
            raise self.moods.pop(0)
        yield from super().publish(package)


@pytest.fixture
def workshop(settings: Settings, sqlite_database: Database) -> Workshop:
    return Workshop(settings=settings, database=sqlite_database, now=lambda: NOW)


@pytest.fixture
def moods(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    moods: list[Exception] = []

    def make(means: Means) -> MoodyChannel:
        channel = MoodyChannel(archive=means.archive, withdrawn=means.withdrawn)
        channel.moods = moods
        return channel

    monkeypatch.setitem(CHANNELS, "local", make)
    return moods


def approved(workshop: Workshop) -> int:
    """A rendered video on its way to its channel."""
    file = workshop.settings.work_folder("abc").absolute() / "video.mp4"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"film")
    with workshop.database.session() as session:
        video = Video(
            key="abc", title="Film", recorded_at=NOW, channel="archive", original=file, rendition=file, duration=1.0,
            state=VideoState.APPROVED,
        )  # fmt: skip
        session.add(video)
        session.flush()
        return video.id


def seen(workshop: Workshop, video_id: int) -> tuple[VideoState, str]:
    with workshop.database.session() as session:
        video = session.get_one(Video, video_id)
        return video.state, video.error


def alarms(workshop: Workshop) -> list[str]:
    with workshop.database.session() as session:
        return [alarm.message for alarm in open_alarms(session)]


def test_what_may_pass_is_tried_again_and_told_meanwhile(workshop: Workshop, moods: list[Exception]) -> None:
    video_id = approved(workshop)
    moods += [UploadError("Upptagen."), UploadError("Om en minut.", retry_after=60)]
    assert attempt(workshop, "publish", video_id, 1) == {"state": "again", "wait": 2.0}
    assert seen(workshop, video_id) == (VideoState.APPROVED, "Upptagen.")
    assert attempt(workshop, "publish", video_id, 2) == {"state": "again", "wait": 60.0}
    assert attempt(workshop, "publish", video_id, 3) == {"state": "done", "wait": 0}
    assert seen(workshop, video_id) == (VideoState.PUBLISHED, "")
    assert alarms(workshop) == []


def test_what_cannot_pass_needs_a_person_and_is_told_once(workshop: Workshop, moods: list[Exception]) -> None:
    video_id = approved(workshop)
    moods += [UploadError("Kontot är stängt.", permanent=True)]
    assert attempt(workshop, "publish", video_id, 1)["state"] == "failed"
    assert seen(workshop, video_id) == (VideoState.FAILED, "Kontot är stängt.")
    assert alarms(workshop) == [f"Kontot är stängt. Kör sedan om den: laktare video retry {video_id}"]
    assert attempt(workshop, "publish", video_id, 2)["state"] == "gone"  # it is FAILED: nobody asked for more
    assert len(alarms(workshop)) == 1


def test_patience_ends(workshop: Workshop, moods: list[Exception]) -> None:
    video_id = approved(workshop)
    moods += [UploadError("Upptagen.")] * 8
    states = [attempt(workshop, "publish", video_id, number)["state"] for number in range(1, 9)]
    assert states == ["again"] * 7 + ["failed"]


def test_a_fault_in_the_program_is_no_riddle_to_the_clerk(workshop: Workshop, moods: list[Exception]) -> None:
    video_id = approved(workshop)
    moods += [KeyError("token=hemligt")]
    assert attempt(workshop, "publish", video_id, 1)["state"] == "failed"
    state, words = seen(workshop, video_id)
    assert state is VideoState.FAILED
    assert "hemligt" not in words
    assert "loggen" in words


def test_a_withdrawn_video_is_not_published_by_a_late_step(
    workshop: Workshop, moods: list[Exception]
) -> None:
    video_id = approved(workshop)
    attempt(workshop, "publish", video_id, 1)
    assert attempt(workshop, "publish", video_id, 1)["state"] == "gone"
    assert seen(workshop, video_id)[0] is VideoState.PUBLISHED


def test_stopped_in_the_middle_is_no_failure(workshop: Workshop) -> None:
    video_id = approved(workshop)
    workshop.stop.set()
    with pytest.raises(Abandoned):
        attempt(workshop, "publish", video_id, 1)
    assert seen(workshop, video_id) == (VideoState.APPROVED, "")
    assert not workshop.settings.archive_folder("abc").exists()
    assert workshop.await_steps(0)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MediaError("Filen film.mp4 är tom."), "Filen film.mp4 är tom."),
        (UploadError("Kanalen finns inte."), "Kanalen finns inte."),
        (OSError(errno.ENOSPC, "No space left on device"), "Disken är full: frigör plats."),
        (RenderError("Invalid data"), "Filmen kunde inte bearbetas: Invalid data."),
        (RenderError("Disken är full: frigör plats."), "Disken är full: frigör plats."),
        (
            ValueError("secret"),
            "Ett fel i programmet stoppade videon (ValueError); hela felet står i loggen.",
        ),
    ],
)
def test_sentences(error: Exception, words: str) -> None:
    assert sentence(error) == words
