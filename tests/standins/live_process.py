"""A live process that sends nothing but keeps the contract: `… -m tests.standins.live_process MEETING DATABASE DATA`.

It takes the lock (75 when somebody has it), moves the meeting PLANNED → PREPARING → LIVE at its planned start, beats in
`live_processes`, ends at the planned end or at a command, and goes on after SIGTERM's next start. It writes each start
into `data/starts`, so that a test can count them.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.database import open_database
from schedules.locks import FileLock
from schedules.models import Command, LiveProcess, Meeting
from schedules.states import ON_AIR, CommandKind, MeetingState, Phase
from schedules.transitions import move_meeting

BEAT_SECONDS = 0.2


def main() -> None:
    """The command line."""
    meeting_id, url, data = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    lock = FileLock(data / "recordings" / str(meeting_id) / "live.lock")
    if not lock.take():
        sys.exit(75)
    with (data / "starts").open("a") as starts:
        starts.write(f"{meeting_id} {os.getpid()}\n")
    database = open_database(url)
    started = datetime.now(UTC)
    while not stop.wait(BEAT_SECONDS):
        with database.session() as session:
            ended = _step(session, meeting_id, started)
        if ended:
            sys.exit(0)
    sys.exit(1)


def _step(session: Session, meeting_id: int, started: datetime) -> bool:
    now = datetime.now(UTC)
    session.merge(
        LiveProcess(
            meeting_id=meeting_id, host=socket.gethostname(), pid=os.getpid(), started_at=started,
            heartbeat_at=now, status={},
        )
    )  # fmt: skip
    meeting = session.get_one(Meeting, meeting_id)
    if meeting.state is MeetingState.CANCELLED:
        return True
    move_meeting(session, meeting_id, MeetingState.PREPARING, now=now, who="stand-in")
    if meeting.state not in ON_AIR:
        session.refresh(meeting)
    meeting.on_air_at = meeting.on_air_at or now
    if now >= meeting.planned_start and meeting.began_at is None:
        meeting.began_at, meeting.phase = now, Phase.OPEN
        session.flush()
        move_meeting(session, meeting_id, MeetingState.LIVE, now=now, who="stand-in")
    asked = select(Command).where(Command.meeting_id == meeting_id, Command.kind == CommandKind.END)
    if now >= meeting.planned_end or session.scalars(asked).first() is not None:
        meeting.phase = Phase.OVER
        session.flush()
        move_meeting(session, meeting_id, MeetingState.ENDED, now=now, who="stand-in", ended_at=now)
        return True
    return False


if __name__ == "__main__":
    main()
