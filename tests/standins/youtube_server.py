"""HTTPS on loopback: connections that are kept, TLS by a certificate of our own, and from request to answer."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tests.standins.youtube_call import HANDLERS, Call
from tests.standins.youtube_discovery import Method
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_faults import Cut, strike, strike_after
from tests.standins.youtube_fields import select
from tests.standins.youtube_oauth import TokenRefusal

if TYPE_CHECKING:
    from tests.standins.youtube import YouTube

BODY_LIMIT = 1 << 20  # bytes of JSON; films go another way


@dataclass
class Request:
    """One line of the log. path and parameters are without secrets; cost in units; step: of an upload."""

    at: datetime
    verb: str
    path: str
    method: str = ""  # "youtube.videos.insert", or "" where it is no method of the API
    step: str = ""  # "session", "chunk" or "status"
    parameters: Json = field(default_factory=dict)
    cost: int = 0
    status: int = 0  # 0: no answer was given
    reason: str = ""
    account: str = ""


@dataclass
class Answer:
    """What goes back. content: JSON, bytes or nothing."""

    status: int = 200
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    """Each connection shakes hands in a thread of its own, so that a silent one holds up nobody."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, port: int, context: ssl.SSLContext | None, handler: type[BaseHTTPRequestHandler]
    ) -> None:
        self._context = context
        super().__init__(("127.0.0.1", port), handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._context is None:
            super().finish_request(request, client_address)
            return
        with suppress(OSError), self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may go away whenever they want."""


def serve(server: Server) -> None:
    """In a thread of its own, until `shutdown`."""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """One request after the other of one connection. `youtube` is set by `handler_of`."""

    protocol_version = "HTTP/1.1"
    server_version = "ESF"
    sys_version = ""
    youtube: YouTube
    timeout = 60
    wbufsize = -1  # head and body in one packet: two would wait for each other's acknowledgement
    disable_nagle_algorithm = True

    def _any(self) -> None:
        parts = urlsplit(self.path)
        entry = Request(self.youtube.now(), self.command, parts.path)
        if not parts.path.startswith("/_standin/"):
            self.youtube.requests.append(entry)
        self.body_left = int(self.headers.get("Content-Length") or 0)
        try:
            answer = self._answer(entry, parts.path, parts.query)
        except Cut:
            self._hang_up()
            return
        except Refusal as refusal:
            answer = self._refused(entry, refusal)
        except TokenRefusal as refusal:
            entry.reason = refusal.error
            told = {"error": refusal.error, "error_description": refusal.description}
            answer = Answer(refusal.status, told)
        except OSError:
            self.close_connection = True  # the client is gone
            return
        except Exception:
            self.youtube.bugs.append(traceback.format_exc())
            answer = Answer(500, Refusal(500, "internalError", "a fault in the stand-in").as_json())
        self._send(entry, answer)

    do_GET = do_POST = do_PUT = do_DELETE = _any

    def _answer(self, entry: Request, path: str, query: str) -> Answer:
        if path.startswith("/_standin/") and path != "/_standin/sink":
            return self.youtube.control.answer(self.command, path, self.whole_body())
        if self.youtube.offline:
            raise Cut
        if self.youtube.delay:
            time.sleep(self.youtube.delay)
        if (self.command, path) == ("PUT", "/_standin/sink"):
            return self.youtube.uploads.sink(self)
        if path in self.youtube.pages:
            entry.method = path
            fault = strike(self.take, self.youtube.faults.take(path))
            answer = self.youtube.pages[path](self, dict(parse_qsl(query)))
            strike_after(fault)
            return answer
        if "upload_id=" in query:
            return self.youtube.uploads.answer(self, entry, parse_qs(query)["upload_id"][0])
        return self._method(entry, path, parse_qs(query, keep_blank_values=True))

    def _method(self, entry: Request, path: str, query: dict[str, list[str]]) -> Answer:
        youtube = self.youtube
        method, in_path, upload = youtube.discovery.find(self.command, path)
        entry.method = method.id
        if upload:
            return youtube.uploads.begin(self, entry, method, query)
        fault = strike(self.take, youtube.faults.take(method.id))
        body = self.json_body()
        call = self.checked(entry, method, query, body)
        if method.media is not None and method.id != "youtube.captions.update":
            raise Refusal(400, "mediaBodyRequired", "The request does not include a file.")
        if method.id not in HANDLERS:
            raise Refusal(501, "notImplemented", f"the stand-in does not have {method.id}")
        with youtube.lock:
            content = HANDLERS[method.id](
                Call(
                    youtube=youtube, method=method, account=call.account, body=call.body,
                    parameters={**call.parameters, **in_path},
                )
            )  # fmt: skip
        strike_after(fault)
        return self.told(method, content, call.parameters)

    def checked(self, entry: Request, method: Method, query: dict[str, list[str]], body: object) -> Call:
        """The request as a call, charged for. Refusal for whatever is wrong with it."""
        youtube = self.youtube
        with youtube.lock:
            account = youtube.sign_on.who(self.headers.get("Authorization"), method)
            entry.account = account.name
            entry.cost = youtube.quota.charge(method, youtube.now())
        parameters = youtube.discovery.parameters(method, query)
        entry.parameters = {
            key: value
            for key, value in parameters.items()
            if key not in ("access_token", "oauth_token", "key")
        }
        body = youtube.discovery.body(method, body, parameters.get("part", []))
        return Call(youtube=youtube, method=method, account=account, parameters=parameters, body=body)

    def told(self, method: Method, content: object, parameters: Json) -> Answer:
        """An answer of our own, held against the discovery document."""
        if isinstance(content, bytes):
            return Answer(200, content)
        self.youtube.discovery.answer(method, content)
        if content is None:
            return Answer(204)
        fields = parameters.get("fields")
        return Answer(200, select(content, fields) if fields else content)

    def json_body(self) -> object:
        """None where there is no body. Refusal 400."""
        content = self.whole_body()
        if not content:
            return None
        try:
            return json.loads(content)
        except ValueError as error:
            raise Refusal(400, "parseError", "Parse Error") from error

    def whole_body(self) -> bytes:
        """The body of a request that is not a film. Refusal 413 or 411."""
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise Refusal(411, "lengthRequired", "Content-Length is demanded")
        if self.body_left > BODY_LIMIT:
            raise Refusal(413, "uploadTooLarge", "Request Too Large")
        return self.take(self.body_left)

    def take(self, size: int) -> bytes:
        """So many bytes of the body, or all that came before the client went away."""
        content = self.rfile.read(min(size, self.body_left))
        self.body_left -= len(content)
        return content

    def throw_away(self) -> int:
        """Read what is left of the body, so that the connection can be kept; bytes."""
        thrown = 0
        while self.body_left and (content := self.take(1 << 18)):
            thrown += len(content)
        return thrown

    def _refused(self, entry: Request, refusal: Refusal) -> Answer:
        entry.reason = refusal.reason
        if refusal.reason in MISTAKES or refusal.reason.endswith("Required"):
            self.youtube.violations.append(f"{entry.method or entry.path}: {refusal.message}")
        return Answer(refusal.status, refusal.as_json(), refusal.headers)

    def _send(self, entry: Request, answer: Answer) -> None:
        with suppress(OSError):
            self.throw_away()
        content, kind = answer.content, "application/json; charset=UTF-8"
        if isinstance(content, bytes):
            kind = answer.headers.pop("Content-Type", "application/octet-stream")
        else:
            content = b"" if content is None else json.dumps(content).encode()
        entry.status = answer.status
        with suppress(OSError):
            self.send_response(answer.status, "Resume Incomplete" if answer.status == 308 else None)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

    def _hang_up(self) -> None:
        """Close at once, as a router that loses its state does: the client reads a reset, not an end."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        return


# Refusals that say the client is written wrong: tests want none of them.
MISTAKES = {
    "badRequest", "parseError", "unexpectedParameter", "invalidParameter", "missingRequiredParameter", "unknownPart",
    "unexpectedPart", "notImplemented", "notFound", "incompatibleParameters", "lengthRequired", "required",
    "invalidContentRange",
}  # fmt: skip


def handler_of(youtube: YouTube) -> type[Handler]:
    """The handler of one stand-in."""
    return type("YouTubeHandler", (Handler,), {"youtube": youtube})
