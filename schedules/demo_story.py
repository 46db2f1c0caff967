"""The story of the demo: one short meeting, asked for as a clerk asks, from the slate to the archive."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from broadcast.events import OnAir
from broadcast.ledger import Ledger, read_ledger
from schedules.commands import CommandRefused, ask
from schedules.demo import BODY, DemoError, DemoHouse
from schedules.models import AgendaItem, Broadcast, Command, Meeting, Publication, Video
from schedules.states import CommandKind, MeetingState, Phase, PublicationState, VideoState
from schedules.wording import meeting_page

LEAD = timedelta(seconds=10)  # from the calendar to the planned start
ACTS_SECONDS = 60.0  # the length of ACTS
PUBLISH_SECONDS = 180.0
TITLE = "Kommunfullmäktige, demo"
ITEMS = ("Upprop och val av justerare", "Budget för nästa år", "Motion om fler bänkar i parken")
STEPS = {"": "väntar", "verify": "kontrolleras", "render": "klipps och sätts ihop", "pictures": "bilder görs",
         "publish": "publiceras"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Act:
    """What is asked, `at` seconds after the source came on air. argument: for MARK the item's number on the agenda."""

    at: float
    kind: CommandKind
    said: str
    argument: str = ""


ACTS = (
    Act(at=2, kind=CommandKind.MARK, argument="1", said=f"Ärende 1: {ITEMS[0]}"),
    Act(at=12, kind=CommandKind.MARK, argument="2", said=f"Ärende 2: {ITEMS[1]}"),
    Act(at=22, kind=CommandKind.ADJOURN, said="Ajournering: skylt utåt"),
    Act(at=29, kind=CommandKind.RESUME, said="Sammanträdet återupptas"),
    Act(at=36, kind=CommandKind.CLOSE, said="Stängda dörrar: ingenting sänds eller spelas in"),
    Act(at=44, kind=CommandKind.RESUME, said="Dörrarna öppnas"),
    Act(at=47, kind=CommandKind.MARK, argument="3", said=f"Ärende 3: {ITEMS[2]}"),
    Act(at=ACTS_SECONDS, kind=CommandKind.END, said="Klubban faller"),
)


@dataclass(frozen=True, kw_only=True)
class Told:
    """Something to show. milestone: worth a line of its own; otherwise it is how things stand at the moment."""

    text: str
    milestone: bool = True


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it, as `laktare demo --exit` prints it. Seconds; mp4: the published file."""

    start_delay_s: float
    on_air_s: float
    frames_lost: int
    gavel_to_playable_s: float
    mp4: str
    youtube: str = ""  # the film's id there, where the demo goes there too


class Story:
    """One meeting in a demo house. `tell` yields what happens; afterwards there are `outcome` and `address`.

    length: seconds on air; the acts are stretched to it.
    """

    outcome: Outcome

    def __init__(self, house: DemoHouse, length: float = ACTS_SECONDS) -> None:
        self._house = house
        self._database = house.database
        self._stretch = length / ACTS_SECONDS
        self._meeting_id = 0
        self._gavel = datetime.now(UTC)

    @property
    def address(self) -> str:
        """The meeting's page."""
        return meeting_page(self._house.settings, self._meeting_id)

    def tell(self) -> Iterator[Told]:
        """Play it to the end. Raises DemoError."""
        start = self._plan(datetime.now(UTC))
        yield Told(
            text=f"Ett sammanträde står i kalendern och börjar om {LEAD.seconds} sekunder: {self.address}"
        )
        yield from self._await_air(start)
        began = time.monotonic()
        for act in ACTS:
            yield from self._sleep(began + act.at * self._stretch)
            self._ask(act)
            yield Told(text=act.said)
        yield from self._await_end()
        yield from self._await_film()
        if self._house.settings.bodies[BODY].also:
            yield from self._await_youtube()

    def _plan(self, now: datetime) -> datetime:
        settings, start = self._house.settings, now + LEAD
        with self._database.session() as session:
            meeting = Meeting(
                body=BODY,
                title=TITLE,
                planned_start=start,
                planned_end=start + timedelta(hours=1),
                source=settings.source_of(BODY),
                platforms=list(settings.bodies[BODY].platforms),
                channel=settings.bodies[BODY].channel,
                also=list(settings.bodies[BODY].also),
                agenda=[AgendaItem(position=n, title=title) for n, title in enumerate(ITEMS, start=1)],
            )
            session.add(meeting)
            session.flush()
            self._meeting_id = meeting.id
        return start

    def _await_air(self, start: datetime) -> Iterator[Told]:
        prepared = False
        for _ in self._polls(40 + LEAD.seconds, "Sammanträdet kom inte i sändning i tid."):
            meeting = self._meeting()
            left = (start - datetime.now(UTC)).total_seconds()
            if not prepared and meeting.state is MeetingState.PREPARING:
                prepared = True
                yield Told(text="Sändningen förbereds, skylten visas")
            if meeting.phase is Phase.OPEN and meeting.began_at is not None:
                delay = (meeting.began_at - meeting.planned_start).total_seconds()
                yield Told(
                    text=f"I sändning {delay:.1f} s efter utsatt tid: {self.address}".replace(".", ",", 1)
                )
                return
            yield Told(text=f"Börjar om {max(0, left):.0f} s", milestone=False)

    def _ask(self, act: Act) -> None:
        now = datetime.now(UTC)
        try:
            with self._database.session() as session:
                argument = act.argument
                if act.kind is CommandKind.MARK:
                    items = session.get_one(Meeting, self._meeting_id).agenda
                    argument = str(items[int(act.argument) - 1].id)
                command = ask(session, self._meeting_id, act.kind, argument, "demo", now).id
        except CommandRefused as refusal:
            raise DemoError(f"{act.said}: {refusal}") from None
        self._gavel = now
        for _ in self._polls(10, f"{act.said}: syntes inte i sändningen inom 10 s."):
            with self._database.session() as session:
                row = session.get_one(Command, command)
                if row.refusal:
                    raise DemoError(f"{act.said}: {row.refusal}")
                if row.observed_at is not None:
                    return

    def _await_end(self) -> Iterator[Told]:
        for _ in self._polls(30, "Sändningen avslutades inte."):
            if self._meeting().state is MeetingState.ENDED:
                return
            yield Told(text="Sluttavlan visas", milestone=False)

    def _await_film(self) -> Iterator[Told]:
        yield Told(text="Inspelningen görs färdig")
        for _ in self._polls(PUBLISH_SECONDS, "Filmen blev inte färdig i tid."):
            with self._database.session() as session:
                video = session.query(Video).filter_by(meeting_id=self._meeting_id).one_or_none()
            if video is None:
                continue
            if video.state is VideoState.FAILED:
                raise DemoError(f"Filmen kunde inte göras färdig: {video.error}")
            path = f"/media/{video.key}/video.mp4"
            if video.state is VideoState.PUBLISHED and self._plays(path):
                self._conclude(video)
                yield Told(text=f"Klar att se: {self.address}")
                return
            step = STEPS.get(video.step, video.step)
            yield Told(text=f"Filmen {step} {video.percent:.0f} %", milestone=False)

    def _await_youtube(self) -> Iterator[Told]:
        with self._database.session() as session:
            broadcasts = session.query(Broadcast).filter_by(meeting_id=self._meeting_id).all()
        for broadcast in broadcasts:
            yield Told(text=f"Sändningen på YouTube: {broadcast.address} ({broadcast.state})")
        for _ in self._polls(PUBLISH_SECONDS, "Filmen kom inte upp på YouTube i tid."):
            with self._database.session() as session:
                query = session.query(Publication).join(Publication.video)
                there = query.filter(
                    Video.meeting_id == self._meeting_id, Publication.channel != Video.channel
                )
                publication = there.one_or_none()
            if publication is None:
                continue
            if publication.state is PublicationState.FAILED:
                raise DemoError(f"Filmen kom inte upp på YouTube: {publication.error}")
            if publication.state is PublicationState.PUBLISHED:
                self.outcome = replace(self.outcome, youtube=publication.address)
                yield Told(text=f"Filmen på YouTube: {publication.address}")
                return
            yield Told(text=f"YouTube: {publication.step} {publication.percent:.0f} %", milestone=False)

    def _conclude(self, video: Video) -> None:
        now, meeting = datetime.now(UTC), self._meeting()
        if meeting.began_at is None or meeting.on_air_at is None or meeting.ended_at is None:
            raise DemoError("Sammanträdet har ingen observerad tid i sändning.")
        ledger = read_ledger(self._house.settings.recording_folder(meeting.id))
        self.outcome = Outcome(
            start_delay_s=round((meeting.began_at - meeting.planned_start).total_seconds(), 2),
            on_air_s=round((meeting.ended_at - meeting.on_air_at).total_seconds(), 1),
            frames_lost=frames_lost(ledger),
            gavel_to_playable_s=round((now - self._gavel).total_seconds(), 1),
            mp4=str(self._mp4(video)),
        )

    def _mp4(self, video: Video) -> Path:
        file = self._house.settings.archive_folder(video.key) / "video.mp4"
        if not file.is_file():
            raise DemoError("Filmen är publicerad men filen saknas i arkivet.")
        return file

    def _plays(self, path: str) -> bool:
        """Whether a player gets the beginning of the film from our own site."""
        site = self._house.settings.site
        connection = HTTPConnection(site.host, site.port, timeout=5)
        try:
            connection.request("GET", path, headers={"Range": "bytes=0-1023"})
            answer = connection.getresponse()
            return answer.status == 206 and len(answer.read()) == 1024
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _meeting(self) -> Meeting:
        with self._database.session() as session:
            meeting = session.get_one(Meeting, self._meeting_id)
        if meeting.state in (MeetingState.MISSED, MeetingState.CANCELLED):
            raise DemoError("Sammanträdet kom inte i sändning.")
        return meeting

    def _sleep(self, until: float) -> Iterator[Told]:
        while (left := until - time.monotonic()) > 0:
            self._house.check()
            yield Told(text=f"I sändning, {left:.0f} s till nästa", milestone=False)
            time.sleep(min(left, 0.25))

    def _polls(self, seconds: float, too_late: str) -> Iterator[None]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._house.check()
            yield None
            time.sleep(0.1)
        raise DemoError(too_late)


def frames_lost(ledger: Ledger) -> int:
    """Frames that were to be on air and are not in the recording, or were dropped, each counted once."""
    gone = [(run.start, run.end) for run in ledger.runs if run.on_air in (OnAir.LOST, OnAir.SHED)]
    gone += [(missing.start, missing.end) for missing in ledger.missing]
    lost, reached = 0, 0
    for start, end in sorted(gone):
        lost += max(0, end - max(start, reached))
        reached = max(reached, end)
    return lost
