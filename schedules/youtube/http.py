"""What googleapiclient sends its requests through: `requests`, in the form of `httplib2.Http.request`.

httplib2 itself sends a request again, POST too, when the peer closes without an answer; this never does. It keeps
the access token fresh, counts the quota, and says what the network did in plain OSErrors whose texts hold no address:
the address of an upload is a secret.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

import google.auth.transport.requests
import requests
from google.auth.exceptions import RefreshError, TransportError
from google.oauth2.credentials import Credentials
from requests.adapters import HTTPAdapter

from schedules.youtube.methods import method_of

CONNECT_SECONDS = 10
READ_SECONDS = 60
BLOCK_BYTES = 64 * 1024  # of a body at a time; http.client's own 16 KiB cost throughput under TLS
FRESH_FOR = timedelta(minutes=10)  # a chunk on a slow line takes minutes, and its token must last as long
QUOTA_REASONS = frozenset({"quotaExceeded", "dailyLimitExceeded"})


class Meter(Protocol):
    """Counts what requests cost."""

    def spend(self, method: str) -> bool:
        """A request to `method` ("youtube.videos.list") is about to be sent. False: it must not be."""

    def used_up(self, method: str) -> None:
        """Google says that there is nothing left for `method` today."""


class Answer(dict[str, str]):
    """An answer's headers, their names in lower case, and its status: what googleapiclient reads of httplib2's."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})
        self.status = status
        self.reason = reason


class Transport:
    """Sends requests for one account. May be used by several threads, each on connections of its own.

    credentials: refreshed here when they are about to expire; keep: called after each refresh.
    """

    def __init__(
        self, credentials: Credentials, meter: Meter, keep: Callable[[Credentials], None] = lambda _: None
    ) -> None:
        self._credentials = credentials
        self._meter = meter
        self._keep = keep
        self._refreshing = threading.Lock()
        self._mine = threading.local()
        self._sessions: list[requests.Session] = []

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        redirections: int = 0,
        connection_type: object = None,
    ) -> tuple[Answer, bytes]:
        """Send once and answer; redirections are not followed (308 is part of an upload).

        body: text, bytes or something with `read`, which is sent as it is read. A 401 is tried again once, with a
        new token, where the body can be sent again as a whole. Raises RefreshError where the token is dead,
        TimeoutError and ConnectionError where the network is at fault.
        """
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        spent = (
            None if "content-range" in sent else method_of(sent.get("x-http-method-override", method), uri)
        )
        token = self._fresh_token()  # before anything is counted: while the network is down, nothing is spent
        if spent is not None and not self._meter.spend(spent):
            return _refused()
        answer, content = self._send(uri, method, body, sent, token)
        if answer.status == 401:
            self._forget(token)
            if body is None or isinstance(body, str | bytes):
                answer, content = self._send(uri, method, body, sent, self._fresh_token())
        if answer.status == 403 and spent is not None and reason_of(content) in QUOTA_REASONS:
            self._meter.used_up(spent)
        return answer, content

    def refresh(self) -> None:
        """Get a new access token, whatever the old one. Raises as `request` does."""
        with self._refreshing:
            self._refresh()

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._sessions:
            self._sessions.pop().close()

    def _send(
        self, uri: str, method: str, body: Any, headers: Mapping[str, str], token: str
    ) -> tuple[Answer, bytes]:
        authorized = {**headers, "authorization": f"Bearer {token}"}
        try:
            answer = self._session().request(
                method, uri, data=body, headers=authorized, allow_redirects=False
            )  # fmt: skip
        except requests.RequestException as error:
            raise plain_error(error) from None
        return Answer(answer.status_code, answer.reason or "", answer.headers), answer.content

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._mine, "session", None)
        if session is None:
            session = self._mine.session = new_session()
            self._sessions.append(session)
        return session

    def _fresh_token(self) -> str:
        with self._refreshing:
            if not self._credentials.token or _expires_soon(self._credentials):
                self._refresh()
            return str(self._credentials.token)

    def _refresh(self) -> None:
        ask = google.auth.transport.requests.Request(new_session())
        try:
            self._credentials.refresh(partial(ask, timeout=(CONNECT_SECONDS, READ_SECONDS)))
        except TransportError as error:
            raise plain_error(error.args[0] if error.args else error) from None
        except RefreshError as error:
            if error.retryable:
                raise ConnectionError("Googles inloggning svarar med ett tillfälligt fel.") from None
            raise
        self._keep(self._credentials)

    def _forget(self, token: str) -> None:
        with self._refreshing:
            if self._credentials.token == token:  # else another thread has a new one already
                self._credentials.token = None


class _Adapter(HTTPAdapter):
    """requests' own, with a limit of time for those who set none, and larger blocks."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, blocksize=BLOCK_BYTES, **options)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        options["timeout"] = options.get("timeout") or (CONNECT_SECONDS, READ_SECONDS)
        return super().send(request, **options)


def limit_time(session: requests.Session) -> None:
    """Let no request of this session wait for ever."""
    session.mount("https://", _Adapter())
    session.mount("http://", _Adapter())


def new_session() -> requests.Session:
    """A session that never sends a request twice by itself, nor adds anything to it."""
    session = requests.Session()
    session.auth = _as_it_is
    limit_time(session)
    return session


def plain_error(error: BaseException) -> OSError:
    """What happened on the network, as an OSError without the address, which may be a secret."""
    match error:
        case requests.ConnectTimeout() | requests.ReadTimeout():
            return TimeoutError("Google svarade inte i tid.")
        case requests.exceptions.SSLError():
            return ConnectionError(
                "Googles certifikat godkändes inte: kontrollera datorns klocka och proxyn."
            )
        case requests.exceptions.ProxyError():
            return ConnectionError("Proxyn släppte inte fram till Google.")
    return ConnectionError("Förbindelsen med Google gick inte att få eller bröts.")


def reason_of(content: bytes) -> str:
    """Google's reason in the body of an answer, such as "quotaExceeded"; "" where there is none."""
    try:
        return str(json.loads(content)["error"]["errors"][0]["reason"])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""


def _refused() -> tuple[Answer, bytes]:
    """What Google would have answered, had the quota been asked of it."""
    message = "Dagens kvot hos YouTube är förbrukad, så när som på reserven för pågående sändningar."
    error = {"message": message, "domain": "youtube.quota", "reason": "quotaExceeded"}
    body = {"error": {"code": 403, "message": message, "errors": [error]}}
    return Answer(403, "Forbidden", {"content-type": "application/json"}), json.dumps(body).encode()


def _expires_soon(credentials: Credentials) -> bool:
    # google-auth's expiry is UTC without saying so.
    return credentials.expiry is not None and credentials.expiry.replace(
        tzinfo=UTC
    ) - FRESH_FOR < datetime.now(UTC)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    # Without an `auth`, requests would put what ~/.netrc has for the host in the place of ours.
    return request
