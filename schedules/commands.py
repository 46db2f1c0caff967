"""What a clerk asks of a meeting on air is written down here; the live process carries it out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.models import AgendaItem, Command, Meeting
from schedules.states import ON_AIR, PHASE_MOVES, CommandKind, MeetingState, Phase
from schedules.transitions import audit

LONGEST_EXTENSION = 720  # minutes; more is a slip of the hand

PHASES = {
    Phase.WAITING: "har inte börjat",
    Phase.OPEN: "pågår",
    Phase.ADJOURNED: "är ajournerat",
    Phase.CLOSED: "är inom stängda dörrar",
    Phase.OVER: "är avslutat",
}

NOT_NOW = {
    CommandKind.OPEN: "Det kan bara öppnas när det ännu inte har börjat.",
    CommandKind.ADJOURN: "Det kan bara ajourneras medan det pågår.",
    CommandKind.CLOSE: "Dörrarna kan bara stängas när de är öppna.",
    CommandKind.RESUME: "Det kan bara återupptas efter en ajournering eller stängda dörrar.",
    CommandKind.END: "Det är redan avslutat.",
}


class CommandRefused(ValueError):
    """A command that cannot be carried out. The message is one Swedish sentence, or two, that say why."""


def ask(
    session: Session, meeting_id: int, kind: CommandKind, argument: str, who: str, now: datetime
) -> Command:
    """Write down what `who` asks of a meeting on air, and return it.

    argument: MARK: the agenda item's id; EXTEND: minutes; otherwise empty. Commands that were asked but have not yet
    been seen on the program count as done, so that two in quick succession are judged rightly.
    Raises CommandRefused.
    """
    meeting = session.get(Meeting, meeting_id)
    if meeting is None:
        raise CommandRefused(f"Sammanträde {meeting_id} finns inte. Numren visas av laktare meeting list.")
    if meeting.state not in ON_AIR:
        raise CommandRefused(_not_on_air(meeting))
    phase = _expected_phase(session, meeting)
    if kind in PHASE_MOVES and phase not in PHASE_MOVES[kind][0]:
        raise CommandRefused(f"Sammanträdet {PHASES[phase]}. {NOT_NOW[kind]}")
    if phase is Phase.OVER:
        raise CommandRefused("Sammanträdet är avslutat.")
    if kind is CommandKind.MARK:
        _check_item(session, meeting, argument)
    elif kind is CommandKind.EXTEND:
        _check_minutes(argument)
    command = Command(meeting_id=meeting_id, kind=kind, argument=argument, asked_by=who, asked_at=now)
    session.add(command)
    audit(session, who, f"command.{kind}", f"meeting {meeting_id}", now, argument=argument)
    session.flush()
    return command


def _not_on_air(meeting: Meeting) -> str:
    told = {
        MeetingState.PLANNED: "har ännu inte börjat sändas",
        MeetingState.ENDED: "är avslutat",
        MeetingState.CANCELLED: "är inställt",
        MeetingState.MISSED: "kom aldrig i sändning",
    }
    return f"Sammanträde {meeting.id} {told[meeting.state]} och tar inte emot kommandon."


def _expected_phase(session: Session, meeting: Meeting) -> Phase:
    phase = meeting.phase
    waiting = select(Command.kind).where(
        Command.meeting_id == meeting.id, Command.observed_at.is_(None), Command.refusal == ""
    )
    for kind in session.scalars(waiting.order_by(Command.id)):
        if kind in PHASE_MOVES and phase in PHASE_MOVES[kind][0]:
            phase = PHASE_MOVES[kind][1]
    return phase


def _check_item(session: Session, meeting: Meeting, argument: str) -> None:
    item = session.get(AgendaItem, int(argument)) if argument.isascii() and argument.isdecimal() else None
    if item is None or item.meeting_id != meeting.id:
        raise CommandRefused(f"Ärende {argument!r} finns inte på dagordningen för sammanträde {meeting.id}.")


def _check_minutes(argument: str) -> None:
    if not (argument.isascii() and argument.isdecimal() and 1 <= int(argument) <= LONGEST_EXTENSION):
        raise CommandRefused(
            f"Ett sammanträde förlängs med ett helt antal minuter, 1 till {LONGEST_EXTENSION}; {argument!r} går inte."
        )
