"""A worker of its own process that writes down every step it takes and can be made to stand still in the middle of one.

`python -m tests.standins.worker '{"settings": {…}, "diary": "FILE", "stall_at": "render"}'`. It does the real work at
its own pace; only the pause is ours, since the steps of a short film are too quick to be killed in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedules.database import open_database
from schedules.settings import Settings
from schedules.worker import run_worker
from schedules.workshop import Result, Workshop


@dataclass(kw_only=True)
class WatchedWorkshop(Workshop):
    """Keeps a diary: a line "step video pid" for each step begun, "stalled" where it stands still."""

    diary: Path
    stall_at: str = ""

    def watch(
        self, video_id: int, step: str, events: Iterator[Any], result: type[Result], **options: Any
    ) -> Result:
        self._note(f"{step} {video_id} {os.getpid()}")
        return super().watch(video_id, step, self._stalling(step, events), result, **options)

    def _stalling(self, step: str, events: Iterator[Any]) -> Iterator[Any]:
        with closing(events) as stream:  # type: ignore[type-var]
            for event in stream:
                yield event
                if step == self.stall_at:
                    self._note("stalled")
                    self.stop.wait(600)

    def _note(self, line: str) -> None:
        with self.diary.open("a") as diary:
            diary.write(line + "\n")


def start_worker(settings: Settings, diary: Path, stall_at: str = "") -> subprocess.Popen[bytes]:
    """Start a worker process; `stall_at`: the step in which it stands still after its first sign of progress."""
    order = {
        "settings": {
            "data": str(settings.data),
            "database": settings.database.get_secret_value(),
            "workflows": settings.workflows.get_secret_value(),
        },
        "diary": str(diary),
        "stall_at": stall_at,
    }
    return subprocess.Popen([sys.executable, "-m", "tests.standins.worker", json.dumps(order)])


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Return when `true`; fail the test when it is not within `seconds`."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.05)


def main() -> None:
    """Be that worker."""
    order = json.loads(sys.argv[1])
    settings = Settings(**order["settings"])
    database = open_database(settings.database_url)
    run_worker(
        settings,
        database,
        WatchedWorkshop(
            settings=settings, database=database, diary=Path(order["diary"]), stall_at=order["stall_at"]
        ),
    )


if __name__ == "__main__":
    main()
