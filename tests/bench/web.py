"""How fast an MP4 leaves the house: our gunicorn against Debian's nginx, the same file, the same client, in turns.

`python -m tests.bench.web` prints a table. "whole": one `Range: bytes=0-` as a player asks at first; "pieces": ranges
of 1 MiB one after the other on one connection, where the cost of a request shows.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

from schedules.database import open_database
from schedules.models import Publication, Video
from schedules.packing import film_of
from schedules.settings import BodySettings, Settings
from schedules.states import PublicationState, VideoState
from tests.web.conftest import free_port, serving, settings_file, wait_for

MEGABYTE = 1024 * 1024
KEY = "bench"
ROUNDS = 7
NGINX = """
daemon off; master_process on; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.log; {user}
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; default_type video/mp4;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def run(megabytes: int = 512, rounds: int = ROUNDS) -> dict[str, float]:
    """MB/s of both (medians) and gunicorn's share of nginx, for the whole file and for pieces of 1 MiB."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        settings = Settings(
            data=folder / "data",
            bodies={"kf": BodySettings(name="Kommunfullmäktige", source="test", review="none")},
        )
        archive = settings.archive_folder(KEY)
        archive.mkdir(parents=True)
        film = archive / "video.mp4"
        with film.open("wb") as out:
            for _ in range(megabytes):
                out.write(os.urandom(MEGABYTE))
        _publish(settings, film)
        ours, theirs = free_port(), free_port()
        with (
            serving(settings_file(settings, ours), ours, folder / "web.log"),
            _nginx(folder, archive, theirs),
        ):
            return _measure(
                megabytes * MEGABYTE, rounds, (ours, f"/media/{KEY}/video.mp4"), (theirs, "/video.mp4")
            )


def _measure(size: int, rounds: int, ours: tuple[int, str], theirs: tuple[int, str]) -> dict[str, float]:
    seen: dict[str, list[float]] = {}
    for number, (kind, piece) in itertools.product(
        range(rounds + 1), (("whole", size), ("pieces", MEGABYTE))
    ):
        pair = [("gunicorn", ours), ("nginx", theirs)]
        for name, (port, path) in pair if number % 2 else reversed(pair):
            speed = _fetch(port, path, size, piece)
            if number:  # the first round warms everything
                seen.setdefault(f"{kind}_{name}", []).append(speed)
    result = {name: round(statistics.median(speeds)) for name, speeds in seen.items()}
    ratios = {
        f"{kind}_ratio": round(
            statistics.median(
                a / b for a, b in zip(seen[f"{kind}_gunicorn"], seen[f"{kind}_nginx"], strict=True)
            ),
            3,
        )
        for kind in ("whole", "pieces")
    }
    return {**result, **ratios}


def _fetch(port: int, path: str, size: int, piece: int) -> float:
    """MB/s over the whole file in ranges of `piece` bytes; every byte is counted."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    buffer = bytearray(MEGABYTE)
    got = 0
    begun = time.perf_counter()
    for start in range(0, size, piece):
        connection.request("GET", path, headers={"Range": f"bytes={start}-{start + piece - 1}"})
        answer = connection.getresponse()
        assert answer.status == 206, answer.status
        while read := answer.readinto(buffer):
            got += read
    seconds = time.perf_counter() - begun
    connection.close()
    assert got == size, (got, size)
    return size / MEGABYTE / seconds


def _publish(settings: Settings, film: Path) -> None:
    database = open_database(settings.database_url)
    database.migrate()
    now = datetime.now(UTC)
    with database.session() as session:
        video = Video(
            key=KEY,
            title="Prov",
            recorded_at=now,
            channel="archive",
            original=film,
            state=VideoState.PUBLISHED,
        )
        session.add(video)
        session.flush()
        video.publications.append(
            Publication(channel="archive", address=KEY, state=PublicationState.PUBLISHED, film=film_of(video))
        )
    database.close()


@contextlib.contextmanager
def _nginx(folder: Path, root: Path, port: int) -> Iterator[None]:
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(binary).is_file():
        sys.exit("nginx is not installed: apt-get install nginx")
    file = folder / "nginx.conf"
    # Started by root its workers would become www-data, which may not read here.
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(NGINX.format(folder=folder, root=root, port=port, user=user))
    process = subprocess.Popen([binary, "-c", str(file), "-e", str(folder / "nginx.log")])
    try:
        wait_for(lambda: _listens(port), 10)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def main() -> None:
    """Print what was measured."""
    found = run()
    for kind in ("whole", "pieces"):
        sys.stdout.write(
            f"{kind:7} gunicorn {found[f'{kind}_gunicorn']:6.0f} MB/s   nginx {found[f'{kind}_nginx']:6.0f} MB/s   "
            f"ratio {found[f'{kind}_ratio']:.2f}\n"
        )
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
