"""A real mail server on loopback: STARTTLS or TLS from the first byte, login, and refusals as real ones give them."""

from __future__ import annotations

import logging
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.standins.ports import free_tcp_port

USER = "laktare@provkoping.se"
PASSWORD = "hemligt-lösen"  # a password may be Swedish
PLAIN_PASSWORD = "hemligt-ord"


@dataclass
class SmtpServer:
    """letters: what it took; refused: address → the answer instead, such as "550 no such user"."""

    port: int
    letters: list[EmailMessage] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    # The names are aiosmtpd's.
    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append(message_from_bytes(content, policy=policy.default))
        return "250 OK"


@contextmanager
def run_smtp(
    security: Literal["none", "starttls", "tls"] = "none",
    *,
    authority: trustme.CA | None = None,
    login: bool = False,
    password: str = PASSWORD,
) -> Iterator[SmtpServer]:
    """A server for the length of the block. authority: who signs its certificate for 127.0.0.1."""
    server = SmtpServer(free_tcp_port())
    context: ssl.SSLContext | None = None
    if security != "none":
        assert authority is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)

    def authenticate(
        _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        right = isinstance(given, LoginPassword) and (given.login, given.password) == (
            USER.encode(),
            password.encode(),
        )
        return AuthResult(success=right, handled=False)

    # aiosmtpd warns of what we mean to do: a login without TLS, as inside a municipality's own net.
    warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=server.port,
        ssl_context=context if security == "tls" else None,
        tls_context=context if security == "starttls" else None,
        require_starttls=security == "starttls",
        authenticator=authenticate,
        auth_required=login,
        auth_require_tls=security == "starttls",  # it does not see TLS that was there from the first byte
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
