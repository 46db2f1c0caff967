"""Servers that do one thing wrong: they say nothing, or one fixed answer to whatever they are asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def run_answering(answer: bytes | None) -> Iterator[int]:
    """The port of a TCP server that gives `answer` to each thing it hears; None: it takes the call and is silent."""
    listener = socket.create_server(("127.0.0.1", 0))
    callers: list[socket.socket] = []

    def talk(caller: socket.socket) -> None:
        with suppress(OSError):
            while caller.recv(65536):
                if answer is not None:
                    caller.sendall(answer)

    def take() -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                callers.append(caller)
                threading.Thread(target=talk, args=(caller,), daemon=True).start()

    threading.Thread(target=take, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()
        for caller in callers:
            caller.close()


def unused_port() -> int:
    """A port nobody listens on: it was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
