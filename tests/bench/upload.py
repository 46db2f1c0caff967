"""How fast a film leaves for YouTube: our upload against one bare PUT of the same file with `requests`, in turns.

`python -m tests.bench.upload` prints the figures. Both send to the same stand-in, a process of its own, over HTTPS on
loopback; the delay comes before every answer there. Both are timed from the session to the last answer, so that ours
has the round trip of every chunk; another ratio counts in what comes before that, once: the checksum of the file, the
sign-on and the look for an earlier copy. The memory is the sending process's peak.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from tests.uploader.delivery import ACCOUNT, Ledger, client_for, make_package
from uploader.channels.youtube import YouTubeChannel
from uploader.pace import Pace
from uploader.package import Details

MEGABYTE = 1 << 20
DELAYS = (0, 50)  # ms
LEAST = 0.9


def run(
    megabytes: int = 512, rounds: int = 6, memory: tuple[int, int] = (64, 1024), folder: Path | None = None
) -> dict[str, Any]:
    """{"0 ms": {"bare MB/s", "ours MB/s", "ratio", …}, "50 ms": …, "peak memory": {"64 MB": MB, …}}, by medians."""
    with (
        tempfile.TemporaryDirectory(prefix="laktare-bench-", dir=folder) as place,
        _youtube(Path(place)) as order,
    ):
        result: dict[str, Any] = {}
        film = _film(Path(place), megabytes)
        for delay in DELAYS:
            _control(order, "faults.clear")
            if delay:
                late = {"where": "*", "kind": "slow", "seconds": delay / 1000, "times": 1_000_000}
                _control(order, "faults.add", **late)
            result[f"{delay} ms"] = _compare(order, film, megabytes, rounds)
        film.unlink()
        _control(order, "faults.clear")
        result["peak memory"] = {}
        for size in memory:
            film = _film(Path(place), size)
            result["peak memory"][f"{size} MB"] = round(_sent(order, "ours", film)["peak"])
            film.unlink()
        return result


def _compare(order: dict[str, Any], film: Path, megabytes: int, rounds: int) -> dict[str, float]:
    _sent(order, "bare", film)  # so that both find the file in the page cache
    pairs = []
    for number in range(rounds):
        turn = ("bare", "ours") if number % 2 else ("ours", "bare")  # the second one may find the disk busy
        sent = {who: _sent(order, who, film) for who in turn}
        pairs.append((sent["bare"], sent["ours"]))
    return {
        "bare MB/s": round(statistics.median(megabytes / bare["seconds"] for bare, _ in pairs)),
        "ours MB/s": round(statistics.median(megabytes / ours["seconds"] for _, ours in pairs)),
        "ratio": round(statistics.median(bare["seconds"] / ours["seconds"] for bare, ours in pairs), 2),
        "least": LEAST,
        "ratio with checksum and session": round(
            statistics.median(bare["seconds"] / ours["whole"] for bare, ours in pairs), 2
        ),
    }


@contextlib.contextmanager
def _youtube(folder: Path) -> Iterator[dict[str, Any]]:
    """The stand-in, and what a sender must know of it."""
    command: list[str | Path] = [
        sys.executable, "-m", "tests.standins.youtube", "--no-ingest",
        "--folder", folder / "youtube", "--account", ACCOUNT,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            order: dict[str, Any] = json.loads(process.stdout.readline())
            client = json.loads(Path(order["client_secrets"]).read_text())["installed"]
            order["files"] = str(folder / "youtube" / "files")
            _control(order, "set", any_file_is_a_film=True)
            order["sign_on"] = {
                "client_id": client["client_id"],
                "client_secret": client["client_secret"],
                "refresh_token": _control(order, "issue_token", name=ACCOUNT),
            }
            yield order
        finally:
            process.terminate()


def _control(order: dict[str, Any], name: str, /, **arguments: Any) -> Any:
    answer = requests.post(
        order["url"] + "_standin/call", json={"name": name, "arguments": arguments},
        verify=order["ca_file"], timeout=30,
    )  # fmt: skip
    answer.raise_for_status()
    return answer.json()["result"]


def _film(folder: Path, megabytes: int) -> Path:
    film = folder / f"{megabytes}.mp4"
    with film.open("wb") as out:
        for _ in range(megabytes):
            out.write(os.urandom(MEGABYTE))
    return film


def _sent(order: dict[str, Any], who: str, film: Path) -> dict[str, float]:
    """Send it from a new process: {"seconds", "peak" (MB)}."""
    command: list[str | Path] = [sys.executable, "-m", "tests.bench.upload", "--send", who, "--film", film]
    environment = {**os.environ, "REQUESTS_CA_BUNDLE": order["ca_file"]}
    told = subprocess.run(
        command, input=json.dumps(order), env=environment, text=True, capture_output=True, check=True
    ).stdout
    for file in Path(order["files"]).iterdir():
        file.unlink()  # or what arrived would fill the page cache, and the disk
    sent: dict[str, float] = json.loads(told)
    return sent


def _send(who: str, film: Path, order: dict[str, Any]) -> dict[str, float]:
    seconds, whole = _send_bare(order, film) if who == "bare" else _send_ours(order, film)
    return {"seconds": seconds, "whole": whole, "peak": _peak()}


def _peak() -> float:
    """MB. Not ru_maxrss: that begins with what the process had that started this one (getrusage(2))."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def _send_ours(order: dict[str, Any], film: Path) -> tuple[float, float]:
    """Seconds from the session to the video's id, and of the whole step."""
    details = Details(title="Fullmäktige", description="", marker=os.urandom(8).hex())
    channel = YouTubeChannel(client_for(order["url"], order["sign_on"]), details, Pace())
    ledger, begun = Ledger(), time.monotonic()
    opened: list[float] = []

    def watch(event: object) -> bool:
        if not opened and "session" in ledger.memory.get("upload", {}):
            opened.append(time.monotonic())
        return False

    ledger.take(channel, "upload", make_package(film), stop=watch)
    now = time.monotonic()
    assert ledger.address
    return now - opened[0], now - begun


def _send_bare(order: dict[str, Any], film: Path) -> tuple[float, float]:
    """Token, session and connection are there before the time is taken: only the PUT counts."""
    size = film.stat().st_size
    with requests.Session() as session, film.open("rb") as stream:
        asked = {**order["sign_on"], "grant_type": "refresh_token"}
        token = session.post(order["url"] + "token", data=asked, timeout=30).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        opened = session.post(
            order["url"] + "resumable/upload/youtube/v3/videos?uploadType=resumable&part=snippet",
            json={"snippet": {"title": "Fullmäktige"}}, headers={"X-Upload-Content-Type": "video/mp4"}, timeout=30,
        )  # fmt: skip
        whole = {"Content-Range": f"bytes 0-{size - 1}/{size}"}
        begun = time.monotonic()
        session.put(opened.headers["Location"], data=stream, headers=whole, timeout=600).raise_for_status()
        seconds = time.monotonic() - begun
        return seconds, seconds


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument(
        "--folder", type=Path, default=None, help="where there is room: twice the largest file"
    )
    parser.add_argument("--send", choices=["ours", "bare"], help=argparse.SUPPRESS)
    parser.add_argument("--film", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.send:
        result = _send(given.send, given.film, json.load(sys.stdin))
    else:
        result = run(given.megabytes, given.rounds, folder=given.folder)
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
