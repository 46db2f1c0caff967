"""`python -m web.server --settings FILE`: the pages under gunicorn, with many threads.

A viewer's player holds a thread while it downloads (the kernel does the work by sendfile), so threads are many;
they cost little. Every worker process opens its own database after the fork.
"""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys
from pathlib import Path
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from schedules.database import open_database
from schedules.logs import configure_logs
from schedules.settings import Settings, SettingsError, load_settings
from web import create_app

log = structlog.get_logger("web")
WORKERS = 2
THREADS = 128
CONNECTIONS = 2000  # per worker; most are idle between two questions of an open page
KEEPALIVE_SECONDS = 20  # longer than an open page's pause between two questions
STOP_SECONDS = 3  # players ask again by themselves, so nobody is waited for long


class Logs(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's own log and its access log, by structlog."""

    def setup(self, cfg: Any) -> None:
        """Nothing to set up: structlog is set up by whoever starts the process."""
        self._access_log_enabled = True

    def critical(self, msg: str, *args: Any, **kwargs: Any) -> None:
        log.critical(_filled(msg, args))

    def error(self, msg: str, *args: Any, **kwargs: Any) -> None:
        log.error(_filled(msg, args))

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        log.warning(_filled(msg, args))

    def info(self, msg: str, *args: Any, **kwargs: Any) -> None:
        log.info(_filled(msg, args))

    def debug(self, msg: str, *args: Any, **kwargs: Any) -> None:
        log.debug(_filled(msg, args))

    def log(self, lvl: int, msg: str, *args: Any, **kwargs: Any) -> None:
        log.log(lvl, _filled(msg, args))

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        # A player that is paused takes nothing more and is let go (ranges.STALL_SECONDS): no fault.
        if isinstance(sys.exc_info()[1], TimeoutError):
            log.debug("stalled viewer let go")
        else:
            log.exception(_filled(msg, args))

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> None:
        # No address and no query: who watches what is nobody's business.
        log.info(
            "request",
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            status=resp.status_code,
            bytes=resp.sent,
            ms=round(request_time.total_seconds() * 1000, 1),
        )

    def reopen_files(self) -> None:
        """No files of our own."""

    def close_on_exec(self) -> None:
        """No files of our own."""


def _filled(msg: str, args: tuple[Any, ...]) -> str:
    text = str(msg)
    if len(args) == 1 and isinstance(args[0], dict):
        return text % args[0]
    return text % args if args else text


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        super().__init__()

    def load_config(self) -> None:
        for key, value in {
            "bind": f"fd://{self._listener.fileno()}",
            "worker_class": "gthread",
            "workers": WORKERS,
            "threads": THREADS,
            "worker_connections": CONNECTIONS,
            "keepalive": KEEPALIVE_SECONDS,
            "graceful_timeout": STOP_SECONDS,
            "logger_class": Logs,
            "control_socket_disable": True,
            "proc_name": "laktare-web",
        }.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        return create_app(self._settings, open_database(self._settings.database_url))


def listen(host: str, port: int) -> socket.socket:
    """The listening socket; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=1024)
    # Inherited by every connection. Without it the body waits 40 ms for the receipt of the headers (Nagle's
    # algorithm against delayed acknowledgement); gunicorn sets it only on sockets that it makes itself.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.set_inheritable(True)
    return listener


def serve(settings: Settings) -> None:
    """Serve the pages until SIGTERM or SIGINT. Exits 1 with one sentence where the address cannot be had."""
    try:
        listener = listen(settings.site.host, settings.site.port)
    except OSError as error:
        sys.exit(_why_not(settings, error))
    # Gunicorn must not look for options on a command line that is not its own.
    os.environ.pop("GUNICORN_CMD_ARGS", None)
    log.info("pages are served", host=settings.site.host, port=listener.getsockname()[1])
    _Server(settings, listener).run()


def _why_not(settings: Settings, error: OSError) -> str:
    where = f"{settings.site.host}:{settings.site.port}"
    if error.errno == errno.EADDRINUSE:
        return f"Webben kan inte starta: {where} används redan av ett annat program. Välj en annan port i site.port."
    return f"Webben kan inte starta på {where}: {os.strerror(error.errno or 0)}. Rätta site.host eller site.port."


def main(argv: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m web.server", description="Serve the pages.")
    parser.add_argument("--settings", type=Path, default=None, help="the settings file (laktare.toml)")
    chosen = parser.parse_args(argv)
    try:
        settings = load_settings(chosen.settings)
    except SettingsError as error:
        sys.exit(str(error))
    configure_logs()
    serve(settings)


if __name__ == "__main__":
    main()
