"""The ingest: nginx with Debian's RTMP module, a primary and a backup point, and TLS in front of each.

nginx asks for every publisher whether its key is known (`on_publish`), and its statistics tell whether bytes arrive.
YouTube's address of the backup carries a query (`/live2?backup=1`) to which the key is appended; so does this one.
"""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import threading
import time
import urllib.request
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

from tests.standins.ports import free_tcp_port
from tests.standins.youtube_errors import Json
from tests.standins.youtube_server import Server, serve

if TYPE_CHECKING:
    from tests.standins.youtube import YouTube

POINTS = ("primary", "backup")
MODULES = tuple(
    Path(place) / "ngx_rtmp_module.so" for place in ("/usr/lib/nginx/modules", "/usr/share/nginx/modules")
)
LOOK_SECONDS = 0.1
JUDGED_AFTER_MS = 1_000
STARVED_SECONDS = 2.0  # so long without a byte, and the stream is no longer active
NGINX = """
load_module {module};
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn;
events {{ worker_connections 128; }}
rtmp {{ {servers} }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{statistics}; location /stat {{ rtmp_stat all; }}
    location /control {{ rtmp_control all; }} }}
}}
"""
RTMP = """
  server {{ listen 127.0.0.1:{port}; application live2 {{
    live on; record off; on_publish {asks}/publish/{point}; on_publish_done {asks}/done/{point};
  }} }}
"""


def find_nginx() -> tuple[Path, Path] | None:
    """nginx and its RTMP module; None where either is missing (apt-get install nginx libnginx-mod-rtmp)."""
    binary = Path(shutil.which("nginx") or "/usr/sbin/nginx")
    module = next((path for path in MODULES if path.is_file()), None)
    return (binary, module) if binary.is_file() and module is not None else None


class Ingest:
    """Runs from `start` to `close`. addresses: as `cdn.ingestionInfo` has them, but for the key."""

    def __init__(self, youtube: YouTube, folder: Path, context: ssl.SSLContext) -> None:
        self._youtube = youtube
        self._folder = folder
        self._context = context
        self._relays = asyncio.new_event_loop()
        self._closing = threading.Event()
        self._grown: dict[
            tuple[str, str], tuple[int, float]
        ] = {}  # (key, point) → bytes, when they last grew
        self.addresses: Json = {}

    def start(self) -> None:
        """FileNotFoundError where nginx is not installed."""
        found = find_nginx()
        if found is None:
            raise FileNotFoundError("apt-get install nginx libnginx-mod-rtmp")
        self._folder.mkdir(exist_ok=True)
        self._asked = Server(0, None, _asked_by_nginx(self._youtube))
        serve(self._asked)
        for _ in range(3):  # another process may be quicker to take a port that was free
            with suppress(RuntimeError):
                self._run_nginx(*found)
                break
        else:
            self._run_nginx(*found)
        ready = threading.Event()
        threading.Thread(target=self._relay, args=(ready,), daemon=True).start()
        ready.wait(10)
        self._looker = threading.Thread(target=self._look, daemon=True)
        self._looker.start()

    def _run_nginx(self, binary: Path, module: Path) -> None:
        ports = {point: free_tcp_port() for point in POINTS}
        self._ports, self._statistics = ports, free_tcp_port()
        asks = f"http://127.0.0.1:{self._asked.server_port}"
        servers = "".join(RTMP.format(port=port, point=point, asks=asks) for point, port in ports.items())
        file = self._folder / "nginx.conf"
        file.write_text(
            NGINX.format(module=module, folder=self._folder, servers=servers, statistics=self._statistics)
        )
        log = self._folder / "nginx.log"
        # It must not outlive a test that is killed.
        tether = ["setpriv", "--pdeathsig=TERM"] if shutil.which("setpriv") else []
        self._nginx = subprocess.Popen([*tether, binary, "-c", file, "-e", log], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while time.monotonic() < until and self._nginx.poll() is None:
            with suppress(OSError):
                self._statistics_now()
                return
            time.sleep(0.02)
        raise RuntimeError(f"nginx did not start: {log.read_text()[-500:]}")

    def _relay(self, ready: threading.Event) -> None:
        async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, ssl.SSLError):
                while content := await reader.read(1 << 16):
                    writer.write(content)
                    await writer.drain()
            writer.close()

        async def listen(point: str) -> int:
            async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with suppress(OSError):
                    inner = await asyncio.open_connection("127.0.0.1", self._ports[point])
                    await asyncio.gather(pump(reader, inner[1]), pump(inner[0], writer))

            server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=self._context)
            return int(server.sockets[0].getsockname()[1])

        asyncio.set_event_loop(self._relays)
        secured = {point: self._relays.run_until_complete(listen(point)) for point in POINTS}
        self.addresses = {
            "ingestionAddress": f"rtmp://127.0.0.1:{self._ports['primary']}/live2",
            "backupIngestionAddress": f"rtmp://127.0.0.1:{self._ports['backup']}/live2?backup=1",
            "rtmpsIngestionAddress": f"rtmps://localhost:{secured['primary']}/live2",
            "rtmpsBackupIngestionAddress": f"rtmps://localhost:{secured['backup']}/live2?backup=1",
        }
        ready.set()
        self._relays.run_forever()

    def _look(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            if self._youtube.publishing:
                with suppress(OSError, ElementTree.ParseError):
                    self._see(self._statistics_now())

    def _see(self, statistics: ElementTree.Element) -> None:
        now = time.monotonic()
        for point, server in zip(POINTS, statistics.iter("server"), strict=False):
            for stream in server.iter("stream"):
                key, size = stream.findtext("name", ""), int(stream.findtext("bytes_in", "0"))
                before, at = self._grown.get((key, point), (0, now))
                if size != before:
                    self._grown[key, point] = size, now
                    at = now
                flowing = size > 0 and now - at < STARVED_SECONDS
                self._youtube.flow(key, point, flowing=flowing, issues=_issues(stream) if flowing else ())

    def _statistics_now(self) -> ElementTree.Element:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._statistics}/stat", timeout=2) as answer:
            return ElementTree.fromstring(answer.read())  # noqa: S314 — our own nginx

    def drop(self, key: str, point: str) -> None:
        """Cut a publisher off."""
        asked = f"/control/drop/publisher?srv={POINTS.index(point)}&app=live2&name={key}"
        with urllib.request.urlopen(f"http://127.0.0.1:{self._statistics}{asked}", timeout=2):
            pass

    def close(self) -> None:
        """Stops everything; whoever publishes is cut off."""
        self._closing.set()
        self._nginx.terminate()
        try:
            self._nginx.wait(5)
        except subprocess.TimeoutExpired:
            self._nginx.kill()
            self._nginx.wait()
        self._relays.call_soon_threadsafe(self._relays.stop)
        self._looker.join(5)
        self._asked.shutdown()
        self._asked.server_close()


def _issues(stream: ElementTree.Element) -> list[Json]:
    """configurationIssues of what arrives, once a second of it has. Of keyframes nginx tells nothing."""
    if int(stream.findtext("time", "0")) < JUDGED_AFTER_MS:
        return []
    found = []
    if stream.find("meta/video/codec") is None:
        found.append(("noVideoStream", "error"))
    if stream.find("meta/audio/codec") is None:
        found.append(("noAudioStream", "error"))
    elif stream.findtext("meta/audio/sample_rate") not in ("44100", "48000"):
        found.append(("audioSampleRate", "warning"))
    return [{"type": kind, "severity": how, "reason": kind, "description": kind} for kind, how in found]


def _asked_by_nginx(youtube: YouTube) -> type[BaseHTTPRequestHandler]:
    class Asked(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            _, what, point = self.path.split("/")
            known = True
            if what == "publish":
                known = youtube.publish(form["name"][0], point)
            else:
                youtube.unpublish(form["name"][0], point)
            self.send_response(200 if known else 403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Asked
