"""What may be asked of a meeting, and the sentences for what may not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.commands import CommandRefused, ask
from schedules.database import Database
from schedules.models import AgendaItem, AuditEntry, Command, Meeting
from schedules.states import CommandKind, MeetingState, Phase

NOW = datetime(2026, 10, 28, 17, 30, tzinfo=UTC)
K = CommandKind


def meeting(session: Session, state: MeetingState = MeetingState.LIVE, phase: Phase = Phase.OPEN) -> Meeting:
    row = Meeting(
        body="kf", title="Kommunfullmäktige", planned_start=NOW - timedelta(hours=1),
        planned_end=NOW + timedelta(hours=1), source="test", platforms=["local"], channel="archive",
        state=state, phase=phase, agenda=[AgendaItem(position=1, title="Upprop")],
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def test_a_command_is_written_down_with_who_and_when(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        asked = ask(session, meeting(session).id, K.ADJOURN, "", "Anna", NOW)
        assert (asked.kind, asked.asked_by, asked.asked_at) == (K.ADJOURN, "Anna", NOW)
    with sqlite_database.session() as session:
        assert session.scalars(select(Command)).one().observed_at is None
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.who, entry.what) == ("Anna", "command.adjourn")


@pytest.mark.parametrize(
    ("state", "phase", "kind", "argument", "sentence"),
    [
        ("planned", "waiting", K.OPEN, "", "ännu inte börjat sändas"),
        ("ended", "over", K.ADJOURN, "", "är avslutat"),
        ("cancelled", "waiting", K.OPEN, "", "är inställt"),
        ("live", "adjourned", K.ADJOURN, "", "Sammanträdet är ajournerat."),
        ("live", "open", K.RESUME, "", "Sammanträdet pågår. Det kan bara återupptas efter"),
        ("live", "open", K.OPEN, "", "bara öppnas när"),
        ("live", "closed", K.CLOSE, "", "inom stängda dörrar"),
        ("live", "over", K.MARK, "1", "avslutat"),
        ("live", "open", K.MARK, "99", "'99' finns inte på dagordningen"),
        ("live", "open", K.MARK, "två", "finns inte på dagordningen"),
        ("live", "open", K.EXTEND, "0", "1 till 720"),
        ("live", "open", K.EXTEND, "1.5", "helt antal minuter"),
        ("live", "open", K.EXTEND, "9999", "1 till 720"),
    ],
)
def test_refusals_are_sentences(
    sqlite_database: Database, state: str, phase: str, kind: CommandKind, argument: str, sentence: str
) -> None:
    with sqlite_database.session() as session:
        row = meeting(session, MeetingState(state), Phase(phase))
        with pytest.raises(CommandRefused, match=sentence.replace(".", r"\.")):
            ask(session, row.id, kind, argument, "Anna", NOW)
        assert session.scalars(select(Command)).all() == []


def test_a_meeting_that_is_not_there(sqlite_database: Database) -> None:
    with (
        sqlite_database.session() as session,
        pytest.raises(CommandRefused, match="Sammanträde 7 finns inte"),
    ):
        ask(session, 7, K.END, "", "Anna", NOW)


def test_commands_in_quick_succession_are_judged_after_those_before_them(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        row = meeting(session)
        ask(session, row.id, K.CLOSE, "", "Anna", NOW)
        with pytest.raises(CommandRefused, match="stängda dörrar"):
            ask(session, row.id, K.ADJOURN, "", "Bo", NOW)
        ask(session, row.id, K.RESUME, "", "Anna", NOW)
        refused = ask(session, row.id, K.ADJOURN, "", "Anna", NOW)
        refused.refusal = "Nej."
        session.flush()
        ask(session, row.id, K.ADJOURN, "", "Anna", NOW)  # the refused one had no effect
        ask(session, row.id, K.MARK, str(row.agenda[0].id), "Anna", NOW)
        ask(session, row.id, K.EXTEND, "30", "Anna", NOW)
        ask(session, row.id, K.END, "", "Anna", NOW)
        with pytest.raises(CommandRefused, match="avslutat"):
            ask(session, row.id, K.EXTEND, "30", "Anna", NOW)
