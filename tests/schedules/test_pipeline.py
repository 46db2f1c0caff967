"""From a file to the archive by the real workflows, through kill -9, two workers and full disks."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from schedules import decisions, pipeline
from schedules.alarms.raising import open_alarms
from schedules.database import Database, open_database
from schedules.intake import Wish, take_in
from schedules.models import AuditEntry, Publication, Video
from schedules.settings import Settings
from schedules.slots import worker_runs
from schedules.states import PublicationState, VideoState
from schedules.worker import Worker
from tests.standins.films import make_film
from tests.standins.worker import WatchedWorkshop, start_worker, wait_until
from tests.standins.youtube import YouTube

NOW = datetime(2026, 9, 30, 20, tzinfo=UTC)
BUSY = (VideoState.PROCESSING, VideoState.APPROVED)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("films") / "Fullmäktige 30 september.mp4", seconds=5)


@pytest.fixture(scope="session")
def new_workflows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workflows' file as it is after the first start of a worker, which takes DBOS a second."""
    settings = Settings(data=tmp_path_factory.mktemp("workflows"))
    database = open_database(settings.database_url)
    database.migrate()
    with Worker(settings, database):
        pass
    database.close()
    return settings.data / "workflows.db"


@pytest.fixture
def house(settings: Settings, sqlite_database: Database, new_workflows: Path) -> Settings:
    """A house on SQLite whose worker has run before."""
    shutil.copyfile(new_workflows, settings.data / "workflows.db")
    return settings


def hand_in(settings: Settings, database: Database, film: Path, *, review: bool = False) -> int:
    *_, video = take_in(settings, database, film, Wish(body="kf", review=review), who="clerk", now=NOW)
    assert isinstance(video, Video)
    return video.id


def row(database: Database, video_id: int) -> Video:
    with database.session() as session:
        return session.get_one(Video, video_id)


def work(settings: Settings, database: Database, video_id: int) -> Video:
    """Be the worker until the video goes no further by itself."""
    with Worker(settings, database) as worker:
        worker.work(lambda: row(database, video_id).state not in BUSY)
    return row(database, video_id)


def abandon_in(settings: Settings, database: Database, diary: Path, step: str) -> None:
    """Be a worker that is stopped in the middle of `step`; its workflow stays written down as running."""
    workshop = WatchedWorkshop(settings=settings, database=database, diary=diary, stall_at=step)
    with Worker(settings, database, workshop) as worker:
        worker.work(lambda: diary.exists() and "stalled" in diary.read_text())
        workshop.stop.set()
        assert workshop.await_steps(5)


def plays(file: Path) -> float:
    """The seconds of picture and sound that can really be decoded."""
    with av.open(str(file)) as media:
        frames = sum(1 for _ in media.decode(video=0))
    with av.open(str(file)) as media:
        samples = sum(frame.samples for frame in media.decode(audio=0))
    assert abs(frames / 25 - samples / 48000) < 0.2
    return frames / 25


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def small_disk(settings: Settings) -> Iterator[Path]:
    """The work folder on a disk of 256 kB."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = settings.data / "work"
    disk.mkdir(parents=True)
    if (
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=False).returncode
        != 0
    ):
        pytest.skip("this machine lets nobody mount")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_the_whole_way(database_settings: Settings, database: Database, film: Path) -> None:
    url = database_settings.database_url
    if url.startswith("postgresql"):
        database_settings = database_settings.model_copy(update={"workflows": SecretStr(url)})
    video_id = hand_in(database_settings, database, film)
    video = work(database_settings, database, video_id)
    assert (video.state, video.error) == (VideoState.PUBLISHED, "")
    assert video.duration == pytest.approx(5, abs=0.1)
    assert (video.width, video.height, len(video.checksum)) == (320, 180, 64)
    place = database_settings.archive_folder(video.key)
    assert plays(place / "video.mp4") == pytest.approx(5, abs=0.1)
    assert {"video.mp4", "poster.jpg", "metadata.json"} <= files(place)
    with database.session() as session:
        (publication,) = session.scalars(select(Publication)).all()
        assert (publication.address, publication.channel) == (video.key, "archive")
        said = session.scalars(select(AuditEntry.what).order_by(AuditEntry.id)).all()
        assert said == ["video.created", "video.approved", "video.published"]
    assert not worker_runs(database_settings)


def test_review_waits_for_a_person(house: Settings, sqlite_database: Database, film: Path) -> None:
    video_id = hand_in(house, sqlite_database, film, review=True)
    video = work(house, sqlite_database, video_id)
    assert video.state is VideoState.REVIEW
    assert not house.archive_folder(video.key).exists()
    with sqlite_database.session() as session:
        assert [alarm.kind for alarm in open_alarms(session)] == ["review_waiting"]
        decisions.approve(session, session.get_one(Video, video_id), who="clerk", now=NOW)
    assert work(house, sqlite_database, video_id).state is VideoState.PUBLISHED
    assert plays(house.archive_folder(video.key) / "video.mp4") == pytest.approx(5, abs=0.1)
    with sqlite_database.session() as session:
        assert open_alarms(session) == []


def test_killed_in_every_step(house: Settings, sqlite_database: Database, film: Path, tmp_path: Path) -> None:
    """kill -9 in verify, in render, in pictures and in publish: each time the next worker goes on from there."""
    video_id = hand_in(house, sqlite_database, film)
    key = row(sqlite_database, video_id).key
    diary = tmp_path / "diary"
    for turn, step in enumerate(("verify", "render", "pictures", "publish"), start=1):
        worker = start_worker(house, diary, stall_at=step)
        try:
            wait_until(lambda: diary.exists() and diary.read_text().count("stalled") == turn)  # noqa: B023
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        assert not (house.archive_folder(key)).exists()
    assert work(house, sqlite_database, video_id).state is VideoState.PUBLISHED
    begun = Counter(line.split()[0] for line in diary.read_text().splitlines())
    # The killed try and the next worker's; the last publication was ours, in this process.
    assert begun == {"verify": 2, "render": 2, "pictures": 2, "publish": 1, "stalled": 4}
    with sqlite_database.session() as session:
        assert len(session.scalars(select(Publication)).all()) == 1
    archive, here = house.data / "archive", house.archive_folder(key)
    assert plays(here / "video.mp4") == pytest.approx(5, abs=0.1)
    assert [entry.name for entry in archive.iterdir()] == [key]
    assert not [name for name in files(house.data / "work") if "/." in name]


@pytest.mark.postgres
def test_two_workers_share_and_inherit(
    settings: Settings, new_postgres_url: Callable[[str], str], film: Path, tmp_path: Path
) -> None:
    """Two workers on one PostgreSQL: no step is taken twice, and the survivor takes over from the killed one."""
    url = SecretStr(new_postgres_url("migrated"))
    settings = settings.model_copy(update={"database": url, "workflows": url})
    database = open_database(settings.database_url)
    ids = [hand_in(settings, database, film) for _ in range(3)]
    diary = tmp_path / "diary"
    doomed = start_worker(settings, diary, stall_at="render")
    wait_until(lambda: diary.exists() and "stalled" in diary.read_text())
    survivor = start_worker(settings, diary)
    try:
        wait_until(lambda: sum(row(database, id_).state is VideoState.PUBLISHED for id_ in ids) == 2, 40)
        assert diary.read_text().count("render") == 3
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()
        wait_until(lambda: all(row(database, id_).state is VideoState.PUBLISHED for id_ in ids), 30)
    finally:
        doomed.kill()
        survivor.send_signal(signal.SIGTERM)
        assert survivor.wait(5) == 0
    steps = Counter(tuple(line.split()[:2]) for line in diary.read_text().splitlines() if line != "stalled")
    again = [step for step, times in steps.items() if times > 1]
    assert len(steps) == 12
    assert [(step, steps[step]) for step in again] == [(again[0], 2)]
    assert again[0][0] == "render"
    database.close()


def test_sigterm_in_the_middle_of_a_step(
    house: Settings, sqlite_database: Database, film: Path, tmp_path: Path
) -> None:
    video_id = hand_in(house, sqlite_database, film)
    diary = tmp_path / "diary"
    worker = start_worker(house, diary, stall_at="render")
    wait_until(lambda: diary.exists() and "stalled" in diary.read_text())
    assert worker_runs(house)
    assert os.getpriority(os.PRIO_PROCESS, worker.pid) > os.getpriority(os.PRIO_PROCESS, 0)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(5) == 0
    assert row(sqlite_database, video_id).state is VideoState.PROCESSING
    assert work(house, sqlite_database, video_id).state is VideoState.PUBLISHED


def test_full_disk_is_told_and_can_be_retried(
    house: Settings, sqlite_database: Database, film: Path, small_disk: Path
) -> None:
    video_id = hand_in(house, sqlite_database, film)
    video = work(house, sqlite_database, video_id)
    assert video.state is VideoState.FAILED
    assert "disken är full" in video.error.lower()
    assert files(small_disk) == set()
    with sqlite_database.session() as session:
        (alarm,) = open_alarms(session)
        assert (alarm.kind, alarm.subject) == ("pipeline_failed", f"video {video_id}")
        assert f"laktare video retry {video_id}" in alarm.message
    subprocess.run(["mount", "-o", "remount,size=50m", small_disk], check=True)
    with sqlite_database.session() as session:
        decisions.retry(session, session.get_one(Video, video_id), who="clerk", now=NOW)
    video = work(house, sqlite_database, video_id)
    assert (video.state, video.error) == (VideoState.PUBLISHED, "")
    assert plays(house.archive_folder(video.key) / "video.mp4") == pytest.approx(5, abs=0.1)


def test_a_lost_original_is_one_sentence(house: Settings, sqlite_database: Database, film: Path) -> None:
    video_id = hand_in(house, sqlite_database, film)
    shutil.rmtree(house.data / "originals")
    video = work(house, sqlite_database, video_id)
    assert video.state is VideoState.FAILED
    assert video.error.count(".") >= 1
    assert "Traceback" not in video.error


def test_workflows_that_are_lost_are_made_anew(
    house: Settings, sqlite_database: Database, film: Path, tmp_path: Path
) -> None:
    """The videos table is the truth: without the pipeline's own tables nothing is lost but the way already gone."""
    video_id = hand_in(house, sqlite_database, film)
    abandon_in(house, sqlite_database, tmp_path / "diary", "render")
    for file in house.data.glob("workflows.db*"):
        file.unlink()
    assert work(house, sqlite_database, video_id).state is VideoState.PUBLISHED


def test_a_video_that_brings_the_worker_down_is_given_up(
    house: Settings, sqlite_database: Database, film: Path, tmp_path: Path
) -> None:
    video_id = hand_in(house, sqlite_database, film)
    abandon_in(house, sqlite_database, tmp_path / "diary", "verify")
    # As after ten deaths; dying ten times would take the test a minute.
    with sqlite3.connect(house.data / "workflows.db") as workflows:
        changed = workflows.execute("UPDATE workflow_status SET recovery_attempts = 99")
        assert changed.rowcount == 1
    video = work(house, sqlite_database, video_id)
    assert video.state is VideoState.FAILED
    assert "10 gånger" in video.error
    with sqlite_database.session() as session:
        decisions.retry(session, session.get_one(Video, video_id), who="clerk", now=NOW)
    assert work(house, sqlite_database, video_id).state is VideoState.PUBLISHED


def test_a_film_that_waits_for_youtube_can_be_taken_down_meanwhile(
    connected: Settings, youtube: YouTube, sqlite_database: Database, film: Path, new_workflows: Path
) -> None:
    """Its upload sleeps until tomorrow; the withdrawal must not."""
    shutil.copyfile(new_workflows, connected.data / "workflows.db")
    youtube.faults.add("youtube.videos.insert*", status=400, reason="uploadLimitExceeded")
    wish = Wish(body="kf", review=False, also=("youtube",))
    *_, video = take_in(connected, sqlite_database, film, wish, who="clerk", now=NOW)
    assert isinstance(video, Video)

    def there() -> Publication | None:
        with sqlite_database.session() as session:
            return session.scalar(select(Publication).where(Publication.channel == "youtube"))

    with Worker(connected, sqlite_database) as worker:
        worker.work(lambda: (p := there()) is not None and p.error != "")
        assert row(sqlite_database, video.id).state is VideoState.PUBLISHED  # here it stands meanwhile
        with sqlite_database.session() as session:
            known = session.get_one(Video, video.id)
            decisions.withdraw(session, connected, known, reason="Fel film", who="eva", now=NOW)
        worker.work(lambda: (p := there()) is not None and p.state is PublicationState.WITHDRAWN)
    assert youtube.videos == {}


def test_what_ended_long_ago_is_forgotten(house: Settings, sqlite_database: Database, film: Path) -> None:
    video_id = hand_in(house, sqlite_database, film)
    with Worker(house, sqlite_database) as worker:
        worker.work(lambda: row(sqlite_database, video_id).state not in BUSY)
        until = datetime.now(UTC) + timedelta(seconds=20)
        while pipeline.unfinished() and datetime.now(UTC) < until:
            worker.look()
        assert pipeline.forget(datetime.now(UTC) - timedelta(days=1)) == 0
        assert pipeline.forget(datetime.now(UTC) + timedelta(seconds=1)) == 2
        assert pipeline.forget(datetime.now(UTC) + timedelta(seconds=1)) == 0
