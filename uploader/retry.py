"""When to try again. Pure: an error and how often it has happened in, seconds or never out."""

from __future__ import annotations

import errno

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 900.0
ATTEMPTS = 8

_HOPELESS = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENOENT,
        errno.ENOTDIR,
    }
)


def next_try(error: Exception, attempt: int, *, attempts: int = ATTEMPTS) -> float | None:
    """Seconds until the next try after `attempt` (1 for the first) ended in `error`; None: a person is needed.

    An error that says it is `permanent` is believed, and so is a `retry_after` (seconds). One that is `patient` is
    tried again whatever `attempt` says. Other errors of ours and of the operating system are tried again, doubling
    from 2 s; what we do not know is a fault in the program and is not.
    """
    told: float | None = getattr(error, "retry_after", None)
    wait = min(FIRST_SECONDS * 2.0 ** min(attempt - 1, 32), LONGEST_SECONDS)
    if getattr(error, "patient", False):
        return wait if told is None else told
    if attempt >= attempts or getattr(error, "permanent", False):
        return None
    if not isinstance(error, OSError) and not hasattr(error, "permanent"):
        return None
    # An engine's own error stands for what the system said, such as a full disk.
    origin = error if isinstance(error, OSError) else error.__cause__
    if isinstance(origin, OSError) and origin.errno in _HOPELESS:
        return None
    return wait if told is None else max(wait, told)
