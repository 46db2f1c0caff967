"""The server process: it starts, stops at SIGTERM while somebody watches, and says why it cannot start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from schedules.settings import Settings
from tests.web.conftest import ROOT, Site, settings_file, wait_for
from web import server


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "web.server", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        cwd=ROOT,
        check=False,
    )


def test_it_stops_soon_though_somebody_watches(own_site: Site, tmp_path: Path) -> None:
    film = tmp_path / "long"
    with film.open("wb") as file:
        file.truncate(200_000_000)
    key = own_site.town.film(film).key
    with socket.create_connection(("127.0.0.1", own_site.port)) as viewer:
        viewer.sendall(f"GET /media/{key}/video.mp4 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert viewer.recv(12) == b"HTTP/1.1 200"
        begun = time.monotonic()
        own_site.process.send_signal(signal.SIGTERM)
        assert own_site.process.wait(10) == 0
        assert time.monotonic() - begun < 8
    assert "Traceback" not in own_site.log.read_text()


def test_a_worker_that_dies_is_replaced(site: Site) -> None:
    children = Path(f"/proc/{site.process.pid}/task/{site.process.pid}/children")
    wait_for(lambda: len(children.read_text().split()) == server.WORKERS, 8)
    before = {int(pid) for pid in children.read_text().split()}
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_for(
        lambda: (
            len(now := set(map(int, children.read_text().split()))) == server.WORKERS and victim not in now
        ),
        8,
    )


def test_a_taken_port_is_one_sentence(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        answer = run("--settings", str(settings_file(settings, port)))
    assert answer.returncode == 1
    assert f"127.0.0.1:{port} används redan av ett annat program" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_wrong_settings_are_said_and_not_thrown(tmp_path: Path) -> None:
    wrong = tmp_path / "laktare.toml"
    wrong.write_text('[site]\nport = "many"\n')
    with pytest.raises(SystemExit) as said:
        server.main(["--settings", str(wrong)])
    assert "site.port" in str(said.value.code)


def test_a_small_answer_does_not_wait_for_a_receipt(site: Site) -> None:
    connection = HTTPConnection("127.0.0.1", site.port, timeout=10)
    seconds = []
    for _ in range(20):
        begun = time.perf_counter()
        connection.request("GET", "/static/icon.svg")
        assert connection.getresponse().read()
        seconds.append(time.perf_counter() - begun)
    connection.close()
    # Nagle's algorithm against delayed acknowledgement takes 40 ms every time.
    assert min(seconds) < 0.03


def test_a_stalled_viewer_is_let_go_without_a_fuss(caplog: pytest.LogCaptureFixture) -> None:
    logs = server.Logs.__new__(server.Logs)
    with caplog.at_level("INFO"):
        try:
            raise TimeoutError
        except TimeoutError:
            logs.exception("Socket error processing request.")
    assert caplog.records == []
