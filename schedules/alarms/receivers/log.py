"""Tells the log: always there, and what a monitoring system reads."""

from __future__ import annotations

import structlog

from schedules.alarms.plan import Occasion
from schedules.alarms.receivers.notice import Notice
from schedules.settings import Settings

log = structlog.get_logger("laktare.alarm")


def is_set(settings: Settings) -> bool:
    """The log needs no setting."""
    return True


def tell(notice: Notice, settings: Settings) -> str:
    """Write one line: a warning while it lasts, information when it is over."""
    say = log.info if notice.occasion is Occasion.CLEARED else log.warning
    say(
        notice.headline,
        alarm=notice.alarm_id,
        kind=notice.kind,
        subject=notice.subject,
        occasion=notice.occasion.value,
        message=notice.message,
        raised_at=notice.raised_at.isoformat(),
    )
    return ""
