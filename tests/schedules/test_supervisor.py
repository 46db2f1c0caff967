"""The supervisor with real processes: killed, hung, stubborn, and itself killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schedules.launcher import is_running
from schedules.supervisor import Part, Supervisor

ROOT = Path(__file__).parents[2]
SLEEP = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(300)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(300)",
)


class Desk:
    """A supervisor with its memory of lines and troubles, stepped by the test."""

    def __init__(self, *parts: Part) -> None:
        self.lines: list[tuple[str, str]] = []
        self.troubles: list[tuple[str, bool]] = []
        self.skipped = 0.0
        self.supervisor = Supervisor(
            parts,
            on_line=lambda part, line: self.lines.append((part, line)),
            on_trouble=lambda part, dying: self.troubles.append((part, dying)),
            clock=lambda: time.monotonic() + self.skipped,
        )

    def until(self, done: Callable[[], bool], seconds: float = 10) -> None:
        limit = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < limit, "it did not happen"
            self.supervisor.step()
            time.sleep(0.02)

    def until_new_pid(self, name: str, old: int) -> None:
        self.until(lambda: self.supervisor.pids().get(name, old) != old)

    def until_said_and_gone(self, lines: int) -> None:
        self.until(lambda: len(self.lines) >= lines and not self.supervisor.pids())


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Desk]]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made: list[Desk] = []

    def make(*parts: Part) -> Desk:
        made.append(Desk(*parts))
        return made[-1]

    yield make
    for one in made:
        one.supervisor.stop(within=0)


def test_each_killed_part_comes_back_with_a_new_pid_and_the_others_stay(desk: Callable[..., Desk]) -> None:
    names = ("web", "scheduler", "worker")
    house = desk(*(Part(name=name, command=SLEEP) for name in names))
    house.until(lambda: {part for part, line in house.lines if line == "up"} == set(names))
    for name in names:
        before = house.supervisor.pids()
        os.kill(before[name], signal.SIGKILL)
        house.until_new_pid(name, before[name])
        after = house.supervisor.pids()
        assert is_running(after[name])
        assert {n: p for n, p in after.items() if n != name} == {n: p for n, p in before.items() if n != name}


def test_what_a_killed_part_leaves_in_its_group_is_ended_but_not_what_left_the_group(
    desk: Callable[..., Desk], tmp_path: Path
) -> None:
    script = (
        "import subprocess, time\n"
        "a = subprocess.Popen(['sleep', '300'])\n"
        "b = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        "print(a.pid, b.pid, flush=True)\ntime.sleep(300)\n"
    )
    house = desk(Part(name="web", command=(sys.executable, "-c", script)))
    house.until(lambda: bool(house.lines))
    orphan, live = map(int, house.lines[0][1].split())
    os.kill(house.supervisor.pids()["web"], signal.SIGKILL)
    house.until(lambda: not is_running(orphan))
    assert is_running(live)
    os.kill(live, signal.SIGKILL)


def test_a_part_that_keeps_dying_is_slowed_down_and_told_of_once(desk: Callable[..., Desk]) -> None:
    house = desk(Part(name="web", command=(sys.executable, "-c", "print('port taken')")))
    deaths: list[float] = []
    for _ in range(5):
        count = len(house.lines)
        house.until_said_and_gone(count + 1)
        deaths.append(house.skipped)
        house.skipped += 20  # past any wait so far
    assert house.troubles == [("web", True)]
    house.skipped -= 19.5  # the wait after the fifth death is 16 s, so at half a second nothing happens
    house.supervisor.step()
    assert house.supervisor.pids() == {}


def test_a_part_that_does_not_touch_its_heartbeat_is_killed_and_started_again(
    desk: Callable[..., Desk], tmp_path: Path
) -> None:
    beat = tmp_path / "heartbeat"
    house = desk(Part(name="scheduler", command=SLEEP, heartbeat=beat))
    house.until(lambda: bool(house.lines))
    first = house.supervisor.pids()["scheduler"]
    house.skipped += 29
    beat.touch()
    house.supervisor.step()
    house.skipped += 29
    house.supervisor.step()
    assert house.supervisor.pids() == {"scheduler": first}
    house.skipped += 2
    house.until(lambda: house.supervisor.pids().get("scheduler", first) != first)
    assert not is_running(first)


def test_stop_ends_everything_in_time_even_what_does_not_listen(desk: Callable[..., Desk]) -> None:
    house = desk(Part(name="web", command=SLEEP), Part(name="worker", command=STUBBORN))
    house.until(lambda: len(house.lines) == 2)
    pids = house.supervisor.pids()
    began = time.monotonic()
    house.supervisor.stop(within=1)
    assert time.monotonic() - began < 3
    assert not any(is_running(pid) for pid in pids.values())


def test_a_command_that_is_not_there_is_tried_again_and_not_fatal(desk: Callable[..., Desk]) -> None:
    house = desk(Part(name="web", command=("/finns/inte",)), Part(name="worker", command=SLEEP))
    house.until(lambda: ("worker", "up") in house.lines)
    house.until(lambda: any("No such file" in line for _, line in house.lines))


KILLED = """
import sys, threading
from schedules.logs import configure_logs
from schedules.supervisor import Part, Supervisor
sleep = (sys.executable, "-c", "import time; time.sleep(300)")
away = (sys.executable, "-c", "import subprocess, time; "
        "print(subprocess.Popen(['sleep', '300'], start_new_session=True).pid, flush=True); time.sleep(300)")
configure_logs()
supervisor = Supervisor([Part(name="web", command=sleep), Part(name="scheduler", command=away)],
                        on_line=lambda part, line: print(*supervisor.pids().values(), line, flush=True))
supervisor.run(threading.Event())
"""


def test_a_killed_supervisor_leaves_no_part_behind_but_the_live_process(desk: Callable[..., Desk]) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    *parts, live = map(int, supervisor.stdout.readline().split())
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    until = time.monotonic() + 5
    while any(is_running(pid) for pid in parts) and time.monotonic() < until:
        time.sleep(0.02)
    assert len(parts) == 2
    assert not any(is_running(pid) for pid in parts)
    assert is_running(live)
    os.kill(live, signal.SIGKILL)


def test_run_stops_at_its_event(desk: Callable[..., Desk]) -> None:
    house, stop = desk(Part(name="web", command=SLEEP)), threading.Event()
    runner = threading.Thread(target=house.supervisor.run, args=(stop,))
    runner.start()
    while not house.lines:
        time.sleep(0.02)
    (pid,) = house.supervisor.pids().values()
    stop.set()
    runner.join(5)
    assert not runner.is_alive()
    assert not is_running(pid)
