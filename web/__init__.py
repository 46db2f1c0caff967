"""What people see: citizens, clerks, staff, open data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask, current_app

from schedules.database import Database
from schedules.settings import Settings


@dataclass(frozen=True)
class House:
    """What every page needs: the settings, the calendar and the clock."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(settings: Settings, database: Database, *, clock: Callable[[], datetime] = _utc_now) -> Flask:
    """The pages as a WSGI application. `clock` gives the present moment, aware."""
    # Here, not above: the modules below import `house` from this one.
    from web import assets, citizens, faults, headers, languages, media, monitoring, times

    app = Flask("web")
    app.extensions["laktare"] = House(settings, database, clock)
    languages.init_app(app)
    times.init_app(app)
    assets.init_app(app)
    headers.init_app(app)
    faults.init_app(app)
    languages.register(app, citizens.pages)
    app.register_blueprint(media.files)
    app.register_blueprint(monitoring.doors)
    return app


def house() -> House:
    """The settings, calendar and clock of the application that answers the present request."""
    found: House = current_app.extensions["laktare"]
    return found
