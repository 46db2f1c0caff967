"""Meetings and films as the public may meet them, a real film, and the pages as a client or a server."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from schedules.database import Database, open_database
from schedules.models import AgendaItem, LiveProcess, Meeting, Publication, Video
from schedules.packing import film_of
from schedules.settings import BodySettings, Settings
from schedules.states import Audience, MeetingState, Phase, PublicationState, VideoState
from web import create_app

NOW = datetime(2026, 10, 28, 17, 30, tzinfo=UTC)  # 18.30 in Stockholm, four days after the clocks went back
_numbers = itertools.count(1)
ROOT = Path(__file__).parents[2]


@dataclass
class Town:
    """Writes what the scheduler, the live process and the pipeline would write."""

    settings: Settings
    database: Database
    now: datetime = NOW

    def meeting(
        self, title: str = "Kommunfullmäktige", *, agenda: tuple[str, ...] = (), **columns: Any
    ) -> int:
        """A meeting planned for 18–21 local time unless told otherwise; returns its id."""
        start = columns.pop("planned_start", self.now - timedelta(minutes=30))
        with self.database.session() as session:
            meeting = Meeting(
                body="kf",
                title=title,
                planned_start=start,
                planned_end=columns.pop("planned_end", start + timedelta(hours=3)),
                source="test",
                platforms=["local"],
                channel="archive",
                **columns,
            )
            meeting.agenda = [AgendaItem(position=n, title=t) for n, t in enumerate(agenda, 1)]
            session.add(meeting)
            session.flush()
            return meeting.id

    def change(self, meeting_id: int, **columns: Any) -> None:
        """Set columns of a meeting."""
        with self.database.session() as session:
            meeting = session.get_one(Meeting, meeting_id)
            for name, value in columns.items():
                setattr(meeting, name, value)

    def mark(self, meeting_id: int, position: int, at: datetime) -> None:
        """An agenda item was seen to begin."""
        with self.database.session() as session:
            session.get_one(Meeting, meeting_id).agenda[position - 1].marked_at = at

    def live(self, title: str = "Kommunfullmäktige", *, phase: Phase = Phase.OPEN, **columns: Any) -> int:
        """A meeting on air since its planned start, two minutes late."""
        began = self.now - timedelta(minutes=28)
        return self.meeting(
            title, state=MeetingState.LIVE, phase=phase, on_air_at=began, began_at=began, **columns
        )

    def heartbeat(self, meeting_id: int, at: datetime) -> None:
        """The live process was heard of."""
        with self.database.session() as session:
            session.merge(
                LiveProcess(
                    meeting_id=meeting_id, host="here", pid=1, started_at=at, heartbeat_at=at, status={}
                )
            )

    def over(self, title: str = "Kommunfullmäktige", **columns: Any) -> int:
        """A meeting whose gavel fell an hour ago."""
        start = self.now - timedelta(hours=4)
        return self.meeting(
            title,
            planned_start=start,
            state=MeetingState.ENDED,
            phase=Phase.OVER,
            began_at=start + timedelta(minutes=1),
            ended_at=self.now - timedelta(hours=1),
            **columns,
        )

    def film(self, file: Path | None = None, *, title: str = "Så sorterar du", **columns: Any) -> Video:
        """A published film (or in the state told), with its files in the archive when `file` is given."""
        number = next(_numbers)
        state = columns.pop("state", VideoState.PUBLISHED)
        reason = columns.pop("withdraw_reason", "")
        video = Video(
            key=f"{number:04}k3y",
            title=title,
            recorded_at=columns.pop("recorded_at", self.now - timedelta(days=number)),
            channel="archive",
            original=Path("/nowhere"),
            state=state,
            duration=columns.pop("duration", 20.0),
            published_at=self.now,
            **columns,
        )
        with self.database.session() as session:
            session.add(video)
            session.flush()
            if state in (VideoState.PUBLISHED, VideoState.WITHDRAWN):
                video.publications = [self._publication(video, reason)]
        if file is not None:
            folder = self.settings.archive_folder(video.key)
            folder.mkdir(parents=True)
            (folder / "video.mp4").hardlink_to(file)
        return video

    def change_film(self, video: Video, state: VideoState) -> None:
        """Move a film to another state."""
        with self.database.session() as session:
            changed = session.get_one(Video, video.id)
            changed.state = state
            for publication in changed.publications:
                publication.state = PublicationState(state.value)

    def _publication(self, video: Video, reason: str) -> Publication:
        withdrawn = video.state == VideoState.WITHDRAWN
        return Publication(
            channel="archive",
            address=video.key,
            state=PublicationState.WITHDRAWN if withdrawn else PublicationState.PUBLISHED,
            film=film_of(video),
            published_at=self.now,
            withdrawn_at=self.now if withdrawn else None,
            withdraw_reason=reason,
        )


@pytest.fixture
def town(settings: Settings, sqlite_database: Database) -> Town:
    """A calendar to fill."""
    return Town(settings, sqlite_database)


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    """The pages, at half past six in the evening of 28 October 2026."""
    return create_app(settings, sqlite_database, clock=lambda: NOW)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor without a browser."""
    return app.test_client()


@pytest.fixture(scope="session")
def short_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of moving picture and a tone, H.264 and AAC, index first."""
    path = tmp_path_factory.mktemp("film") / "video.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=20",
         "-f", "lavfi", "-i", "sine=frequency=440:d=20", "-c:v", "libx264", "-preset", "ultrafast", "-g", "50",
         "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2", "-movflags", "+faststart", str(path)],
        check=True,
    )  # fmt: skip
    return path


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def settings_file(settings: Settings, port: int) -> Path:
    """The settings as the server process reads them."""
    path = settings.data.parent / "laktare.toml"
    path.write_text(
        f"""
data = "{settings.data}"
[site]
municipality = "Provköping"
port = {port}
[bodies.kf]
name = "Kommunfullmäktige"
source = "test"
review = "none"
""",
        encoding="utf-8",
    )
    return path


@contextlib.contextmanager
def serving(file: Path, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m web.server` on `port`, stopped by SIGTERM at the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "web.server", "--settings", str(file)],
            stdout=out,
            stderr=out,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        )
    try:
        wait_for(lambda: _answers(port) or process.poll() is not None, 15)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def wait_for(happened: Callable[[], bool], seconds: float) -> None:
    """Wait until something has happened."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@dataclass(frozen=True)
class Site:
    """The pages under gunicorn, and the calendar behind them at the present time of day."""

    address: str
    port: int
    town: Town
    process: subprocess.Popen[bytes]
    log: Path


@pytest.fixture
def own_site(settings: Settings, sqlite_database: Database, tmp_path: Path) -> Iterator[Site]:
    """A real server on a free port of loopback, to be treated badly."""
    with _site(settings, sqlite_database, tmp_path) as site:
        yield site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Site]:
    """A real server on a free port of loopback, shared by the tests that treat it well."""
    folder = tmp_path_factory.mktemp("site")
    settings = Settings(
        data=folder / "data",
        bodies={"kf": BodySettings(name="Kommunfullmäktige", source="test", review="none")},
    )
    settings.data.mkdir()
    shutil.copyfile(migrated_sqlite, settings.data / "laktare.db")
    database = open_database(settings.database_url)
    with _site(settings, database, folder) as site:
        yield site
    database.close()


@contextlib.contextmanager
def _site(settings: Settings, database: Database, folder: Path) -> Iterator[Site]:
    port = free_port()
    log = folder / "web.log"
    with serving(settings_file(settings, port), port, log) as process:
        yield Site(
            f"http://127.0.0.1:{port}", port, Town(settings, database, datetime.now(UTC)), process, log
        )


__all__ = ["NOW", "Audience", "Site", "Town"]
