"""`python -m schedules.tether PARENT COMMAND…`: becomes COMMAND, which gets SIGTERM when process PARENT dies.

So that a killed supervisor leaves no page server on its port. A wrapper and not `preexec_fn`, which is unsafe in a
process with threads. Linux only (prctl(2), PR_SET_PDEATHSIG, kept over execve); elsewhere it is only COMMAND.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """The command line."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(0)
    os.execvp(command[0], command)  # noqa: S606 - a list, no shell


if __name__ == "__main__":
    main()
