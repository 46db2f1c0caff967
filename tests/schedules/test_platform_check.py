"""Before a meeting: what YouTube says of its broadcast, and what is to be done."""

from __future__ import annotations

import pytest

from schedules.broadcast_rows import DELETED, GONE
from schedules.database import Database
from schedules.findings import Level
from schedules.models import Broadcast, Meeting
from schedules.platform_check import check_youtube
from schedules.settings import Settings
from schedules.states import Audience
from tests.schedules.meetings import new_meeting
from tests.schedules.test_broadcasts import Calendar
from tests.standins.youtube import YouTube


@pytest.fixture
def calendar(sqlite_database: Database, connected: Settings, youtube: YouTube) -> Calendar:
    return Calendar(sqlite_database, connected, youtube)


def check(calendar: Calendar) -> tuple[Level, str]:
    with calendar.database.session() as session:
        meeting = session.get_one(Meeting, calendar.meeting)
    found = check_youtube(calendar.settings, calendar.database, meeting, "youtube")
    return found.level, found.sentence


def test_announced_it_is_well_and_deleted_it_is_not(calendar: Calendar) -> None:
    assert check(calendar)[0] is Level.WARNING
    calendar.minutes()
    assert check(calendar) == (Level.OK, "Sändningen är upplagd på YouTube.")
    calendar.youtube.remove_video(calendar.there.id)
    level, sentence = check(calendar)
    assert level is Level.FAULT
    assert "tagits bort" in sentence


def test_announced_and_not_as_it_should_be(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.youtube.faults.add(
        "youtube.liveBroadcasts.update", status=400, reason="invalidTitle", times=1000
    )
    calendar.change(title="Extra fullmäktige")
    calendar.minutes(2)
    level, sentence = check(calendar)
    assert level is Level.WARNING
    assert "inte som den ska vara: YouTube tar inte titeln" in sentence


def test_ended_there_already(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.go_live()
    calendar.there.complete(calendar.youtube.now())
    level, sentence = check(calendar)
    assert level is Level.FAULT
    assert "redan avslutad" in sentence


@pytest.mark.parametrize("announced", [False, True])
def test_a_channel_that_may_not_send_live(calendar: Calendar, announced: bool) -> None:
    if announced:
        calendar.minutes()
    calendar.youtube.sign_on.accounts["kommunen"].live = "liveStreamingNotEnabled"
    level, sentence = check(calendar)
    assert level is Level.FAULT
    assert "youtube.com/features" in sentence


def test_an_account_that_is_not_connected(sqlite_database: Database, away: Settings) -> None:
    found = check_youtube(away, sqlite_database, new_meeting(id=1, platforms=["youtube"], audience=Audience.PUBLIC),
                          "youtube")  # fmt: skip
    assert found.level is Level.FAULT
    assert "laktare connect youtube" in found.sentence


def test_a_meeting_for_staff_is_not_sent_there(connected: Settings) -> None:
    found = check_youtube(
        connected, None, new_meeting(platforms=["youtube"], audience=Audience.STAFF), "youtube"
    )
    assert found.ok
    assert "bara för anställda" in found.sentence


def test_a_deleted_row_is_no_address(calendar: Calendar) -> None:
    calendar.minutes()
    with calendar.database.session() as session:
        row = session.get_one(Broadcast, calendar.row.id)
        row.deleted_at, row.state = calendar.youtube.now(), DELETED
    assert check(calendar)[0] is Level.WARNING


def test_one_that_is_not_made_again_is_not_promised(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.youtube.remove_video(calendar.there.id)
    calendar.change(title="Extra fullmäktige")
    calendar.minutes(30)
    assert calendar.row.state == GONE
    level, sentence = check(calendar)
    assert level is Level.FAULT
    assert "tagits bort" in sentence
