"""Who is told what, and when an expected thing did not happen.

`raise_alarm` and `clear_alarm` write alarms down, `AlarmRules` reads them from what happens on air, `watch_air` and
`watch_disk` from what does not, and `tell` passes them on to the log, by mail and by webhook.
"""

from schedules.alarms.kinds import HEADINGS, AlarmKind, heading
from schedules.alarms.raising import (
    apply_changes,
    clear_alarm,
    clear_meeting,
    meeting_subject,
    open_alarms,
    raise_alarm,
)
from schedules.alarms.rules import ON_AIR_KINDS, AlarmRules, AlarmState, Change, Clear, Raise
from schedules.alarms.telling import tell
from schedules.alarms.watch import GRACE, Missing, missing_from_air, watch_air, watch_disk

__all__ = [
    "GRACE",
    "HEADINGS",
    "ON_AIR_KINDS",
    "AlarmKind",
    "AlarmRules",
    "AlarmState",
    "Change",
    "Clear",
    "Missing",
    "Raise",
    "apply_changes",
    "clear_alarm",
    "clear_meeting",
    "heading",
    "meeting_subject",
    "missing_from_air",
    "open_alarms",
    "raise_alarm",
    "tell",
    "watch_air",
    "watch_disk",
]
