"""One meeting on air, in a process of its own: `python -m schedules.live MEETING [--settings FILE]`.

It lives from the preparation to the gavel and needs nobody: scheduler, web and worker may come and go. Killed, it is
started again and goes on where the clock stands, in the phase that was last seen.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from broadcast.encoder_arguments import Encoding
from broadcast.events import OnAir, ProgramChanged, SecondMeasured
from broadcast.ffmpeg import find_ffmpeg
from broadcast.onair import Broadcast, Plan
from broadcast.platforms import LivePlatform
from broadcast.slate import Slate
from broadcast.source import PictureFormat, Source
from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import clear_alarm, clear_meeting, meeting_subject, open_alarms, raise_alarm
from schedules.alarms.rules import ON_AIR_KINDS, AlarmRules, AlarmState
from schedules.database import Database, open_database
from schedules.ending import reason_to_end
from schedules.locks import FileLock
from schedules.logbook import Logbook, phase_of
from schedules.logs import configure_logs
from schedules.models import AgendaItem, Command, LiveProcess, Meeting, Observation
from schedules.platforms import open_platforms
from schedules.settings import Settings, load_settings
from schedules.slates import slate_texts
from schedules.states import ON_AIR, PHASE_MOVES, CommandKind, MeetingState, Phase
from schedules.transitions import move_meeting
from schedules.videos import enqueue_meeting

TICK_SECONDS = 0.1
CLOSED_GUARD_SECONDS = 1.5  # a network camera's picture may be this old when it reaches us
TAKEN = 75  # EX_TEMPFAIL of sysexits.h: another process has this meeting
_SLATES = {
    Phase.WAITING: Slate.WAITING,
    Phase.ADJOURNED: Slate.ADJOURNED,
    Phase.CLOSED: Slate.CLOSED,
    Phase.OVER: Slate.OVER,
}
_log = structlog.get_logger()


def make_plan(settings: Settings, meeting: Meeting, platforms: tuple[LivePlatform, ...]) -> Plan:
    """What the meeting's broadcast is made of. Raises KeyError for a source the settings lost."""
    source = settings.sources[meeting.source]
    body = settings.bodies.get(meeting.body)
    return Plan(
        folder=settings.recording_folder(meeting.id),
        source=Source(
            kind=source.kind,
            address=source.address.get_secret_value(),
            sound=source.sound,
            listen=source.listen,
        ),
        picture=PictureFormat(
            width=settings.picture.width, height=settings.picture.height, fps=settings.picture.fps
        ),
        encoding=Encoding(video_kbit=settings.picture.video_kbit, audio_kbit=settings.picture.audio_kbit),
        slates=slate_texts(body.name if body else meeting.title, meeting.planned_start, settings.zone),
        platforms=platforms,
    )


class LiveMeeting:
    """Follows one meeting's row and commands, and steers its broadcast."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        meeting_id: int,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        self._settings, self._database, self._id, self._clock = settings, database, meeting_id, clock
        with database.session() as session:
            meeting = session.get_one(Meeting, meeting_id)
            alarms = AlarmState.resumed(a.kind for a in open_alarms(session, meeting_id))
            platforms = open_platforms(settings, database, session, meeting)
            self._plan = make_plan(settings, meeting, platforms)
            self._begin, self._end = meeting.planned_start, meeting.planned_end
            self._cancelled = meeting.state is MeetingState.CANCELLED
        self._phase = meeting.phase  # asked for; what is observed stands in the row
        self._seen = meeting.phase
        rules = AlarmRules(
            after=settings.live.alarm_after_seconds,
            silence_below=settings.live.silence_below,
            platforms={key: settings.platforms[key].name for key in meeting.platforms},
        )
        self._logbook = Logbook(database, meeting_id, self._plan.picture.fps, rules, alarms)
        self._broadcast = Broadcast(self._plan, find_ffmpeg(settings.ffmpeg))
        self._last_speech = clock()
        self._waiting_for: list[tuple[int, Phase]] = []  # commands whose effect has not been seen yet
        self._interrupted = False

    def interrupt(self) -> None:
        """Go off air in good order without ending the meeting, such as when the machine is shut down."""
        self._interrupted = True

    def run(self) -> bool:
        """Have the meeting on air until it ends. False: it was interrupted and is to be started again."""
        now = self._clock()
        with self._database.session() as session:
            move_meeting(session, self._id, MeetingState.PREPARING, now=now, who="laktare")
            session.merge(self._report(now, started=now))
        if (
            self._phase is Phase.OPEN
        ):  # started again in the middle: until the camera answers, the slate says so
            self._broadcast.show(Slate.SOURCE_LOST)
        self._show(self._phase)
        self._aim()
        self._broadcast.start(now=self._clock())
        _log.info("on air", meeting=self._id, phase=self._phase.value, frame=self._broadcast.frame)
        self._note_start()
        last_second = 0
        while not self._interrupted and self._phase is not Phase.OVER:
            self._tick()
            if int(time.monotonic()) != last_second:
                last_second = int(time.monotonic())
                self._each_second()
            time.sleep(TICK_SECONDS)
        if not self._interrupted:
            self._say_goodbye()
        self._broadcast.stop()
        self._tick()
        if not self._interrupted:
            self._conclude()
        self._logbook.write()
        # Now: the film need not wait for a platform that takes its time, nor the platform for a database that is away.
        self._broadcast.leave(ended=not self._interrupted)
        self._tick()
        self._drain()
        return not self._interrupted

    def _aim(self) -> None:
        # Opened early, it goes live elsewhere at once; behind closed doors there is no hurry.
        opened = self._phase not in (Phase.WAITING, Phase.CLOSED)
        self._broadcast.aim(starts=self._begin, opened=opened)

    def _note_start(self) -> None:
        epoch = self._broadcast.epoch

        def note(session: Session) -> None:
            meeting = session.get_one(Meeting, self._id)
            meeting.on_air_at = meeting.on_air_at or epoch

        self._logbook.later(note)

    def _tick(self) -> None:
        now = self._clock()
        if self._phase is Phase.WAITING and now >= self._begin and not self._cancelled:
            self._phase = Phase.OPEN
            self._last_speech = now
            self._show(Phase.OPEN)
        for event in self._broadcast.events():
            if isinstance(event, SecondMeasured):
                heard = event.on_air is OnAir.SOURCE and event.loudness >= self._settings.live.silence_below
                self._last_speech = max(self._last_speech, event.at) if heard else self._last_speech
            elif isinstance(event, ProgramChanged):
                self._observe(event)
            else:
                _log.info("seen", meeting=self._id, what=type(event).__name__)
            self._logbook.note(event, now)
        if self._logbook.write():
            self._take_commands(now)

    def _observe(self, event: ProgramChanged) -> None:
        phase = phase_of(event)
        if phase is Phase.OPEN and self._seen is not Phase.OPEN:
            self._last_speech = event.at
        self._seen = phase
        for command_id, wanted in [w for w in self._waiting_for if w[1] is phase]:
            self._waiting_for.remove((command_id, wanted))
            self._logbook.later(_observed(command_id, event.at))

    def _take_commands(self, now: datetime) -> None:
        try:
            with self._database.session() as session:
                taken = {command_id for command_id, _ in self._waiting_for}
                waiting = select(Command).where(
                    Command.meeting_id == self._id, Command.observed_at.is_(None), Command.refusal == ""
                )
                for command in session.scalars(waiting.order_by(Command.id)):
                    if command.id not in taken:
                        self._obey(session, command, now)
        except SQLAlchemyError as error:
            _log.warning("commands cannot be read", meeting=self._id, error=type(error).__name__)

    def _obey(self, session: Session, command: Command, now: datetime) -> None:
        if command.kind in PHASE_MOVES:
            allowed, after = PHASE_MOVES[command.kind]
            if self._phase not in allowed:
                command.refusal = "Sammanträdet hade redan gått vidare."
                return
            guard = CLOSED_GUARD_SECONDS if self._phase is Phase.CLOSED else 0.0
            self._phase = after
            self._last_speech = now  # nobody could be heard until now
            self._waiting_for.append((command.id, after))
            self._show(after, guard)
            _log.info("asked", meeting=self._id, command=command.kind.value, by=command.asked_by)
        elif command.kind is CommandKind.MARK:
            item = session.get(AgendaItem, int(command.argument))
            if item is None:
                command.refusal = "Ärendet finns inte längre på dagordningen."
                return
            item.marked_at = command.observed_at = now
        else:
            meeting = session.get_one(Meeting, self._id)
            meeting.planned_end = max(meeting.planned_end, now) + timedelta(minutes=int(command.argument))
            command.observed_at = now

    def _each_second(self) -> None:
        now = self._clock()
        try:
            with self._database.session() as session:
                meeting = session.get_one(Meeting, self._id)
                self._begin, self._end = meeting.planned_start, meeting.planned_end
                self._cancelled = meeting.state is MeetingState.CANCELLED
                session.merge(self._report(now))
                self._watch_disk(session, now)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("heartbeat cannot be written", meeting=self._id, error=type(error).__name__)
        self._aim()
        if self._cancelled:
            self._finish("cancelled", now)
        else:
            reason = reason_to_end(
                planned_end=self._end,
                now=now,
                phase=self._phase,
                last_speech=self._last_speech,
                live=self._settings.live,
            )
            if reason:
                self._finish(reason, now)

    def _finish(self, reason: str, now: datetime) -> None:
        _log.info("ends by itself", meeting=self._id, reason=reason)
        self._phase = Phase.OVER
        self._show(Phase.OVER)
        entry = {"meeting_id": self._id, "at": now, "kind": "ended_by_itself", "detail": {"reason": reason}}
        self._logbook.later(lambda session: session.add(Observation(**entry)))

    def _watch_disk(self, session: Session, now: datetime) -> None:
        free = shutil.disk_usage(self._plan.folder).free
        subject = meeting_subject(self._id)
        if free < self._settings.live.low_disk_gb * 1e9:
            message = f"Bara {free / 1e9:.1f} GB är lediga på disken: gör plats, annars stannar inspelningen."
            raise_alarm(session, AlarmKind.LOW_DISK, subject, message.replace(".", ",", 1), now, self._id)
        else:
            clear_alarm(session, AlarmKind.LOW_DISK, subject, now)

    def _show(self, phase: Phase, guard: float = 0.0) -> None:
        self._broadcast.show(_SLATES.get(phase), guard=guard)

    def _report(self, now: datetime, started: datetime | None = None) -> LiveProcess:
        report = LiveProcess(
            meeting_id=self._id,
            host=socket.gethostname(),
            pid=os.getpid(),
            heartbeat_at=now,
            status=self._broadcast.status(),
        )
        if started is not None:
            report.started_at = started
        return report

    def _say_goodbye(self) -> None:
        until = time.monotonic() + self._settings.live.farewell_seconds
        while time.monotonic() < until and not self._interrupted:
            self._tick()
            time.sleep(TICK_SECONDS)

    def _conclude(self) -> None:
        now = self._clock()

        def conclude(session: Session) -> None:
            meeting = session.get_one(Meeting, self._id)
            if meeting.state in ON_AIR:
                meeting.phase = Phase.OVER
                session.flush()
                seen = meeting.began_at is not None
                to = MeetingState.ENDED if seen else MeetingState.MISSED
                move_meeting(session, self._id, to, now=now, who="laktare", ended_at=now)
                session.refresh(meeting)
                if seen:
                    enqueue_meeting(session, self._settings, meeting, now)
            clear_meeting(session, self._id, ON_AIR_KINDS, now)

        self._logbook.later(conclude)

    def _drain(self) -> None:
        while not self._logbook.write():
            time.sleep(1.0)


def _observed(command_id: int, at: datetime) -> Callable[[Session], None]:
    def write(session: Session) -> None:
        command = session.get(Command, command_id)
        if command is not None:
            command.observed_at = at

    return write


@click.command()
@click.argument("meeting_id", type=int)
@click.option("--settings", "settings_file", type=click.Path(path_type=Path), default=None)
def main(meeting_id: int, settings_file: Path | None) -> None:
    """Have one meeting on air. Exit status 75: another process has it; 1: it was interrupted."""
    configure_logs()
    settings = load_settings(settings_file)
    lock = FileLock(settings.recording_folder(meeting_id) / "live.lock")
    if not lock.take():
        _log.warning("another process has the meeting on air", meeting=meeting_id)
        sys.exit(TAKEN)
    database = open_database(settings.database_url)
    with database.session() as session:
        meeting = session.get(Meeting, meeting_id)
        if meeting is None or meeting.state not in {MeetingState.PLANNED, *ON_AIR}:
            _log.warning(
                "there is nothing to send", meeting=meeting_id, state=meeting.state if meeting else None
            )
            return
    live = LiveMeeting(settings, database, meeting_id)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: live.interrupt())
    finished = live.run()
    database.close()
    if not finished:
        sys.exit(1)


if __name__ == "__main__":
    main()
