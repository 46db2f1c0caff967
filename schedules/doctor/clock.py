"""Is the clock kept right? A meeting begins by it. Asked of the kernel, as `timedatectl` does."""

from __future__ import annotations

import ctypes
from datetime import datetime

from schedules.findings import Finding, warning, well
from schedules.settings import Settings

PART = "klocka"
UNSYNCHRONISED_US = 16_000_000  # the kernel's estimate of the error once nobody has set the clock for long


class _Timex(ctypes.Structure):
    # The beginning of `struct timex` of adjtimex(2), with room for the rest of it.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 512),
    )


def largest_error() -> int | None:
    """The kernel's bound of the clock's error, µs; 16 s and more: nobody sets it. None: it cannot be asked."""
    timex = _Timex()
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else int(timex.maxerror)


def check_clock(settings: Settings, now: datetime, error_us: int | None) -> Finding:
    """Pure: how the clock is, given the kernel's bound of its error."""
    local = f"{now.astimezone(settings.zone):%Y-%m-%d %H:%M:%S} i {settings.timezone}"
    if error_us is None:
        return warning(
            PART, f"Klockan är {local}; om den ställs efter nätet går inte att se här: kontrollera det."
        )
    if error_us >= UNSYNCHRONISED_US:
        return warning(
            PART, f"Klockan är {local} men ställs inte efter nätet: slå på NTP (timedatectl set-ntp true)."
        )
    return well(PART, f"Klockan är {local} och ställs efter nätet.")
