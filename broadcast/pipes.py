"""Pipes of whole frames between us and a child."""

from __future__ import annotations

import fcntl
import os

LARGE = 1 << 20
"""Bytes a pipe is asked to hold: the largest an unprivileged process may ask for (pipe(7))."""


def large_pipe() -> tuple[int, int]:
    """A pipe (read end, write end) of 1 MiB where the system allows it, so that a frame takes few system calls."""
    read_end, write_end = os.pipe()
    try:
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, LARGE)
    except OSError:
        pass  # the default size works too, with more system calls
    return read_end, write_end


def read_into(fd: int, buffer: memoryview) -> bool:
    """Fill `buffer` from `fd`. False: the writer closed before it was full."""
    done = 0
    while done < len(buffer):
        got = os.readv(fd, [buffer[done:]])
        if got == 0:
            return False
        done += got
    return True


def write_all(fd: int, data: memoryview) -> None:
    """Write all of `data` to `fd`. Raises OSError (EPIPE) when the reader is gone."""
    done = 0
    while done < len(data):
        done += os.write(fd, data[done:])
