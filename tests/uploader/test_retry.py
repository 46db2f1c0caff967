"""The decision when to try again, as a table."""

from __future__ import annotations

import errno

import pytest

from uploader.errors import UploadError
from uploader.retry import ATTEMPTS, LONGEST_SECONDS, next_try

BUSY = UploadError("Upptagen.")


def raised_for(cause: OSError) -> UploadError:
    error = UploadError("Det gick inte.")
    error.__cause__ = cause
    return error


TABLE: list[tuple[str, Exception, int, float | None]] = [
    ("first failure", BUSY, 1, 2.0),
    ("it doubles", BUSY, 2, 4.0),
    ("and doubles", BUSY, 5, 32.0),
    ("the last attempt", BUSY, ATTEMPTS, None),
    ("after the last", BUSY, ATTEMPTS + 1, None),
    ("permanent", UploadError("Nej.", permanent=True), 1, None),
    ("permanent, whatever it says of later", UploadError("Nej.", permanent=True, retry_after=5), 1, None),
    ("told when", UploadError("Senare.", retry_after=3600), 1, 3600.0),
    ("told sooner than our own patience", UploadError("Strax.", retry_after=1), 3, 8.0),
    ("patient", UploadError("Vänta.", patient=True), 2, 4.0),
    ("patient, told when", UploadError("Vänta.", patient=True, retry_after=10), 7, 10.0),
    ("patient, after the last", UploadError("Vänta.", patient=True, retry_after=60), ATTEMPTS + 1, 60.0),
    ("patient, for years", UploadError("Vänta.", patient=True), 100_000, LONGEST_SECONDS),
    ("disk full", OSError(errno.ENOSPC, "full"), 1, None),
    ("quota", OSError(errno.EDQUOT, "quota"), 1, None),
    ("no right", PermissionError(errno.EACCES, "no"), 1, None),
    ("file gone", FileNotFoundError(errno.ENOENT, "gone"), 1, None),
    ("network", ConnectionResetError(errno.ECONNRESET, "reset"), 1, 2.0),
    ("disk error that may pass", OSError(errno.EIO, "io"), 2, 4.0),
    ("timeout", TimeoutError(), 1, 2.0),
    ("an engine's word for a full disk", raised_for(OSError(errno.ENOSPC, "full")), 1, None),
    ("an engine's word for what may pass", raised_for(OSError(errno.EIO, "io")), 1, 2.0),
    ("a fault in the program", KeyError("x"), 1, None),
]


@pytest.mark.parametrize(
    ("error", "attempt", "wait"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_next_try(error: Exception, attempt: int, wait: float | None) -> None:
    assert next_try(error, attempt) == wait


def test_it_never_waits_longer_than_the_longest() -> None:
    waits = [next_try(BUSY, attempt, attempts=40) for attempt in range(1, 40)]
    assert None not in waits
    assert max(wait for wait in waits if wait is not None) == LONGEST_SECONDS


def test_fewer_attempts_where_asked() -> None:
    assert [next_try(BUSY, attempt, attempts=3) for attempt in (1, 2, 3)] == [2.0, 4.0, None]
