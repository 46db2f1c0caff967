"""Times and lengths as people read them, in the municipality's time zone."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_date, format_datetime
from flask import Flask
from flask_babel import get_locale

from web import house


def init_app(app: Flask) -> None:
    """Give the templates the filters of this module."""
    app.jinja_env.filters.update(
        day=day, short_day=short_day, clock=clock, stamp=stamp, length_of=length, iso_length=iso_length
    )


def local(moment: datetime) -> datetime:
    """`moment` on the wall clock of the municipality."""
    return moment.astimezone(house().settings.zone)


def day(moment: datetime) -> str:
    """onsdag 28 oktober 2026."""
    # Asked for by its parts: Swedish "full" writes "onsdagen den", which does not stand well by itself.
    pattern = "EEEE d MMMM y" if str(get_locale()) == "sv" else "EEEE, d MMMM y"
    return format_date(local(moment), pattern, locale=get_locale())


def short_day(moment: datetime) -> str:
    """28 okt. 2026."""
    return format_date(local(moment), "d MMM y", locale=get_locale())


def clock(moment: datetime) -> str:
    """18.00 in Swedish, 18:00 in English."""
    # Svenska skrivregler: a full stop between hours and minutes.
    return format_datetime(
        local(moment), "HH.mm" if str(get_locale()) == "sv" else "HH:mm", locale=get_locale()
    )


def stamp(moment: datetime) -> str:
    """The machine's form for <time datetime>, with the offset of that day."""
    return local(moment).isoformat(timespec="seconds")


def length(seconds: float) -> str:
    """2:05:09 or 5:09."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def iso_length(seconds: float) -> str:
    """PT2H5M9S for <time datetime>."""
    whole = int(seconds)
    return f"PT{whole // 3600}H{whole // 60 % 60}M{whole % 60}S"
