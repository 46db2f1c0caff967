"""The agenda of a meeting: items in order, kept by identity so that marks made on air are never lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from schedules.booking import clean
from schedules.errors import CalendarError
from schedules.models import AgendaItem, Meeting
from schedules.states import MeetingState
from schedules.transitions import audit

_CLOSED = frozenset({MeetingState.ENDED, MeetingState.CANCELLED, MeetingState.MISSED})
_LONGEST = 500


def clean_titles(titles: Iterable[str]) -> list[str]:
    """The titles of items, each on one line. Raises CalendarError at one that is empty or too long."""
    return [clean(title, "Ärendets rubrik", _LONGEST) for title in titles]


def set_agenda(session: Session, meeting: Meeting, titles: Sequence[str], *, now: datetime, who: str) -> bool:
    """Make the agenda read as `titles`. Items of the same title stay the same items, with their marks; an item that has
    been on the air is never taken away. False: it read so already. Raises CalendarError."""
    _must_be_open(meeting)
    wanted = clean_titles(titles)
    if wanted == [item.title for item in meeting.agenda]:
        return False
    left = list(meeting.agenda)
    items = []
    for title in wanted:
        item = next((old for old in left if old.title == title), None)
        if item is None:
            item = AgendaItem(title=title, position=0)
        else:
            left.remove(item)
        items.append(item)
    for item in left:
        _must_be_unmarked(item)
    _put(session, meeting, items)
    audit(session, who, "meeting.agenda", f"meeting {meeting.id}", now, items=wanted)
    return True


def add_item(
    session: Session, meeting: Meeting, title: str, *, position: int | None = None, now: datetime, who: str
) -> AgendaItem:
    """Add an item as number `position` (from 1), last when not given. Raises CalendarError."""
    _must_be_open(meeting)
    item = AgendaItem(title=clean(title, "Ärendets rubrik", _LONGEST), position=0)
    place = len(meeting.agenda) + 1 if position is None else position
    if not 1 <= place <= len(meeting.agenda) + 1:
        raise CalendarError(f"Ärendet kan få nummer 1 till {len(meeting.agenda) + 1}, inte {place}.")
    _put(session, meeting, [*meeting.agenda[: place - 1], item, *meeting.agenda[place - 1 :]])
    audit(session, who, "agenda.added", f"meeting {meeting.id}", now, position=place, title=item.title)
    return item


def rename_item(
    session: Session, meeting: Meeting, position: int, title: str, *, now: datetime, who: str
) -> AgendaItem:
    """Give item number `position` (from 1) another title. Raises CalendarError."""
    _must_be_open(meeting)
    item = _item(meeting, position)
    before, item.title = item.title, clean(title, "Ärendets rubrik", _LONGEST)
    audit(
        session,
        who,
        "agenda.renamed",
        f"meeting {meeting.id}",
        now,
        position=position,
        title=[before, item.title],
    )
    return item


def move_item(session: Session, meeting: Meeting, position: int, to: int, *, now: datetime, who: str) -> None:
    """Make item number `position` number `to` (both from 1). Raises CalendarError."""
    _must_be_open(meeting)
    item, _ = _item(meeting, position), _item(meeting, to)
    items = [other for other in meeting.agenda if other is not item]
    _put(session, meeting, [*items[: to - 1], item, *items[to - 1 :]])
    audit(
        session, who, "agenda.moved", f"meeting {meeting.id}", now, position=[position, to], title=item.title
    )


def remove_item(session: Session, meeting: Meeting, position: int, *, now: datetime, who: str) -> None:
    """Take item number `position` (from 1) away. Raises CalendarError, also where it has been on the air."""
    _must_be_open(meeting)
    item = _item(meeting, position)
    _must_be_unmarked(item)
    _put(session, meeting, [other for other in meeting.agenda if other is not item])
    audit(session, who, "agenda.removed", f"meeting {meeting.id}", now, position=position, title=item.title)


def _item(meeting: Meeting, position: int) -> AgendaItem:
    if not 1 <= position <= len(meeting.agenda):
        there = f"har ärendena 1 till {len(meeting.agenda)}" if meeting.agenda else "har ingen dagordning"
        raise CalendarError(f"Ärende {position} finns inte: sammanträde {meeting.id} {there}.")
    return meeting.agenda[position - 1]


def _put(session: Session, meeting: Meeting, items: list[AgendaItem]) -> None:
    meeting.agenda[:] = items
    for position, item in enumerate(items, start=1):
        item.position = position
    session.flush()


def _must_be_open(meeting: Meeting) -> None:
    if meeting.state in _CLOSED:
        raise CalendarError(f"Sammanträde {meeting.id} är över eller inställt; dagordningen kan inte ändras.")


def _must_be_unmarked(item: AgendaItem) -> None:
    if item.marked_at is not None:
        raise CalendarError(f"Ärendet {item.title!r} har redan behandlats i sändning och kan inte tas bort.")
