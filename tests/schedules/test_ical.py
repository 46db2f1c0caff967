"""Exports of real calendar programs are imported, again and changed, with what people do meanwhile."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from schedules.database import Database
from schedules.errors import CalendarError
from schedules.ical import Fate, ImportPlan, import_calendar
from schedules.ical.bodies import match_body
from schedules.ical.text import agenda_in, plain_text
from schedules.models import Meeting
from schedules.queries import add_meeting, cancel_meeting, edit_meeting, list_meetings, restore_meeting
from schedules.settings import BodySettings, Settings, SourceSettings
from schedules.states import MeetingState
from schedules.times import show_span

EXPORTS = Path(__file__).parent / "ical"
NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RECURRENCE = "RECURRENCE-ID;TZID=Europe/Stockholm"
BY: dict[str, Any] = {"now": NOW, "who": "Anna"}

Take = Callable[..., ImportPlan]


@pytest.fixture
def town(settings: Settings) -> Settings:
    test = SourceSettings(kind="test")
    bodies = {
        "kf": BodySettings(name="Kommunfullmäktige", source="kf", minutes=60),
        "ks": BodySettings(name="Kommunstyrelsen", source="ks", minutes=60),
        "au": BodySettings(name="Kommunstyrelsens arbetsutskott", source="au", minutes=45),
    }
    return settings.model_copy(update={"sources": {"kf": test, "ks": test, "au": test}, "bodies": bodies})


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    with sqlite_database.session() as session:
        yield session


@pytest.fixture
def take(session: Session, town: Settings) -> Take:
    def _take(data: str | bytes, **given: Any) -> ImportPlan:
        raw = data.encode() if isinstance(data, str) else data
        return import_calendar(session, town, raw, **({"horizon_days": 120} | BY | given))

    return _take


def export(name: str) -> bytes:
    return (EXPORTS / f"{name}.ics").read_bytes()


def calendar(*events: str) -> str:
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//")
    return "\r\n".join([*head, *map(unindented, events), "END:VCALENDAR", ""])


def unindented(event: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", *(line.strip() for line in event.strip().splitlines()), "END:VEVENT"])


def single(uid: str, start: str, end: str, *more: str) -> str:
    zone = "TZID=Europe/Stockholm"
    return "\n".join(
        [f"UID:{uid}", f"DTSTART;{zone}:{start}", f"DTEND;{zone}:{end}", "SUMMARY:Kommunfullmäktige", *more]
    )


def weekly(start: str = "20261007T180000", end: str = "20261007T200000", *more: str) -> str:
    return single("vecka", start, end, "RRULE:FREQ=WEEKLY;COUNT=4", *more)


def held(session: Session, settings: Settings, state: MeetingState = MeetingState.PLANNED) -> list[str]:
    meetings = list_meetings(session, states=[state])
    return [f"{m.body} {show_span(m.planned_start, m.planned_end, settings.zone)}" for m in meetings]


def counts(plan: ImportPlan) -> dict[str, int]:
    return {fate.value: len(plan.of(fate)) for fate in Fate if plan.of(fate)}


def snapshot(session: Session) -> list[tuple[Any, ...]]:
    session.flush()
    session.expire_all()
    return [
        (*(getattr(m, column.name) for column in Meeting.__table__.columns), *(item.id for item in m.agenda))
        for m in list_meetings(session)
    ]


EXPECTED = {
    "google": [
        "au tis 2026-10-13 14:00–16:00",
        "kf ons 2026-10-28 18:00–21:00",
        "kf tors 2026-11-26 19:00–21:30",
    ],
    "outlook": [
        "ks tis 2026-10-06 13:00–16:00",
        "au ons 2026-10-14 09:00–11:00",
        "ks tis 2026-10-20 13:00–16:00",
        "ks tis 2026-11-17 13:00–16:00",
        "ks tis 2026-12-01 13:00–16:00",
    ],
    "apple": [
        *(f"kf ons 2026-{day} 18:00–20:00" for day in ("10-21", "10-28", "11-04", "11-11", "11-18")),
    ],
    "nextcloud": [
        "ks tors 2026-10-08 17:00–19:30",
        "au fre 2026-10-16 08:30–09:15",
        "ks tors 2026-10-22 17:00–19:30",
        "ks tors 2026-11-19 17:00–19:30",
    ],
}  # fmt: skip

REFUSED = {
    "google": ["Kommunfullmäktiges höstkonferens: händelsen gäller hela dagar"],
    "outlook": ["Kommunfullmäktige: tidszonen 'Okänd zon' är okänd"],
    "apple": [
        "Kommunfullmäktiges nattvandring: Tiden 2026-10-25 02:30 inträffar två gånger",
        "Kommunfullmäktige, allmänhetens frågestund, 2026-11-11 19:30: Källan kf är upptagen",
    ],
    "nextcloud": [],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_calendar_programs_export_is_understood_and_a_second_import_changes_nothing(
    database: Database, town: Settings, name: str
) -> None:
    days = 50 if name == "apple" else 120
    with database.session() as session:
        first = import_calendar(session, town, export(name), horizon_days=days, **BY)
    with database.session() as session:
        assert held(session, town) == EXPECTED[name]
        assert counts(first) == {"added": len(EXPECTED[name])}
        for sentence, words in zip(first.refused, REFUSED[name], strict=True):
            assert sentence.startswith(words)
        before = snapshot(session)
        again = import_calendar(session, town, export(name), horizon_days=days, **BY)
        assert counts(again) == {"unchanged": len(EXPECTED[name])}
        assert snapshot(session) == before
        assert again.refused == first.refused


def test_agendas_come_along_where_they_are_clear(session: Session, town: Settings, take: Take) -> None:
    for name in ("google", "outlook", "nextcloud"):
        take(export(name))
    meetings = {
        f"{m.body} {m.planned_start:%m-%d}": [item.title for item in m.agenda] for m in list_meetings(session)
    }
    assert meetings["kf 11-26"] == [
        "1. Upprop",
        "2. Val av justerare & tid",
        "3. Budget 2027, plan 2028–2029",
    ]
    assert meetings["ks 12-01"][1:] == [
        "§ 102 Val av justerare",
        "§ 103 Detaljplan för kvarteret Läkaren, antagande",
    ]
    assert meetings["ks 10-08"][2] == "3. Yttrande över remiss om länstransportplanen"
    assert meetings["kf 10-28"] == []


def test_an_import_can_be_seen_before_it_is_made(sqlite_database: Database, town: Settings) -> None:
    with sqlite_database.session() as session:
        seen = import_calendar(session, town, export("google"), horizon_days=120, **BY)
        session.rollback()
    with sqlite_database.session() as session:
        assert list_meetings(session) == []
        done = import_calendar(session, town, export("google"), horizon_days=120, **BY)
    assert (counts(seen), seen.refused) == (counts(done), done.refused)


def test_a_changed_event_moves_its_meeting(session: Session, town: Settings, take: Take) -> None:
    take(calendar(single("a", "20261028T180000", "20261028T210000")))
    (meeting,) = list_meetings(session)
    plan = take(calendar(single("a", "20261029T170000", "20261029T200000", "STATUS:CONFIRMED")))
    assert counts(plan) == {"moved": 1}
    assert plan.of(Fate.MOVED)[0].before == datetime(2026, 10, 28, 17, tzinfo=UTC)
    assert held(session, town) == ["kf tors 2026-10-29 17:00–20:00"]
    assert list_meetings(session) == [meeting]


def test_one_time_of_a_recurring_event_is_moved_another_struck_a_third_cancelled_and_brought_back(
    session: Session, town: Settings, take: Take
) -> None:
    take(calendar(weekly()))
    numbers = [m.id for m in list_meetings(session)]
    moved = single("vecka", "20261015T190000", "20261015T200000", f"{RECURRENCE}:20261014T180000")
    cancelled = single(
        "vecka", "20261028T180000", "20261028T200000", f"{RECURRENCE}:20261028T180000", "STATUS:CANCELLED"
    )
    struck = weekly("20261007T180000", "20261007T200000", "EXDATE;TZID=Europe/Stockholm:20261021T180000")
    plan = take(calendar(struck, moved, cancelled))
    assert counts(plan) == {"moved": 1, "cancelled": 2, "unchanged": 1}
    assert held(session, town) == ["kf ons 2026-10-07 18:00–20:00", "kf tors 2026-10-15 19:00–20:00"]
    reasons = {m.id: m.cancel_reason for m in list_meetings(session, states=[MeetingState.CANCELLED])}
    assert reasons == {numbers[2]: "Struket ur kalendern.", numbers[3]: "Inställt i kalendern."}
    assert counts(take(calendar(struck, moved, cancelled))) == {"unchanged": 3 + 1}
    assert counts(take(calendar(weekly()))) == {"moved": 3, "unchanged": 1}
    assert [m.id for m in list_meetings(session, states=[MeetingState.PLANNED])] == numbers


def test_a_whole_series_that_changes_its_hour_keeps_its_meetings(
    session: Session, town: Settings, take: Take
) -> None:
    take(calendar(weekly()))
    numbers = [m.id for m in list_meetings(session)]
    plan = take(calendar(weekly("20261006T170000", "20261006T200000")))
    assert counts(plan) == {"moved": 4}
    assert [m.id for m in list_meetings(session)] == numbers
    assert held(session, town)[0] == "kf tis 2026-10-06 17:00–20:00"
    assert list_meetings(session)[0].ical_recurrence == "20261006T150000Z"
    assert counts(take(calendar(weekly("20261006T170000", "20261006T200000")))) == {"unchanged": 4}


def test_events_change_places(session: Session, town: Settings, take: Take) -> None:
    first, second = ("20261028T180000", "20261028T210000"), ("20261104T180000", "20261104T210000")
    take(calendar(single("a", *first), single("b", *second)))
    uids = [m.ical_uid for m in list_meetings(session)]
    plan = take(calendar(single("a", *second), single("b", *first)))
    assert (counts(plan), plan.refused) == ({"moved": 2}, ())
    assert [m.ical_uid for m in list_meetings(session)] == uids[::-1]


def test_a_person_s_change_is_kept_until_the_calendar_changes_that_very_thing(
    session: Session, town: Settings, take: Take
) -> None:
    take(calendar(single("a", "20261028T180000", "20261028T210000")))
    (meeting,) = list_meetings(session)
    edit_meeting(session, town, meeting.id, title="Budget", end=meeting.planned_end + HOUR, **BY)
    assert counts(take(calendar(single("a", "20261028T180000", "20261028T210000")))) == {"unchanged": 1}
    assert held(session, town) == ["kf ons 2026-10-28 18:00–22:00"]
    take(calendar(single("a", "20261029T180000", "20261029T210000")))
    assert held(session, town) == ["kf tors 2026-10-29 18:00–21:00"]
    assert meeting.title == "Budget"


def test_what_a_person_has_cancelled_or_restored_stays_so(
    session: Session, town: Settings, take: Take
) -> None:
    event, gone = ("a", "20261028T180000", "20261028T210000"), "STATUS:CANCELLED"
    take(calendar(single(*event)))
    (meeting,) = list_meetings(session)
    cancel_meeting(session, meeting.id, reason="Snöstorm", **BY)
    assert counts(take(calendar(single(*event)))) == {"unchanged": 1}
    plan = take(calendar(single("a", "20261029T180000", "20261029T210000")))
    assert (counts(plan), "inställt för hand" in plan.refused[0]) == ({}, True)
    restore_meeting(session, town, meeting.id, **BY)
    assert counts(take(calendar(single(*event, gone)))) == {"cancelled": 1}
    restore_meeting(session, town, meeting.id, **BY)
    assert counts(take(calendar(single(*event, gone)))) == {"unchanged": 1}
    assert len(held(session, town)) == 1


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (MeetingState.PREPARING, "är i sändning och flyttas inte"),
        (MeetingState.LIVE, "är i sändning och flyttas inte"),
        (MeetingState.ENDED, "är redan hållet"),
    ],
)
def test_what_is_on_air_or_over_is_not_moved(
    session: Session, town: Settings, take: Take, state: MeetingState, words: str
) -> None:
    take(calendar(single("a", "20261028T180000", "20261028T210000")))
    (meeting,) = list_meetings(session)
    meeting.state = state
    plan = take(calendar(single("a", "20261029T180000", "20261029T210000")))
    assert (counts(plan), words in plan.refused[0]) == ({}, True)
    assert held(session, town, state) == ["kf ons 2026-10-28 18:00–21:00"]


def test_what_is_on_air_is_not_cancelled_by_the_calendar(
    session: Session, town: Settings, take: Take
) -> None:
    take(calendar(single("a", "20261028T180000", "20261028T210000")))
    (meeting,) = list_meetings(session)
    meeting.state = MeetingState.LIVE
    plan = take(calendar(single("a", "20261028T180000", "20261028T210000", "STATUS:CANCELLED")))
    assert (meeting.state, "sänds just nu" in plan.refused[0]) == (MeetingState.LIVE, True)


def test_a_meeting_that_was_missed_can_be_held_another_day(
    session: Session, town: Settings, take: Take
) -> None:
    take(calendar(single("a", "20261028T180000", "20261028T210000")))
    (meeting,) = list_meetings(session)
    meeting.state = MeetingState.MISSED
    later = datetime(2026, 10, 29, 12, tzinfo=UTC)
    assert counts(take(calendar(single("a", "20261028T180000", "20261028T210000")), now=later)) == {}
    take(calendar(single("a", "20261104T180000", "20261104T210000")), now=later)
    assert held(session, town) == ["kf ons 2026-11-04 18:00–21:00"]


def test_a_time_that_is_taken_is_told_and_the_rest_goes_on(
    session: Session, town: Settings, take: Take
) -> None:
    add_meeting(
        session, town, body="kf", title="För hand", start=datetime(2026, 10, 29, 17, tzinfo=UTC), **BY
    )
    take(calendar(single("a", "20261028T180000", "20261028T210000")))
    plan = take(
        calendar(
            single("a", "20261029T180000", "20261029T210000"),
            single("b", "20261105T180000", "20261105T210000"),
        )
    )
    assert counts(plan) == {"added": 1}
    assert "upptagen av sammanträde" in plan.refused[0]
    assert held(session, town)[0] == "kf ons 2026-10-28 18:00–21:00"


def test_an_endless_event_is_followed_so_far_and_a_meeting_beyond_is_not_struck(
    session: Session, town: Settings, take: Take
) -> None:
    endless = single("a", "20261007T180000", "20261007T200000", "RRULE:FREQ=WEEKLY")
    assert counts(take(calendar(endless), horizon_days=28)) == {"added": 4}
    assert counts(take(calendar(endless), horizon_days=14)) == {"unchanged": 2}
    assert counts(take(calendar(endless), horizon_days=42)) == {"added": 2, "unchanged": 4}
    alone = single("b", "20280107T120000", "20280107T130000")
    assert counts(take(calendar(alone), horizon_days=28)) == {"added": 1}


def test_a_meeting_that_goes_on_is_taken_and_one_that_is_over_is_not(
    session: Session, town: Settings, take: Take
) -> None:
    plan = take(
        calendar(
            single("a", "20261001T130000", "20261001T150000"),
            single("b", "20261001T120000", "20261001T140000"),
        )
    )
    assert [change.title for change in plan.of(Fate.ADDED)] == ["Kommunfullmäktige"]
    assert held(session, town) == ["kf tors 2026-10-01 13:00–15:00"]


def test_the_body_is_given_or_found_by_the_longest_name(session: Session, town: Settings, take: Take) -> None:
    strange = calendar(
        single("a", "20261028T180000", "20261028T210000").replace("Kommunfullmäktige", "Julfest")
    )
    plan = take(strange)
    assert plan.refused == (
        "Julfest, 2026-10-28 18:00: inget organ känns igen i rubrik eller kategori; ange det med --body.",
    )
    assert counts(take(strange, body="ks")) == {"added": 1}
    with pytest.raises(CalendarError, match="Organet 'x' finns inte"):
        take(strange, body="x")


@pytest.mark.parametrize(
    ("texts", "body"),
    [
        (["KOMMUNFULLMÄKTIGE den 28"], "kf"),
        (["Kommunfullmäktiges ordinarie sammanträde"], "kf"),
        (["Kommunstyrelsens arbetsutskott"], "au"),
        (["Möte", "ks"], "ks"),
        (["Kommunfullmäktiges budgetsammanträde"], "kf"),
        (["Kommunstyrelsens utskott"], None),
        (["Kommunstyrelsens utskottsmöte"], None),
        (["Förkommunfullmäktige"], None),
        (["ks ekonomi"], None),
    ],
)
def test_a_body_is_known_by_its_name(town: Settings, texts: list[str], body: str | None) -> None:
    if body is None:
        with pytest.raises(CalendarError, match="inget organ"):
            match_body(town, texts)
    else:
        assert match_body(town, texts) == body


def test_two_bodies_of_one_name_are_told_apart_by_a_person(town: Settings) -> None:
    twins = town.model_copy(update={"bodies": town.bodies | {"kf2": town.bodies["kf"]}})
    with pytest.raises(CalendarError, match="kf, kf2"):
        match_body(twins, ["Kommunfullmäktige"])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hej",
        b"\x89PNG\r\n\x1a\n\x00",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n",
        b"BEGIN:VCALENDAR\nEND:VEVENT\n",
        export("google")[:2000],
        calendar(single("a", "20261028T180000", "20261028T210000")).encode("latin-1"),
    ],
)
def test_a_file_that_is_no_whole_calendar_is_one_sentence(session: Session, take: Take, data: bytes) -> None:
    with pytest.raises(CalendarError, match=r"^Filen är ingen .*\(\.ics\)\.$"):
        take(data)
    assert list_meetings(session) == []


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("UID:a\nSUMMARY:Trasig\nDTSTART:20261028T18", "DTSTART saknas eller går inte att läsa"),
        ("UID:a\nSUMMARY:Trasig", "DTSTART saknas"),
        ("SUMMARY:Trasig\nDTSTART:20261028T180000Z", "saknar UID"),
        ("UID:a\nSUMMARY:Trasig\nDTSTART:20261028T180000Z\nRRULE:FREQ=SECONDLY", "upprepas tätare"),
        ("UID:a\nSUMMARY:Trasig\nDTSTART:20261028T180000Z\nRRULE:FREQ=DAILY;INTERVAL=0", "upprepas tätare"),
        (
            "UID:a\nSUMMARY:Trasig\nDTSTART:20261028T180000Z\nRRULE:FREQ=APA",
            "RRULE saknas eller går inte att läsa",
        ),
        ("UID:a\nSUMMARY:Trasig\nDTSTART:20261028T180000Z\nDTEND:20261030T180000Z", "högst 24 timmar"),
        ("UID:a\nSUMMARY:Trasig\nDTSTART:20261028T180000Z\nDTEND;VALUE=DATE:20261029", ""),
        ("UID:a\nSUMMARY:Trasig\nDTSTART:20261028T180000Z\nDTEND:20261027T180000Z", ""),
    ],
)
def test_a_broken_event_is_a_sentence_and_the_others_are_none_the_worse(
    session: Session, take: Take, event: str, words: str
) -> None:
    plan = take(calendar(event, single("b", "20261105T180000", "20261105T210000")), body="kf")
    assert [c.start.day for c in plan.of(Fate.ADDED)][-1] == 5
    if words:
        assert (plan.refused[0].startswith("Trasig"), words in plan.refused[0]) == (True, True)


def test_lines_may_be_folded_in_the_middle_of_a_letter(session: Session, town: Settings, take: Take) -> None:
    event = single("a", "20261028T180000", "20261028T210000").replace("SUMMARY:", "SUMMARY:Sammanträde i ")
    raw = re.sub("ä".encode(), b"\xc3\r\n \xa4", calendar(event).encode())
    take(raw)
    assert [m.title for m in list_meetings(session)] == ["Sammanträde i Kommunfullmäktige"]


def test_a_very_long_uid_is_still_known_again(session: Session, take: Take) -> None:
    event = single("u" * 400, "20261028T180000", "20261028T210000")
    assert counts(take(calendar(event))) == {"added": 1}
    assert counts(take(calendar(event))) == {"unchanged": 1}


def test_what_was_wrong_with_an_event_long_past_is_not_told(take: Take) -> None:
    past = "UID:a\nSUMMARY:Kommunfullmäktige\nDTSTART;VALUE=DATE:20260928\nDTEND;VALUE=DATE:20260929"
    assert take(calendar(past)) == ImportPlan(changes=(), refused=())
    assert len(take(calendar(past.replace("28", "30"))).refused) == 1


def test_a_called_off_invitation_cancels(session: Session, take: Take) -> None:
    data = calendar(single("a", "20261028T180000", "20261028T210000"))
    take(data)
    assert counts(take(data.replace("PRODID", "METHOD:CANCEL\r\nPRODID"))) == {"cancelled": 1}


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("§ 1 Upprop\n§ 2 Val", ("§ 1 Upprop", "§ 2 Val")),
        ("Hej\n1. Upprop\n\n2) Val\nVälkomna", ("1. Upprop", "2) Val")),
        ("§ 1 Upprop", ()),
        ("2. Upprop\n3. Val", ()),
        ("1. Upprop\n3. Val", ()),
        ("Ring 08-123 456\n0123-45 67 89", ()),
        ("", ()),
    ],
)
def test_an_agenda_is_only_taken_where_it_is_clear(text: str, items: tuple[str, ...]) -> None:
    assert agenda_in(text) == items


def test_html_becomes_lines() -> None:
    html = "<div>Hej<br>§ 1 Upprop &amp; val</div><ul><li>a</li></ul>§ 2 Slut"
    assert plain_text(html).split("\n") == ["", "Hej", "§ 1 Upprop & val", "", "", "a", "", "§ 2 Slut"]
    assert plain_text("pris < 3 & > 2") == "pris < 3 & > 2"
