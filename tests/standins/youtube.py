"""YouTube on loopback: the Data API, live ingest, resumable uploads, sign-on, quota and Analytics, strict and faulty.

`with YouTube(folder) as youtube:` serves at `youtube.url` over HTTPS; clients trust `youtube.ca_file`
(REQUESTS_CA_BUNDLE). `python -m tests.standins.youtube --folder FOLDER` serves until SIGTERM as a process of its own.
"""

from __future__ import annotations

import json
import secrets
import ssl
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType

import trustme

from tests.standins import (  # noqa: F401 — they register the methods
    youtube_broadcasts,
    youtube_channels,
    youtube_streams,
    youtube_videos,
)
from tests.standins.youtube_clock import Clock
from tests.standins.youtube_discovery import Discovery
from tests.standins.youtube_errors import Json
from tests.standins.youtube_faults import Faults
from tests.standins.youtube_live import Broadcast, Stream
from tests.standins.youtube_oauth import EVERY_CALL, Account, SignOn
from tests.standins.youtube_pages import pages_of
from tests.standins.youtube_quota import Quota
from tests.standins.youtube_server import Answer, Handler, Request, Server, handler_of, serve
from tests.standins.youtube_videos import Video


class YouTube:
    """A whole YouTube with nothing in it. Everything public may be read and set by a test."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.lock = threading.RLock()
        self.clock = Clock()
        self.discovery = Discovery()
        self.sign_on = SignOn(self.clock)
        self.quota = Quota()
        self.faults = Faults()
        self.videos: dict[str, Video] = {}
        self.broadcasts: dict[str, Broadcast] = {}
        self.streams: dict[str, Stream] = {}
        self.requests: list[Request] = []
        self.violations: list[str] = []  # what a client asked that it never should
        self.bugs: list[str] = []  # what the stand-in itself did wrong
        self.pages: dict[str, Callable[[Handler, dict[str, str]], Answer]] = pages_of(self)
        self._port = port

    def __enter__(self) -> YouTube:
        authority = trustme.CA()
        self.ca_file = self.folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(self.context)
        self._server = Server(self._port, self.context, handler_of(self))
        serve(self._server)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        assert not (self.bugs and error is None), self.bugs[0]

    @property
    def url(self) -> str:
        """With a slash at its end, as `rootUrl` has it."""
        return f"https://localhost:{self._server.server_port}/"

    def now(self) -> datetime:
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Put the clock forward instead of waiting."""
        self.clock.advance(seconds)

    def new_id(self) -> str:
        """Eleven characters, as a video has."""
        return secrets.token_urlsafe(9)[:11]

    def add_account(self, name: str, *, channel_id: str | None = None, title: str | None = None) -> Account:
        """A channel that can be picked at consent; the first one is picked where a test says nothing else."""
        account = Account(name, channel_id or "UC" + secrets.token_urlsafe(16)[:22], title or name)
        self.sign_on.accounts[name] = account
        return account

    def write_client_secrets(self, path: Path) -> Path:
        """Google's file of an installed application, whose addresses lead here."""
        installed: Json = {
            "client_id": self.sign_on.client_id, "project_id": "laktare", "client_secret": self.sign_on.client_secret,
            "auth_uri": self.url + "o/oauth2/auth", "token_uri": self.url + "token",
            "auth_provider_x509_cert_url": self.url + "oauth2/v1/certs", "redirect_uris": ["http://localhost"],
        }  # fmt: skip
        path.write_text(json.dumps({"installed": installed}), encoding="utf-8")
        return path

    def issue_token(self, name: str, scopes: Iterable[str] = EVERY_CALL) -> str:
        """A refresh token of the named account, as if the person had consented."""
        with self.lock:
            return self.sign_on.issue(self.sign_on.accounts[name], frozenset(scopes))

    @property
    def quota_used(self) -> int:
        """Units of the running Pacific day."""
        return self.quota.used(self.now())

    def stream_json(self, stream: Stream) -> Json:
        """The whole resource with the addresses of the ingest."""
        return stream.as_json({}, self.now())

    def packets(self, key: str, *, flowing: bool, point: str = "primary") -> None:
        """Packets begin or cease to arrive under a stream key, at the "primary" or the "backup" point."""
        with self.lock:
            for stream in self.streams.values():
                if stream.key == key:
                    (stream.flowing.add if flowing else stream.flowing.discard)(point)
                    stream.was_active |= flowing

    def count_upload(self, account: Account) -> None:
        """A new upload of the channel begins."""

    def begin_processing(self, video: Video) -> None:
        """A file has arrived whole."""

    def remove_video(self, video_id: str) -> None:
        """A video and all that hangs on it."""
        self.videos.pop(video_id)
        self.broadcasts.pop(video_id, None)
