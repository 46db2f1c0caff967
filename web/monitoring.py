"""What a monitor asks: does the house stand?"""

from __future__ import annotations

import time

import structlog
from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from schedules import public
from web import house

doors = Blueprint("monitoring", __name__)
log = structlog.get_logger(__name__)
STALE_SECONDS = 60


@doors.get("/status")
def status() -> tuple[Response, int]:
    """200 where all that can be seen from here is well, else 503. `null` means: not seen from here."""
    database = _database_answers()
    age = _scheduler_age()
    healthy = database and (age is None or age < STALE_SECONDS)
    answer = jsonify(
        healthy=healthy,
        database=database,
        scheduler=None if age is None else age < STALE_SECONDS,
        scheduler_seconds=None if age is None else round(age, 1),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer, 200 if healthy else 503


def _database_answers() -> bool:
    try:
        with house().database.session() as session:
            return public.answers(session)
    except SQLAlchemyError as error:
        # Only its kind: the text of a driver's error may carry the address with the password.
        log.error("database does not answer", error=type(error).__name__)
        return False


def _scheduler_age() -> float | None:
    """Seconds since the scheduler last swept; None where it keeps its heartbeat on another machine."""
    heartbeat = house().settings.data / "run" / "scheduler.heartbeat"
    try:
        return max(0.0, time.time() - heartbeat.stat().st_mtime)
    except OSError:
        return None
