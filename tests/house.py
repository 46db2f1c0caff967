"""A whole house for a test: its settings, its rows and, where wanted, its running processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schedules.commands import ask
from schedules.database import Database, open_database
from schedules.models import AgendaItem, Command, LiveProcess, Meeting, Video
from schedules.settings import Settings, load_settings
from schedules.states import CommandKind, VideoState
from tests.standins.ports import free_tcp_port

SETTINGS = """
data = "data"
[site]
name = "Provköping"
port = {port}
[picture]
width = 320
height = 180
video_kbit = 400
[live]
prepare_minutes = {prepare}
silence_ends_minutes = 0.08
farewell_seconds = 1
low_disk_gb = 0
[sources.camera]
kind = "{kind}"
address = "{address}"
[bodies.kf]
name = "Kommunfullmäktige"
source = "camera"
review = "none"
"""


class House:
    """The settings file, the database and the processes of one house in `folder`."""

    def __init__(
        self, folder: Path, address: str, *, kind: str = "srt", prepare: float = 0.05, more: str = ""
    ) -> None:
        """more: what else is to stand in the settings, right after the body's keys."""
        self.file = folder / "laktare.toml"
        self.port = free_tcp_port()
        text = SETTINGS.format(port=self.port, address=address, kind=kind, prepare=prepare)
        self.file.write_text(text + more)
        self.settings: Settings = load_settings(self.file)
        self.database: Database = open_database(self.settings.database_url)
        self.database.migrate()
        self.log = folder / "run.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def plan(self, *, starts_in: float = 1, lasts: float = 600) -> int:
        """A meeting with three agenda items; returns its number."""
        now, body = datetime.now(UTC), self.settings.bodies["kf"]
        with self.database.session() as session:
            meeting = Meeting(
                body="kf", title="Kommunfullmäktige", source="camera", platforms=list(body.platforms),
                channel="archive", also=list(body.also),
                planned_start=now + timedelta(seconds=starts_in),
                planned_end=now + timedelta(seconds=starts_in + lasts),
                agenda=[AgendaItem(position=n, title=f"Ärende {n}") for n in (1, 2, 3)],
            )  # fmt: skip
            session.add(meeting)
            session.flush()
            return meeting.id

    def start_live(self, meeting: int) -> subprocess.Popen[bytes]:
        """The live process alone, as the scheduler starts it."""
        command = [sys.executable, "-m", "schedules.live", str(meeting), "--settings", str(self.file)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)

    def start(self) -> None:
        """`laktare run`."""
        command = [sys.executable, "-m", "schedules.cli", "--settings", str(self.file), "run"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def until_open(self) -> None:
        """Wait until the pages answer and the scheduler's heart beats."""
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            with suppress(OSError), urllib.request.urlopen(f"{self.address}/status", timeout=5) as answer:
                if (self.settings.data / "run" / "scheduler.heartbeat").exists() and answer.status == 200:
                    return
            time.sleep(0.2)
        raise AssertionError(f"the house did not open: {self.log.read_text()[-2000:]}")

    def close(self) -> None:
        """Stop `laktare run` and whatever is still on air."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        for pid in self.live_pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + 20
        while self.live_pids() and time.monotonic() < until:
            time.sleep(0.1)
        self.database.close()

    def live_pids(self) -> list[int]:
        """The live processes that run for this house."""
        return [pid for pid, words in _processes() if "schedules.live" in words and str(self.file) in words]

    def pids(self, part: str) -> list[int]:
        """The processes of a part: run, web, scheduler, worker, live, capture, encoder or pusher."""
        mine = [(pid, words) for pid, words in _processes() if str(self.file) in words]
        if part == "live":
            return self.live_pids()
        if part in ("capture", "encoder", "pusher"):
            status = self.status()
            pushed = [link["pid"] for link in status.get("platforms", {}).values()]
            return pushed if part == "pusher" else [status[f"{part}_pid"]]
        marks = {"run": "run", "web": "web.server", "scheduler": "scheduler", "worker": "worker"}
        return [pid for pid, words in mine if marks[part] in words.split()]

    def status(self) -> dict[str, Any]:
        """What the newest live process reported last."""
        with self.database.session() as session:
            row = session.query(LiveProcess).order_by(LiveProcess.heartbeat_at.desc()).first()
            return row.status if row else {}

    def beats(self) -> bool:
        """Whether a live process has reported within the last three seconds."""
        with self.database.session() as session:
            row = session.query(LiveProcess).order_by(LiveProcess.heartbeat_at.desc()).first()
            return row is not None and datetime.now(UTC) - row.heartbeat_at < timedelta(seconds=3)

    def until(self, done: Callable[[Meeting], bool], meeting: int, seconds: float = 20) -> None:
        """Wait until the meeting's row is as wanted."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            with self.database.session() as session:
                if done(session.get_one(Meeting, meeting)):
                    return
            time.sleep(0.1)
        with self.database.session() as session:
            row = session.get_one(Meeting, meeting)
            seen = [(o.kind, o.detail) for o in row.observations]
            log = self.log.read_text()[-3000:] if self.log.exists() else ""
            raise AssertionError(f"not within {seconds} s: {row.state}, {row.phase}, {seen}\n{log}")

    def order(self, meeting: int, kind: CommandKind, argument: str = "") -> float:
        """Ask, wait until the effect was observed, and return the seconds between."""
        with self.database.session() as session:
            number = ask(session, meeting, kind, argument, "test", datetime.now(UTC)).id
        limit = time.monotonic() + 15
        while time.monotonic() < limit:
            with self.database.session() as session:
                command = session.get_one(Command, number)
                assert command.refusal == ""
                if command.observed_at is not None:
                    return (command.observed_at - command.asked_at).total_seconds()
            time.sleep(0.05)
        raise AssertionError(f"{kind} was never observed")

    def mark(self, meeting: int, position: int) -> None:
        """Mark that an agenda item begins."""
        with self.database.session() as session:
            item = session.get_one(Meeting, meeting).agenda[position - 1].id
        self.order(meeting, CommandKind.MARK, str(item))


def published(meeting: Meeting) -> bool:
    """Whether the meeting's film stands in the archive."""
    return meeting.video is not None and meeting.video.state is VideoState.PUBLISHED


def video_of(house: House, meeting: int) -> Video:
    """The meeting's film."""
    with house.database.session() as session:
        video = session.get_one(Meeting, meeting).video
        assert video is not None
        return video


def _processes() -> list[tuple[int, str]]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if words:  # a zombie has none
                    found.append((int(entry.name), words))
    return found
