"""What a relay says was sent has arrived: bytes that wait in this machine are not."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from broadcast.relay import Relay

SMALL_WINDOW = 4096


def test_what_waits_in_our_own_buffers_has_not_been_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadcast.relay.TIMEOUT_SECONDS", 2.0)
    authority, ca_file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    done = threading.Event()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def shake_hands_and_stop() -> None:
            with context.wrap_socket(listener.accept()[0], server_side=True):
                done.wait(20)

        threading.Thread(target=shake_hands_and_stop, daemon=True).start()
        with Relay("localhost", listener.getsockname()[1], str(ca_file)) as relay:
            with socket.create_connection(("127.0.0.1", relay.port), 5) as inside:
                inside.settimeout(0.5)
                pushed = 0
                with suppress(TimeoutError):
                    while True:
                        pushed += inside.send(bytes(4096))
                assert pushed > 300_000
                sent = relay.sent
                assert sent < 30_000
                time.sleep(0.5)
                assert relay.sent == sent, "so the stall is noticed"
            done.set()
