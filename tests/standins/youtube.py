"""YouTube on loopback: the Data API, live ingest, resumable uploads, sign-on, quota and Analytics, strict and faulty.

`with YouTube(folder) as youtube:` serves at `youtube.url` over HTTPS; clients trust `youtube.ca_file`
(REQUESTS_CA_BUNDLE). `python -m tests.standins.youtube --folder FOLDER` serves until SIGTERM as a process of its own,
controlled over HTTP (youtube_control). What the documentation leaves open is answered in the stricter way; each module
says where.
"""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from types import TracebackType

import trustme

from tests.standins import (  # noqa: F401 — they register the methods
    youtube_broadcasts,
    youtube_channels,
    youtube_streams,
    youtube_video_methods,
)
from tests.standins.youtube_control import Control
from tests.standins.youtube_errors import Json
from tests.standins.youtube_ingest import Ingest
from tests.standins.youtube_pages import pages_of
from tests.standins.youtube_server import Server, handler_of, serve
from tests.standins.youtube_state import State
from tests.standins.youtube_uploads import Uploads


class YouTube(State):
    """A whole YouTube with nothing in it.

    ingest: whether an nginx takes RTMP; without it a test says by `packets` what arrives.
    """

    def __init__(self, folder: Path, *, port: int = 0, ingest: bool = True) -> None:
        super().__init__(folder)
        self.uploads = Uploads(self)
        self.control = Control(self)
        self.pages = pages_of(self)
        self._port = port
        self._with_ingest = ingest
        self._ingest: Ingest | None = None

    def __enter__(self) -> YouTube:
        authority = trustme.CA()
        self.ca_file = self.folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        self._server = Server(self._port, context, handler_of(self))
        serve(self._server)
        if self._with_ingest:
            self._ingest = Ingest(self, self.folder / "ingest", context)
            self._ingest.start()
            self.addresses = self._ingest.addresses
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.offline = True  # connections that are kept end with the next request
        if self._ingest is not None:
            self._ingest.close()
        self._server.shutdown()
        self._server.server_close()
        assert not (self.bugs and error is None), self.bugs[0]

    @property
    def url(self) -> str:
        """With a slash at its end, as `rootUrl` has it."""
        return f"https://localhost:{self._server.server_port}/"

    def write_client_secrets(self, path: Path) -> Path:
        """Google's file of an installed application, whose addresses lead here."""
        installed: Json = {
            "client_id": self.sign_on.client_id, "project_id": "laktare", "client_secret": self.sign_on.client_secret,
            "auth_uri": self.url + "o/oauth2/auth", "token_uri": self.url + "token",
            "auth_provider_x509_cert_url": self.url + "oauth2/v1/certs", "redirect_uris": ["http://localhost"],
        }  # fmt: skip
        path.write_text(json.dumps({"installed": installed}), encoding="utf-8")
        return path

    def drop_publishers(self) -> None:
        """Whoever sends now is cut off, and may come back."""
        for key, point in list(self.publishing):
            if self._ingest is not None:
                self._ingest.drop(key, point)
            else:
                self.unpublish(key, point)


if __name__ == "__main__":
    from tests.standins.youtube_process import main

    main()
