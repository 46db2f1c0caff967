"""What the calendar says no to."""


class CalendarError(ValueError):
    """The calendar cannot hold what was asked. The message is a Swedish sentence that says why and what to do."""
