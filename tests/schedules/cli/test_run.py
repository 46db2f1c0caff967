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


def test_each_part_killed_comes_back_and_so_does_the_house_itself(house: Run) -> None:
    house.wait(
        lambda: house.answers() and house.says("scheduler started")() and house.says("worker started")()
    )
    before = {part: house.pid(part) for part in ("web", "scheduler", "worker")}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    house.wait(lambda: all(house.pid(part) != pid for part, pid in before.items()))
    house.wait(lambda: house.answers() and house.says("scheduler started", 2)())
    house.close()  # kill -9: nothing it started may keep the port
    again = Run(house.settings.parent, house.port)
    try:
        again.wait(lambda: again.says("pages are served", 3)() and again.answers())
        pids = [again.pid(part) for part in before]
        began = time.monotonic()
        again.process.send_signal(signal.SIGTERM)
        assert again.process.wait(15) == 0
        assert time.monotonic() - began < 10
        assert not any(is_running(pid) for pid in pids)
    finally:
        again.close()
