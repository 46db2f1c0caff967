"""A TCP connection on the loopback, carried on over TLS to a server whose certificate is verified.

In a process of its own: PyAV keeps Python's lock while it shakes hands, so that a thread would never answer it.
"""

from __future__ import annotations

import array
import fcntl
import multiprocessing
import os
import select
import socket
import ssl
import sys
import termios
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

TIMEOUT_SECONDS = 10.0  # to connect, and for a server that takes no byte
CHUNK = 1 << 16
TURNED_AWAY = (
    77  # exit status: the server closed the connection soon after it was made (EX_NOPERM of sysexits.h)
)
TURNED_AWAY_SECONDS = 5.0
BUFFER = 1 << 18  # bytes that may wait on their way: with more, a server that has stopped would go unnoticed


class Relay:
    """Takes one connection at `port`, as a context; at its end what was written has been sent.

    Raises OSError (ssl.SSLError among them) where the server is not reached or is not who it should be. Why the way
    broke later is said on standard error. ca_file: PEM of whom to trust, or a folder of such; not_mine: file
    descriptors that the process must not keep open.
    """

    def __init__(self, host: str, port: int, ca_file: str, *, not_mine: Sequence[int] = ()) -> None:
        folder = Path(ca_file).is_dir()
        context = ssl.create_default_context(
            cafile=None if folder else ca_file, capath=ca_file if folder else None
        )
        plain = socket.create_connection((host, port), TIMEOUT_SECONDS)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self._outside = context.wrap_socket(plain, server_hostname=host)
        self._outside.setblocking(False)
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(1)
        self._listener.settimeout(TIMEOUT_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self._not_mine = not_mine
        forked = multiprocessing.get_context("fork")
        self._sent = forked.Value("Q", 0)
        self._written = 0
        self._process = forked.Process(target=self._carry, name="relay", daemon=True)

    @property
    def sent(self) -> int:
        """Bytes whose arrival the server's side has confirmed, TLS and all."""
        return int(self._sent.value)

    @property
    def turned_away(self) -> bool:
        """Whether the server wanted nothing to do with us, as far as can be seen from outside."""
        return self._process.exitcode == TURNED_AWAY

    def __enter__(self) -> Relay:
        self._process.start()
        self._outside.close()
        self._listener.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.join(TIMEOUT_SECONDS)

    def _carry(self) -> None:
        for fd in self._not_mine:
            os.close(fd)
        with suppress(TimeoutError):  # nobody came
            inside, _ = self._listener.accept()
            began = time.monotonic()
            try:
                self._carry_both(inside)
            except OSError as error:
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
                soon = time.monotonic() - began < TURNED_AWAY_SECONDS
                sys.exit(TURNED_AWAY if soon and isinstance(error, ConnectionError) else 1)

    def _carry_both(self, inside: socket.socket) -> None:
        waiting, moved = b"", time.monotonic()
        while True:
            readable, _, _ = select.select(
                [self._outside] if waiting else [self._outside, inside],
                [self._outside] if waiting else [],
                [],
                TIMEOUT_SECONDS,
            )
            if self._outside in readable:
                self._carry_back(inside)
            if not waiting and inside in readable:
                waiting, moved = inside.recv(CHUNK), time.monotonic()
                if not waiting:
                    return
            self._sent.value = max(0, self._written - self._unconfirmed())
            if waiting:
                taken = self._send(waiting)
                if taken:
                    waiting, moved = waiting[taken:], time.monotonic()
                elif time.monotonic() - moved >= TIMEOUT_SECONDS:
                    raise TimeoutError("the ingest takes nothing")

    def _send(self, data: bytes) -> int:
        try:
            taken = self._outside.send(data)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        self._written += taken
        return taken

    def _unconfirmed(self) -> int:
        # tcp(7), SIOCOUTQ: what the kernel has taken from us says little while the network is dead.
        waiting = array.array("i", [0])
        fcntl.ioctl(self._outside, termios.TIOCOUTQ, waiting)
        return waiting[0]

    def _carry_back(self, inside: socket.socket) -> None:
        with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            while data := self._outside.recv(CHUNK):
                inside.sendall(data)
            raise ConnectionResetError("the ingest closed the connection")
