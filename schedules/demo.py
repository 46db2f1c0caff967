"""A throw-away house for `laktare demo`: its folder, its settings, its parts running under the usual supervisor."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol
from urllib.parse import urlsplit

from schedules.database import Database
from schedules.house import House, HouseError, house_parts, pass_on, port_fault
from schedules.launcher import LOCK_NAME, is_running
from schedules.locks import is_held
from schedules.settings import Settings, load_settings
from schedules.supervisor import Supervisor

BODY = "kf-demo"
FIRST_PORT, LAST_PORT = 8080, 8099
OFF_AIR_SECONDS = 15.0
HOST = "127.0.0.1"
KINDS = {"rtsp": "rtsp", "rtsps": "rtsp", "rtmp": "rtmp", "rtmps": "rtmp", "srt": "srt"}  # scheme → kind


class DemoError(RuntimeError):
    """The demo cannot go on. The message is one Swedish sentence."""


class DemoElsewhere(Protocol):
    """Another service that the demo sends to, such as demo_youtube.DemoYouTube."""

    def settings_lines(self) -> list[str]:
        """What is to stand at the end of the demo's settings, right after its body's table."""

    def connect(self, settings: Settings, database: Database) -> None:
        """Connect the demo's account there. Raises DemoError."""

    def close(self) -> None:
        """End it."""


def choose_port(wanted: int | None) -> int:
    """`wanted`, 0 for any free one; None for 8080 or the next free one. Raises DemoError."""
    if wanted:
        if port_fault(HOST, wanted):
            raise DemoError(
                f"Porten {wanted} är upptagen: välj en annan med --port, eller --port 0 för en ledig."
            )
        return wanted
    if wanted is None:
        for port in range(FIRST_PORT, LAST_PORT + 1):
            if not port_fault(HOST, port):
                return port
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    return int(port)


def source_table(source: str | None) -> dict[str, str]:
    """The settings of the source that `--source` names. Raises DemoError."""
    if source is None:
        return {"kind": "test"}
    kind = urlsplit(source).scheme if "://" in source else ""
    if kind in KINDS:
        return {"kind": KINDS[kind], "address": source}
    if "://" in source:
        raise DemoError("--source tar en fil eller en adress som börjar med rtsp://, rtmp:// eller srt://.")
    if source.startswith("/dev/video"):
        return {"kind": "v4l2", "address": source}
    file = Path(source).expanduser().absolute()
    if not file.is_file():
        raise DemoError(
            f"Filen {source} finns inte: ange en videofil, eller utelämna --source för testbilden."
        )
    return {"kind": "file", "address": str(file)}


def settings_text(port: int, source: dict[str, str], elsewhere: DemoElsewhere | None = None) -> str:
    """The demo's laktare.toml: prepared in seconds, published without a person's approval; here, and `elsewhere`."""
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in source.items()]
    return "\n".join(
        [
            'data = "data"',
            "[site]",
            'name = "Läktare, demo"',
            'municipality = "Provköping"',
            f'host = "{HOST}"',
            f"port = {port}",
            "[live]",
            "prepare_minutes = 1",
            "preflight_minutes = []",
            "low_disk_gb = 0.5",
            "[sources.camera]",
            *lines,
            f"[bodies.{BODY}]",
            'name = "Kommunfullmäktige (demo)"',
            'source = "camera"',
            'review = "none"',
            "minutes = 60",
            *(elsewhere.settings_lines() if elsewhere else []),
            "",
        ]
    )


class DemoHouse:
    """The house while the demo runs. Use as a context manager; the folder goes with it unless `keep`.

    Raises DemoError where it cannot be started.
    """

    def __init__(
        self,
        port: int | None,
        source: str | None,
        elsewhere: Callable[[Path], DemoElsewhere] | None = None,
    ) -> None:
        self.keep = False
        self.troubles: list[str] = []
        _forget_environment()
        chosen_port, table = choose_port(port), source_table(source)
        self.folder = Path(tempfile.mkdtemp(prefix="laktare-demo-"))
        try:
            self._elsewhere = elsewhere(self.folder) if elsewhere else None
        except DemoError:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        text = settings_text(chosen_port, table, self._elsewhere)
        self._file = self.folder / "laktare.toml"
        self._file.write_text(text, encoding="utf-8")
        self.settings: Settings = load_settings(self._file)
        self._stop = threading.Event()

    @property
    def database(self) -> Database:
        """The demo's calendar."""
        return self._house.database

    @property
    def log_file(self) -> Path:
        """Where the parts' log lines go."""
        return self.folder / "laktare.log"

    def __enter__(self) -> DemoHouse:
        try:
            self._house = House(self.settings)
            if self._elsewhere:
                self._elsewhere.connect(self.settings, self._house.database)
        except (HouseError, DemoError) as error:
            if self._elsewhere:
                self._elsewhere.close()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise DemoError(str(error)) from None
        supervisor = Supervisor(
            house_parts(self.settings, self._file), on_line=pass_on, on_trouble=self._on_trouble
        )
        # One thread starts the parts and lives as long as they: see child.Child.
        self._thread = threading.Thread(target=supervisor.run, args=(self._stop,), name="supervisor")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._end_live()
        self._house.close()
        if self._elsewhere:
            self._elsewhere.close()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def await_ready(self, seconds: float = 40) -> None:
        """Wait until the pages answer and the scheduler ticks. Raises DemoError."""
        beat = self.settings.data / "run" / "scheduler.heartbeat"
        until = time.monotonic() + seconds
        while not (beat.exists() and port_fault(HOST, self.settings.site.port)):
            self.check()
            if time.monotonic() > until:
                raise DemoError("Webb och schemaläggare kom inte igång i tid.")
            time.sleep(0.1)

    def save(self, film: Path) -> Path:
        """Where `film` is to be found when the demo has ended: beside the folder, unless the folder is kept."""
        if self.keep:
            return film
        return Path(shutil.move(film, self.folder.with_suffix(".mp4")))

    def check(self) -> None:
        """Raise DemoError when a part keeps dying."""
        if self.troubles:
            raise DemoError(f"{self.troubles[0]} stannar gång på gång.")

    def _on_trouble(self, part: str, dying: bool) -> None:
        if dying:
            self.troubles.append(part)

    def _end_live(self) -> None:
        # A live process outlives its house on purpose; here its folder is about to go.
        for lock in (self.settings.data / "recordings").glob(f"*/{LOCK_NAME}"):
            if not is_held(lock):
                continue
            pid = int(lock.read_text())
            for how, patience in ((signal.SIGTERM, OFF_AIR_SECONDS), (signal.SIGKILL, 2.0)):
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
                until = time.monotonic() + patience
                while is_running(pid) and time.monotonic() < until:
                    time.sleep(0.05)


def _forget_environment() -> None:
    """Settings of a real house in the environment must not lead the demo to its database."""
    for name in [name for name in os.environ if name.startswith("LAKTARE_")]:
        del os.environ[name]
