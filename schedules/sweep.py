"""One look at the meetings and what follows from it. Has no clock of its own: the scheduler calls it every second.

Every step can be taken twice: what is due is read from the rows anew each time, and rows move by conditional UPDATE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from signal import SIGKILL, SIGTERM

import structlog
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import meeting_subject, raise_alarm
from schedules.database import Database
from schedules.launcher import FRESH, Launcher
from schedules.models import LiveProcess, Meeting, Observation
from schedules.settings import Settings
from schedules.states import ON_AIR, MeetingState, Phase
from schedules.timetable import Action, Entry, GiveUp, Missed, Preflight, PutBack, StandDown, Start, Why, due
from schedules.transitions import move_meeting
from schedules.videos import enqueue_meeting

HORIZON = timedelta(hours=48)  # meetings further away are nobody's business yet
HUNG = timedelta(
    seconds=60
)  # a process that lives but has given no heartbeat for so long, while we could have read it
SETTLING = timedelta(seconds=30)  # how long an ended meeting's own process may take over its last work
WHO = "scheduler"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Seen:
    """What the database said at one look."""

    entries: tuple[Entry, ...]
    processes: Mapping[int, LiveProcess]


class Sweep:
    """Looks and acts. Not for several threads at once.

    on_preflight: takes a preflight that is due; it may come again until its Observation is written.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        launcher: Launcher,
        on_preflight: Callable[[Preflight], None],
    ) -> None:
        self._database = database
        self._settings = settings
        self._launcher = launcher
        self._on_preflight = on_preflight
        self._silent_since: dict[int, datetime] = {}

    def __call__(self, now: datetime) -> tuple[Entry, ...]:
        """Do what is due at `now` and return the meetings of the next hours.

        Raises what the database raises; a single meeting's trouble is logged and does not stop the others.
        """
        seen = self._read(now)
        running = self._launcher.running((entry.id for entry in seen.entries), seen.processes.values(), now)
        self._end_hung(running, seen, now)
        live = self._settings.live
        for action in due(
            seen.entries,
            running,
            now,
            prepare=self._settings.prepare,
            preflights=live.preflight_minutes,
            extend_limit=timedelta(minutes=live.extend_limit_minutes),
        ):
            try:
                self._act(action, seen.processes.get(action.meeting_id), now)
            except Exception:
                log.exception("action failed", meeting=action.meeting_id, action=type(action).__name__)
        self._hand_over_ended(seen, now)
        return seen.entries

    def _read(self, now: datetime) -> Seen:
        window = or_(
            Meeting.state.in_(ON_AIR),
            and_(Meeting.state == MeetingState.PLANNED, Meeting.planned_start < now + HORIZON),
        )
        with self._database.session() as session:
            rows = session.execute(
                select(Meeting.id, Meeting.state, Meeting.planned_start, Meeting.planned_end)
                .where(window)
                .order_by(Meeting.id)
            ).all()
            ids = [row.id for row in rows]
            done = _preflights_done(session, ids)
            processes = session.scalars(select(LiveProcess).where(LiveProcess.meeting_id.in_(ids)))
            return Seen(
                tuple(
                    Entry(
                        id=row.id,
                        state=row.state,
                        planned_start=row.planned_start,
                        planned_end=row.planned_end,
                        preflights=frozenset(done.get(row.id, ())),
                    )
                    for row in rows
                ),
                {process.meeting_id: process for process in processes},
            )

    def _act(self, action: Action, process: LiveProcess | None, now: datetime) -> None:
        match action:
            case Start():
                self._start(action, now)
            case Preflight():
                self._on_preflight(action)
            case Missed():
                self._miss(action.meeting_id, now)
            case StandDown():
                self._launcher.end(action.meeting_id, process, SIGTERM)
            case PutBack():
                with self._database.session() as session:
                    move_meeting(session, action.meeting_id, MeetingState.PLANNED, now=now, who=WHO)
            case GiveUp():
                self._give_up(action.meeting_id, process, now)

    def _start(self, action: Start, now: datetime) -> None:
        pid = self._launcher.start(action.meeting_id)
        if pid is None:
            return
        log.info("live process started", meeting=action.meeting_id, pid=pid, why=action.why.value)
        if action.why is Why.RESTART:
            self._mourn(action.meeting_id, now)

    def _mourn(self, meeting_id: int, now: datetime) -> None:
        # Even a death of two seconds is told; alarms.watch closes it when the next process beats.
        with self._database.session() as session:
            raise_alarm(
                session,
                AlarmKind.LIVE_PROCESS_DEAD,
                meeting_subject(meeting_id),
                "Processen som sänder sammanträdet dog och har startats om: kontrollera att bild och ljud går ut; "
                f"vad som hände står i loggen live-{meeting_id}.log.",
                now,
                meeting_id,
            )

    def _miss(self, meeting_id: int, now: datetime) -> None:
        with self._database.session() as session:
            if not move_meeting(session, meeting_id, MeetingState.MISSED, now=now, who=WHO):
                return
            meeting = session.get_one(Meeting, meeting_id)
            log.error("meeting missed", meeting=meeting_id, planned_start=meeting.planned_start.isoformat())
            raise_alarm(
                session,
                AlarmKind.NOT_ON_AIR,
                meeting_subject(meeting_id),
                f"{meeting.title} kom aldrig i sändning under sin planerade tid: kör laktare check och läs loggen; "
                "hölls sammanträdet, publicera en egen inspelning med laktare publish.",
                now,
                meeting_id,
            )

    def _give_up(self, meeting_id: int, process: LiveProcess | None, now: datetime) -> None:
        with self._database.session() as session:
            meeting = session.get_one(Meeting, meeting_id)
            last = process.heartbeat_at if process is not None else meeting.planned_end
            if move_meeting(
                session,
                meeting_id,
                MeetingState.ENDED,
                now=now,
                who=WHO,
                phase=Phase.OVER,
                ended_at=min(last, now),
            ):
                log.error("meeting ended without its process", meeting=meeting_id, last_seen=last.isoformat())

    def _end_hung(self, running: set[int], seen: Seen, now: datetime) -> None:
        """End a process that lives but gives no heartbeat. Counted from our own looks: while the database is away
        nobody can beat, and a recording must not be cut for that."""
        silent = {
            id_
            for id_ in running
            if (row := seen.processes.get(id_)) is not None and now - row.heartbeat_at >= FRESH
        }
        self._silent_since = {id_: self._silent_since.get(id_, now) for id_ in silent}
        for meeting_id, since in list(self._silent_since.items()):
            if now - since < HUNG:
                continue
            killed = self._launcher.end(meeting_id, seen.processes.get(meeting_id), SIGKILL)
            log.error("live process hung", meeting=meeting_id, killed=killed)
            self._silent_since[meeting_id] = now
            self._mourn(meeting_id, now)

    def _hand_over_ended(self, seen: Seen, now: datetime) -> None:
        """See to it that every meeting the public saw has its video, whatever died after the gavel."""
        orphans = select(Meeting).where(
            Meeting.state == MeetingState.ENDED, Meeting.began_at.is_not(None), ~Meeting.video.has()
        )
        with self._database.session() as session:
            for meeting in session.scalars(orphans):
                process = session.get(LiveProcess, meeting.id)
                rows: Iterable[LiveProcess] = () if process is None else (process,)
                settled = meeting.ended_at is None or now - meeting.ended_at >= SETTLING
                # Its own process does it when it has closed the recording.
                if settled or not self._launcher.running((meeting.id,), rows, now):
                    video = enqueue_meeting(session, self._settings, meeting, now)
                    log.info("recording handed over", meeting=meeting.id, video=video.id)


def _preflights_done(session: Session, ids: list[int]) -> dict[int, set[tuple[float, datetime]]]:
    done: dict[int, set[tuple[float, datetime]]] = {}
    rows = session.execute(
        select(Observation.meeting_id, Observation.detail).where(
            Observation.kind == "preflight", Observation.meeting_id.in_(ids)
        )
    )
    for meeting_id, detail in rows:
        key = (float(detail["minutes"]), datetime.fromisoformat(detail["planned_start"]))
        done.setdefault(meeting_id, set()).add(key)
    return done
