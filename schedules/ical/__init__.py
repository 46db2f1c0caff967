"""Brings the calendars that other programs export into ours."""

from schedules.ical.importing import HORIZON_DAYS, import_calendar
from schedules.ical.plan import Change, Fate, ImportPlan

__all__ = ["HORIZON_DAYS", "Change", "Fate", "ImportPlan", "import_calendar"]
