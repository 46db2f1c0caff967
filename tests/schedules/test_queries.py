"""Meetings and agendas are added, edited, cancelled and listed, and what cannot be held is refused."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.agenda import add_item, move_item, remove_item, rename_item, set_agenda
from schedules.database import Database
from schedules.errors import CalendarError
from schedules.models import AuditEntry, Meeting
from schedules.queries import (
    add_meeting,
    cancel_meeting,
    edit_meeting,
    get_meeting,
    list_meetings,
    restore_meeting,
)
from schedules.rescheduling import find_room
from schedules.settings import (
    BodySettings,
    ChannelSettings,
    PlatformSettings,
    Settings,
    SourceSettings,
)
from schedules.states import Audience, MeetingState

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
START = datetime(2026, 10, 28, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
BY: dict[str, Any] = {"now": NOW, "who": "Anna"}

Add = Callable[..., Meeting]


@pytest.fixture
def town(settings: Settings) -> Settings:
    """Two bodies and sources, a channel and a platform of either audience."""
    return settings.model_copy(
        update={
            "sources": {"test": SourceSettings(kind="test"), "sal": SourceSettings(kind="test")},
            "channels": {
                "archive": ChannelSettings(kind="local", name="Arkivet"),
                "intern": ChannelSettings(kind="local", name="Internt", audience=Audience.STAFF),
            },
            "platforms": {
                "local": PlatformSettings(kind="local", name="Webbplatsen"),
                "torg": PlatformSettings(kind="local", name="Torget", audience=Audience.PUBLIC),
            },
            "bodies": settings.bodies | {"apt": BodySettings(
                name="Personalmöte", source="sal", channel="intern", audience=Audience.STAFF, minutes=30
            )},
        }
    )  # fmt: skip


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    with sqlite_database.session() as session:
        yield session


@pytest.fixture
def add(session: Session, town: Settings) -> Add:
    def _add(**given: Any) -> Meeting:
        meeting: dict[str, Any] = {"body": "kf", "title": "Sammanträde", "start": START} | BY | given
        return add_meeting(session, town, **meeting)

    return _add


def audited(session: Session) -> list[tuple[str, str, str]]:
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    return [(entry.who, entry.what, entry.subject) for entry in entries]


def test_a_meeting_is_kept_with_the_ways_of_its_body(database: Database, town: Settings) -> None:
    with database.session() as session:
        number = add_meeting(
            session, town, body="apt", title="  Om \n hösten ", start=START, agenda=["Upprop", "Val"], **BY
        ).id
    with database.session() as session:
        kept = get_meeting(session, number)
        assert (kept.title, kept.state) == ("Om hösten", MeetingState.PLANNED)
        assert (kept.planned_start, kept.planned_end) == (START, START + timedelta(minutes=30))
        assert (kept.source, kept.platforms) == ("sal", ["local"])
        assert (kept.channel, kept.audience) == ("intern", Audience.STAFF)
        assert [(item.position, item.title) for item in kept.agenda] == [(1, "Upprop"), (2, "Val")]
        assert audited(session) == [
            ("Anna", "meeting.added", f"meeting {number}"),
            ("Anna", "meeting.agenda", f"meeting {number}"),
        ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"body": "ks"}, "Organet 'ks' finns inte i inställningarna; där finns apt, kf."),
        ({"source": "x"}, "Källan 'x' finns inte"),
        ({"platforms": ["local", "x"]}, "Plattformen 'x' finns inte"),
        ({"channel": "x"}, "Kanalen 'x' finns inte"),
        ({"title": " \n"}, "Rubriken får inte vara tom."),
        ({"title": "x" * 201}, "högst 200 tecken"),
        ({"agenda": ["Upprop", ""]}, "Ärendets rubrik får inte vara tom."),
        ({"end": START}, "måste sluta efter att det börjar"),
        ({"end": START - HOUR}, "måste sluta efter att det börjar"),
        ({"end": START + 24 * HOUR + timedelta(minutes=1)}, "högst 24 timmar"),
        ({"start": NOW - HOUR}, "Sluttiden har redan passerat"),
        ({"audience": Audience.STAFF}, "bara för anställda men alla ser kanalen archive"),
        ({"body": "apt", "channel": "archive"}, "bara för anställda men alla ser kanalen archive"),
        ({"body": "apt", "platforms": ["torg"]}, "bara för anställda, vilket plattformen torg inte är"),
    ],
)
def test_what_cannot_be_held_is_refused_and_nothing_is_written(
    sqlite_database: Database, town: Settings, given: dict[str, Any], sentence: str
) -> None:
    meeting: dict[str, Any] = {"body": "kf", "title": "Sammanträde", "start": START} | BY | given
    with pytest.raises(CalendarError) as refusal, sqlite_database.session() as session:
        add_meeting(session, town, **meeting)
    assert sentence in str(refusal.value)
    with sqlite_database.session() as session:
        assert (list_meetings(session), audited(session)) == ([], [])


def test_a_meeting_can_be_added_while_it_is_going_on(add: Add) -> None:
    assert add(start=NOW - timedelta(minutes=59)).planned_end == NOW + timedelta(minutes=1)


def test_a_public_meeting_may_be_filed_for_staff_only(add: Add) -> None:
    assert add(channel="intern").audience is Audience.PUBLIC


@pytest.mark.parametrize(
    ("offset", "free"),
    [(-HOUR, True), (-HOUR * 0.99, False), (timedelta(0), False), (HOUR * 0.99, False), (HOUR, True)],
)
def test_a_source_is_in_one_meeting_at_a_time(
    database: Database, town: Settings, offset: timedelta, free: bool
) -> None:
    with database.session() as session:
        first = add_meeting(session, town, body="kf", title="Första", start=START, **BY)
        if free:
            add_meeting(session, town, body="kf", title="Andra", start=START + offset, **BY)
        else:
            words = f"Källan test är upptagen av sammanträde {first.id}, Första, ons 2026-10-28 18:00–19:00"
            with pytest.raises(CalendarError, match=words):
                add_meeting(session, town, body="kf", title="Andra", start=START + offset, **BY)
        add_meeting(session, town, body="kf", title="Annan källa", start=START + offset, source="sal", **BY)


def test_a_cancelled_meeting_gives_its_source_free_until_it_is_restored(
    session: Session, town: Settings, add: Add
) -> None:
    first = add()
    cancel_meeting(session, first.id, reason="Snöstorm", **BY)
    assert (first.state, first.cancel_reason) == (MeetingState.CANCELLED, "Snöstorm")
    second = add()
    with pytest.raises(CalendarError, match="upptagen"):
        restore_meeting(session, town, first.id, **BY)
    cancel_meeting(session, second.id, reason="Ändå inte", **BY)
    restore_meeting(session, town, first.id, **BY)
    assert (first.state, first.cancel_reason) == (MeetingState.PLANNED, "")
    assert [what for _, what, _ in audited(session)] == [
        "meeting.added", "meeting.cancelled", "meeting.added", "meeting.cancelled", "meeting.planned",
    ]  # fmt: skip


def test_a_meeting_is_cancelled_once_and_with_a_reason(session: Session, add: Add) -> None:
    meeting = add()
    with pytest.raises(CalendarError, match="Skälet får inte vara tom"):
        cancel_meeting(session, meeting.id, reason=" ", **BY)
    cancel_meeting(session, meeting.id, reason="Snöstorm", **BY)
    with pytest.raises(CalendarError, match="redan inställt"):
        cancel_meeting(session, meeting.id, reason="Igen", **BY)
    with pytest.raises(CalendarError, match="finns inte"):
        cancel_meeting(session, 999, reason="Snöstorm", **BY)


def test_a_new_start_moves_the_whole_meeting_and_the_audit_says_from_what(
    session: Session, town: Settings, add: Add
) -> None:
    meeting = add(end=START + 2 * HOUR)
    edit_meeting(session, town, meeting.id, start=START + HOUR, title="Extra", **BY)
    assert (meeting.planned_start, meeting.planned_end) == (START + HOUR, START + 3 * HOUR)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.what == "meeting.edited")).one()
    assert entry.detail == {
        "title": ["Sammanträde", "Extra"],
        "planned_start": [START.isoformat(), (START + HOUR).isoformat()],
        "planned_end": [(START + 2 * HOUR).isoformat(), (START + 3 * HOUR).isoformat()],
    }
    edit_meeting(session, town, meeting.id, title="Extra", **BY)
    assert len([what for _, what, _ in audited(session) if what == "meeting.edited"]) == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"end": START}, "måste sluta efter"),
        ({"start": NOW - 2 * HOUR}, "redan passerat"),
        ({"source": "x"}, "Källan 'x' finns inte"),
        ({"audience": Audience.STAFF}, "bara för anställda"),
        ({"start": START + 4 * HOUR}, "upptagen"),
        ({"title": ""}, "får inte vara tom"),
    ],
)
def test_an_edit_is_judged_as_the_new_meeting_would_be(
    session: Session, town: Settings, add: Add, change: dict[str, Any], sentence: str
) -> None:
    meeting, _other = add(), add(start=START + 4 * HOUR)
    with pytest.raises(CalendarError, match=sentence):
        edit_meeting(session, town, meeting.id, **change, **BY)
    assert (meeting.planned_start, meeting.source, meeting.title) == (START, "test", "Sammanträde")


@pytest.mark.parametrize("state", [MeetingState.ENDED, MeetingState.CANCELLED, MeetingState.MISSED])
def test_what_is_over_is_not_edited(session: Session, town: Settings, add: Add, state: MeetingState) -> None:
    meeting = add(agenda=["Upprop"])
    meeting.state = state
    with pytest.raises(CalendarError, match=f"Sammanträde {meeting.id}"):
        edit_meeting(session, town, meeting.id, title="Ny", **BY)
    with pytest.raises(CalendarError, match="dagordningen kan inte ändras"):
        add_item(session, meeting, "Nytt", **BY)


def test_during_the_meeting_its_end_counts_at_once_but_not_its_start_or_source(
    session: Session, town: Settings, add: Add
) -> None:
    meeting, _next = add(), add(start=START + HOUR)
    meeting.state = MeetingState.LIVE
    during: dict[str, Any] = {"now": START + HOUR / 2, "who": "Anna"}
    # Into the time of the next: the room has decided already.
    edit_meeting(session, town, meeting.id, end=START + 2 * HOUR, title="Drar ut", **during)
    assert (meeting.planned_end, meeting.title) == (START + 2 * HOUR, "Drar ut")
    with pytest.raises(CalendarError, match="har börjat"):
        edit_meeting(session, town, meeting.id, start=START + HOUR, **during)
    with pytest.raises(CalendarError, match="är i sändning"):
        edit_meeting(session, town, meeting.id, source="sal", **during)
    with pytest.raises(CalendarError, match="redan passerat"):
        edit_meeting(session, town, meeting.id, end=START + HOUR / 4, **during)
    with pytest.raises(CalendarError, match=f"laktare air end {meeting.id}"):
        cancel_meeting(session, meeting.id, reason="Nej", **during)


def test_the_list_is_what_is_to_come_and_what_still_goes_on(session: Session, add: Add) -> None:
    past, running_over, coming, far = (add(start=START + n * 2 * HOUR) for n in range(4))
    past.state, running_over.state = MeetingState.ENDED, MeetingState.LIVE
    session.flush()
    now = running_over.planned_end + HOUR / 2
    assert list_meetings(session, since=now) == [running_over, coming, far]
    assert list_meetings(session, since=now, until=far.planned_start) == [running_over, coming]
    assert list_meetings(session, states=[MeetingState.ENDED]) == [past]
    assert list_meetings(session, body="apt") == []


def test_agenda_items_keep_their_identity_and_their_marks(session: Session, add: Add) -> None:
    meeting = add(agenda=["Upprop", "Val", "Budget"])
    upprop, val, budget = meeting.agenda
    upprop.marked_at = START
    move_item(session, meeting, 3, 1, **BY)
    add_item(session, meeting, "Avtackning", **BY)
    add_item(session, meeting, "Öppnande", position=1, **BY)
    rename_item(session, meeting, 4, "Val av justerare", **BY)
    session.flush()
    session.expire_all()
    assert [item.title for item in meeting.agenda] == [
        "Öppnande",
        "Budget",
        "Upprop",
        "Val av justerare",
        "Avtackning",
    ]
    assert [item.position for item in meeting.agenda] == [1, 2, 3, 4, 5]
    assert meeting.agenda[1] is budget
    remove_item(session, meeting, 4, **BY)
    assert val not in meeting.agenda
    assert set_agenda(session, meeting, ["Upprop", "Nytt"], **BY)
    assert not set_agenda(session, meeting, ["Upprop", "Nytt"], **BY)
    assert (meeting.agenda[0] is upprop, meeting.agenda[0].marked_at) == (True, START)


def test_an_item_that_was_on_the_air_is_never_lost(session: Session, add: Add) -> None:
    meeting = add(agenda=["Upprop", "Val"])
    meeting.agenda[0].marked_at = START
    with pytest.raises(CalendarError, match="har redan behandlats"):
        remove_item(session, meeting, 1, **BY)
    with pytest.raises(CalendarError, match="har redan behandlats"):
        set_agenda(session, meeting, ["Annat"], **BY)
    assert [item.title for item in meeting.agenda] == ["Upprop", "Val"]
    for position in (0, 3, -1):
        with pytest.raises(CalendarError, match="har ärendena 1 till 2"):
            remove_item(session, meeting, position, **BY)


def test_meetings_moved_together_may_change_places(session: Session, town: Settings, add: Add) -> None:
    first, second, third = (add(start=START + n * 2 * HOUR) for n in range(3))
    times = {meeting: (meeting.planned_start, meeting.planned_end) for meeting in (first, second, third)}
    assert find_room(session, town, {first: times[second], second: times[first]}, NOW) == {}
    refused = find_room(session, town, {first: times[third], second: times[first]}, NOW)
    # The third stays: the first cannot go there, and so the second cannot have the first's place.
    assert set(refused) == {first, second}
    assert {m: (m.planned_start, m.planned_end) for m in times} == times
