"""Log lines by structlog: for people on a terminal, JSON for machines, and never a secret in either.

The logs of libraries (APScheduler, gunicorn, SQLAlchemy) take the same way.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Form = Literal["json", "console"]

_SECRET_KEY = re.compile(
    r"pass(word|phrase)?$|passwd|secret|token|stream_?key|authorization|session_uri", re.IGNORECASE
)
_USER_INFO = re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/@'\"]+@", re.IGNORECASE)
# The path of an ingest or camera address is often its key.
_STREAM = re.compile(r"((?:rtmps?|rtmpt|rtsps?|srt)://)[^\s'\"]+", re.IGNORECASE)
_QUERY = re.compile(
    r"((?:access_|upload_|refresh_)?(?:token|key|passphrase|password|secret|upload_id|sig)=)[^\s&'\"]+",
    re.IGNORECASE,
)


def configure_logs(form: Form | None = None, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up the logs of this process, on standard error unless `stream` is given.

    form: None takes LAKTARE_LOG ("json" or "console"), else what suits: console on a terminal, JSON elsewhere.
    """
    out = stream or sys.stderr
    chosen = form or os.environ.get("LAKTARE_LOG") or ("console" if out.isatty() else "json")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if chosen == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("apscheduler", "alembic", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blot out secrets: values under telling keys, and the parts of addresses that carry keys and passwords."""
    for key, value in event.items():
        event[key] = "…" if _SECRET_KEY.search(key) and value else _blotted(value)
    return event


def _blotted(value: Any) -> Any:
    if isinstance(value, str):
        return _QUERY.sub(r"\1…", _USER_INFO.sub(r"\1…@", _STREAM.sub(r"\1…", value)))
    if isinstance(value, MutableMapping):
        return {k: "…" if _SECRET_KEY.search(str(k)) and v else _blotted(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_blotted(part) for part in value]
    return value
