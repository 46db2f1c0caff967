"""Who is told of alarms: one file per way, registered here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schedules.alarms.receivers import log, mail, webhook
from schedules.alarms.receivers.notice import Notice
from schedules.settings import Settings


@dataclass(frozen=True)
class Receiver:
    """is_set: whether the settings want it. tell: passes a notice on, returns a remark or nothing, raises TellError."""

    is_set: Callable[[Settings], bool]
    tell: Callable[[Notice, Settings], str]


RECEIVERS: dict[str, Receiver] = {
    "log": Receiver(log.is_set, log.tell),
    "mail": Receiver(mail.is_set, mail.tell),
    "webhook": Receiver(webhook.is_set, webhook.tell),
}
