"""`laktare run` as it is typed: web, scheduler and worker, killed one at a time, and a meeting that does not notice."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from schedules.house import PORT_PATIENCE_SECONDS, port_fault
from schedules.launcher import is_running

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Run:
    """A running `laktare run` and what it logs, in a file."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.settings = folder / "laktare.toml"
        self.settings.write_text(f'data = "data"\n[site]\nport = {port}\n')
        self.log = folder / "run.log"
        self._words: IO[bytes] = self.log.open("ab")
        env = {**os.environ, "PYTHONPATH": str(ROOT), "LAKTARE_LOG": "json"}
        self.command = [sys.executable, "-m", "schedules.cli", "--settings", str(self.settings), "run"]
        self.process = subprocess.Popen(
            self.command, cwd=folder, env=env, stdout=self._words, stderr=self._words
        )

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def pid(self, part: str) -> int:
        started = [
            line["pid"] for line in self.lines() if line["event"] == "part started" and line["part"] == part
        ]
        return int(str(started[-1])) if started else 0

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2) as page:
                return bool(page.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def says(self, event: str, times: int = 1) -> Callable[[], bool]:
        return lambda: sum(line["event"] == event for line in self.lines()) >= times

    def wait(self, done: Callable[[], bool], seconds: float = 90) -> None:
        until = time.monotonic() + seconds
        while not done():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._words.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path, free_port())
    yield run
    run.close()


def test_each_part_killed_comes_back_and_sigterm_stops_all_in_time(house: Run) -> None:
    house.wait(
        lambda: house.answers() and house.says("scheduler started")() and house.says("worker started")()
    )
    before = {part: house.pid(part) for part in ("web", "scheduler", "worker")}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    house.wait(lambda: all(house.pid(part) != pid for part, pid in before.items()))
    house.wait(lambda: house.answers() and house.says("scheduler started", 2)())
    pids = [house.pid(part) for part in before]
    began = time.monotonic()
    house.process.send_signal(signal.SIGTERM)
    assert house.process.wait(15) == 0
    assert time.monotonic() - began < 10
    assert not any(is_running(pid) for pid in pids)


ONLY_WEB = """
import sys, threading
from pathlib import Path
from schedules.house import house_parts
from schedules.settings import load_settings
from schedules.supervisor import Supervisor
file = Path(sys.argv[1])
web = house_parts(load_settings(file), file)[0]
Supervisor([web], on_line=lambda part, line: None).run(threading.Event())
"""


def test_killed_itself_it_leaves_nobody_on_its_port(tmp_path: Path) -> None:
    port = free_port()
    file = tmp_path / "laktare.toml"
    file.write_text(f'data = "data"\n[site]\nport = {port}\n')
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    keeper = subprocess.Popen([sys.executable, "-c", ONLY_WEB, str(file)], env=env, cwd=tmp_path)
    until = time.monotonic() + 60
    while not port_fault("127.0.0.1", port) and time.monotonic() < until:
        time.sleep(0.05)
    assert port_fault("127.0.0.1", port)
    keeper.kill()
    keeper.wait()
    until = time.monotonic() + PORT_PATIENCE_SECONDS
    while port_fault("127.0.0.1", port) and time.monotonic() < until:
        time.sleep(0.05)
    assert not port_fault("127.0.0.1", port)
