"""A real HTTP server on loopback that takes webhooks, and answers as the test wants it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """posts: the JSON it took; status: what it answers with; its path is a secret, as real ones have it."""

    port: int = 0
    status: int = 200
    posts: list[dict[str, Any]] = field(default_factory=list)
    hits: int = 0  # requests of any kind

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/hemlig-nyckel"


@contextmanager
def run_webhook() -> Iterator[Webhook]:
    """A receiver for the length of the block."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.hits += 1
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if hook.status == 200 and self.headers["Content-Type"].startswith("application/json"):
                hook.posts.append(json.loads(content))
            self._answer()

        def do_GET(self) -> None:
            hook.hits += 1
            self._answer()

        def _answer(self) -> None:
            self.send_response(hook.status)
            if 300 <= hook.status < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.port = server.server_port
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
