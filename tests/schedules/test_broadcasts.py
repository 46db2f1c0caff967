"""The calendar's meetings on YouTube, ahead of their time: made once, edited, taken away and ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from broadcast.events import BroadcastSeen
from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import meeting_subject, open_alarms, raise_alarm
from schedules.broadcast_rows import DELETED, follow, our_turn, row_of
from schedules.broadcasts import BroadcastKeeper
from schedules.database import Database
from schedules.models import AgendaItem, Broadcast, Meeting, Spending
from schedules.settings import Settings
from schedules.states import Audience, MeetingState
from tests.schedules.meetings import new_meeting
from tests.standins.youtube import YouTube
from tests.standins.youtube_faults import Kind, When
from tests.standins.youtube_live import Broadcast as There


class Calendar:
    """One meeting in two days on YouTube, and the job that keeps its broadcast, minute by minute."""

    def __init__(self, database: Database, settings: Settings, youtube: YouTube, **columns: Any) -> None:
        self.database, self.settings, self.youtube = database, settings, youtube
        start = (youtube.now() + timedelta(days=2)).replace(microsecond=0)
        given = {"planned_start": start, "platforms": ["local", "youtube"], **columns}
        with database.session() as session:
            meeting = new_meeting(**given)
            session.add(meeting)
            session.flush()
            self.meeting = meeting.id
        self.keeper = BroadcastKeeper()

    def minutes(self, count: int = 1) -> None:
        """The job runs so many times, a minute apart."""
        for _ in range(count):
            self.keeper.keep_broadcasts(self.database, self.settings, self.youtube.now())
            self.youtube.advance(60)

    def change(self, **columns: Any) -> None:
        """Another process writes the meeting's row."""
        with self.database.session() as session:
            meeting = session.get_one(Meeting, self.meeting)
            for name, value in columns.items():
                setattr(meeting, name, value)

    @property
    def row(self) -> Broadcast:
        with self.database.session() as session:
            return session.scalars(select(Broadcast)).one()

    @property
    def there(self) -> There:
        """The one broadcast there."""
        (broadcast,) = self.youtube.broadcasts.values()
        return broadcast

    def go_live(self) -> None:
        """It is live there, as its live process would have seen to."""
        assert self.there.stream is not None
        self.youtube.packets(self.there.stream.key, flowing=True)
        self.there.start("live", self.youtube.now())
        self.youtube.advance(11)
        self.there.settle(self.youtube.now())
        assert self.there.life == "live"

    @property
    def alarms(self) -> list[str]:
        with self.database.session() as session:
            return [alarm.kind for alarm in open_alarms(session)]

    @property
    def requests(self) -> int:
        return len(self.youtube.requests)


@pytest.fixture
def calendar(sqlite_database: Database, connected: Settings, youtube: YouTube) -> Calendar:
    return Calendar(sqlite_database, connected, youtube)


def test_it_is_announced_once_with_everything(calendar: Calendar) -> None:
    calendar.minutes(3)
    there, row = calendar.there, calendar.row
    assert (row.address, row.state) == (there.id, "ready")
    assert there.video.snippet["title"].startswith("Kommunfullmäktige ")
    assert there.video.snippet["description"].endswith(f"Läktare-ref: {row.marker}")
    assert there.video.status == {"privacyStatus": "public", "selfDeclaredMadeForKids": False}
    with calendar.database.session() as session:
        assert there.scheduled_start == session.get_one(Meeting, calendar.meeting).planned_start
    assert (there.details["enableAutoStart"], there.details["enableAutoStop"]) == (False, False)
    assert there.stream is not None
    assert there.stream.title == "Läktare test"
    assert there.stream.reusable
    asked = calendar.requests
    calendar.minutes(3)
    assert calendar.requests == asked, "nothing differs, so nothing is asked"


def test_a_meeting_far_away_waits_its_turn(calendar: Calendar) -> None:
    calendar.change(planned_start=calendar.youtube.now() + timedelta(days=15))
    calendar.minutes()
    assert not calendar.youtube.broadcasts
    calendar.youtube.advance(86_500)
    calendar.minutes()
    assert calendar.there.life == "ready"


def test_two_meetings_share_the_key_of_their_source(calendar: Calendar) -> None:
    other = Calendar(
        calendar.database, calendar.settings, calendar.youtube, planned_start=calendar.youtube.now() + timedelta(days=3)
    )  # fmt: skip
    other.minutes()
    assert len(calendar.youtube.broadcasts) == 2
    assert len(calendar.youtube.streams) == 1


@pytest.mark.parametrize("fault", ["error", "cut"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "method",
    ["liveStreams.list", "liveStreams.insert", "liveBroadcasts.list", "liveBroadcasts.insert", "liveBroadcasts.bind"],
)  # fmt: skip
def test_whatever_answer_is_lost_there_is_exactly_one(
    calendar: Calendar, method: str, when: When, fault: Kind
) -> None:
    calendar.youtube.faults.add(f"youtube.{method}", fault, when)
    calendar.minutes(3)
    assert calendar.there.life == "ready"
    assert calendar.row.address == calendar.there.id
    assert len(calendar.youtube.streams) == 1
    assert calendar.alarms == []


@pytest.mark.parametrize("written", range(4))
def test_killed_between_any_two_writes_there_is_exactly_one(
    calendar: Calendar, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    real, left = calendar.database.session, [2 + written]  # two sessions come before the first request

    def session() -> Any:
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return real()

    monkeypatch.setattr(calendar.database, "session", session)
    with pytest.raises(Killed):
        calendar.minutes()
    monkeypatch.undo()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(calendar.youtube.ca_file))
    calendar.keeper = BroadcastKeeper()
    calendar.minutes(2)
    assert calendar.row.address == calendar.there.id
    assert calendar.there.life == "ready"


def test_an_edit_is_told_and_nothing_else_is_changed(calendar: Calendar) -> None:
    calendar.minutes()
    before = calendar.there.id
    later = calendar.there.scheduled_start + timedelta(hours=1)
    with calendar.database.session() as session:
        meeting = session.get_one(Meeting, calendar.meeting)
        meeting.title, meeting.planned_start = "Extra fullmäktige", later
        meeting.agenda = [AgendaItem(position=1, title="Upprop")]
    calendar.minutes(2)
    assert calendar.there.id == before
    assert calendar.there.video.snippet["title"].startswith("Extra fullmäktige")
    assert calendar.there.scheduled_start == later
    assert calendar.there.life == "ready", "it is still bound"


def test_an_edit_on_air_changes_what_may_be_changed(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.go_live()
    calendar.change(state=MeetingState.LIVE, title="Extra fullmäktige")
    calendar.minutes(2)
    assert calendar.there.video.snippet["title"].startswith("Extra fullmäktige")
    assert calendar.alarms == []


def test_an_edit_whose_answer_was_lost_is_undone_too(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.youtube.faults.add("youtube.liveBroadcasts.update", "cut", "after")
    calendar.change(title="Extra fullmäktige")
    calendar.minutes()
    assert calendar.there.video.snippet["title"].startswith("Extra fullmäktige")
    calendar.change(title="Kommunfullmäktige")
    calendar.minutes()
    assert calendar.there.video.snippet["title"].startswith("Kommunfullmäktige")


def test_an_edit_that_cannot_be_told_and_is_undone_is_no_alarm_any_more(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.youtube.faults.add(
        "youtube.liveBroadcasts.update", status=400, reason="invalidTitle", times=1000
    )
    calendar.change(title="Extra fullmäktige")
    calendar.minutes(3)
    assert calendar.alarms == [AlarmKind.NOT_ANNOUNCED]
    calendar.youtube.faults.clear()
    calendar.change(title="Kommunfullmäktige")
    calendar.minutes()
    assert calendar.alarms == []


def test_an_edit_on_air_leaves_the_alarms_of_the_live_process_alone(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.go_live()
    calendar.change(state=MeetingState.LIVE, title="Extra fullmäktige")
    with calendar.database.session() as session:
        subject = meeting_subject(calendar.meeting, "youtube")
        raise_alarm(
            session, AlarmKind.PLATFORM_TROUBLE, subject, "Titta.", calendar.youtube.now(), calendar.meeting
        )
    calendar.minutes(2)
    assert calendar.there.video.snippet["title"].startswith("Extra fullmäktige")
    assert calendar.alarms == [AlarmKind.PLATFORM_TROUBLE]


@pytest.mark.parametrize("change", [{"platforms": ["local"]}, {"audience": Audience.STAFF}])
def test_what_is_not_to_be_any_more_is_taken_away_on_air_too(
    calendar: Calendar, change: dict[str, Any]
) -> None:
    calendar.minutes()
    calendar.change(state=MeetingState.PREPARING)
    calendar.go_live()
    calendar.change(**change)
    calendar.minutes()
    assert calendar.there.life == "complete"
    assert calendar.row.ended_at is not None
    asked = calendar.requests
    calendar.minutes(3)
    assert calendar.requests == asked


def test_made_by_its_process_just_as_the_meeting_was_cancelled_it_is_taken_away(calendar: Calendar) -> None:
    calendar.minutes()
    made = BroadcastSeen(
        at=calendar.youtube.now(), frame=0, platform="youtube", address=calendar.row.address, state="ready"
    )
    calendar.change(state=MeetingState.CANCELLED)
    with calendar.database.session() as session:  # it was looked for a moment before
        row = session.get_one(Broadcast, calendar.row.id)
        row.state, row.address, row.deleted_at = DELETED, "", calendar.youtube.now()
    with calendar.database.session() as session:
        follow(session, calendar.meeting, made)
    calendar.minutes()
    assert not calendar.youtube.broadcasts
    assert calendar.row.deleted_at is not None


def test_live_already_and_put_off_a_little_it_is_the_same_broadcast(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.go_live()
    first = calendar.there.id
    start = calendar.youtube.now() + timedelta(minutes=40)
    calendar.change(planned_start=start, planned_end=start + timedelta(hours=2))
    with calendar.database.session() as session:
        session.get_one(Broadcast, calendar.row.id).state = "live"  # as its process saw
    calendar.minutes(3)
    assert (calendar.there.id, calendar.there.life) == (first, "live")


def test_live_already_and_moved_to_another_day_it_is_ended_and_another_one_made(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.go_live()
    first = calendar.there.id
    start = calendar.youtube.now() + timedelta(days=1)
    calendar.change(planned_start=start, planned_end=start + timedelta(hours=2))
    with calendar.database.session() as session:
        session.get_one(Broadcast, calendar.row.id).state = "live"  # as its process saw
    calendar.minutes(3)
    lives = {there.id: there.life for there in calendar.youtube.broadcasts.values()}
    assert lives.pop(first) == "complete"
    assert lives == {calendar.row.address: "ready"}
    assert calendar.row.live_at is None
    calendar.minutes(2)
    assert len(calendar.youtube.broadcasts) == 2


def test_a_fault_of_ours_with_one_meeting_stops_no_other(calendar: Calendar) -> None:
    other = Calendar(
        calendar.database, calendar.settings, calendar.youtube, planned_start=calendar.youtube.now() + timedelta(days=3)
    )  # fmt: skip
    with calendar.database.session() as session:
        blocked = row_of(session, calendar.meeting, "youtube").id
    lock = calendar.settings.data / "run" / f"broadcast-{blocked}.lock"
    lock.mkdir(parents=True)  # such as a folder whose rights were changed by hand
    calendar.minutes(2)
    assert calendar.there.life == "ready"
    assert calendar.alarms == [AlarmKind.NOT_ANNOUNCED]
    lock.rmdir()
    other.minutes(2)
    assert len(calendar.youtube.broadcasts) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"state": MeetingState.CANCELLED},
        {"state": MeetingState.MISSED},
        {"platforms": ["local"]},
        {"audience": Audience.STAFF},
    ],
)
def test_what_is_not_to_be_is_taken_away(calendar: Calendar, change: dict[str, Any]) -> None:
    calendar.minutes()
    calendar.change(**change)
    calendar.youtube.faults.add("youtube.liveBroadcasts.delete", "cut", "after")
    calendar.minutes(3)
    assert not calendar.youtube.broadcasts
    assert calendar.row.deleted_at is not None
    assert calendar.alarms == []


def test_only_staff_may_see_it_so_it_never_leaves_the_house(calendar: Calendar) -> None:
    calendar.change(audience=Audience.STAFF)
    calendar.minutes()
    assert calendar.requests == 0


def test_cancelled_and_restored_it_gets_a_new_one(calendar: Calendar) -> None:
    calendar.minutes()
    first = calendar.there.id
    calendar.change(state=MeetingState.CANCELLED)
    calendar.minutes(2)
    calendar.change(state=MeetingState.PLANNED)
    calendar.minutes(2)
    assert calendar.there.id != first
    assert calendar.row.address == calendar.there.id
    assert calendar.row.deleted_at is None


def test_one_that_its_process_could_not_end_is_ended(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.go_live()
    calendar.change(state=MeetingState.ENDED, ended_at=calendar.youtube.now())
    calendar.minutes(1)
    assert calendar.there.life == "live", "its own process has a minute for it"
    calendar.minutes(2)
    assert calendar.there.life == "complete"
    assert calendar.row.ended_at is not None
    asked = calendar.requests
    calendar.minutes(2)
    assert calendar.requests == asked


def test_one_that_cannot_be_ended_is_an_alarm_until_it_is(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.go_live()
    calendar.change(state=MeetingState.ENDED, ended_at=calendar.youtube.now())
    calendar.youtube.faults.add("youtube.*", times=1000)
    calendar.minutes(30)
    assert calendar.alarms == [AlarmKind.BROADCAST_LEFT]
    calendar.youtube.faults.clear()
    calendar.minutes(6)
    assert calendar.alarms == []
    assert calendar.there.life == "complete"


def test_one_that_never_went_live_is_deleted_after_the_meeting(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.change(state=MeetingState.ENDED, ended_at=calendar.youtube.now())
    calendar.minutes(3)
    assert not calendar.youtube.broadcasts


def test_deleted_by_a_person_it_is_not_made_again_until_it_is_asked_for(calendar: Calendar) -> None:
    calendar.minutes()
    calendar.youtube.remove_video(calendar.there.id)
    calendar.change(title="Extra fullmäktige")
    calendar.minutes(30)
    assert not calendar.youtube.broadcasts
    assert calendar.alarms == [AlarmKind.NOT_ANNOUNCED]
    calendar.change(platforms=["local"])
    calendar.minutes(2)
    assert calendar.alarms == []
    calendar.change(platforms=["local", "youtube"])
    calendar.minutes(2)
    assert calendar.there.life == "ready"
    assert calendar.alarms == []


def test_what_a_person_must_mend_is_an_alarm_and_seldom_tried(calendar: Calendar) -> None:
    account = calendar.youtube.sign_on.accounts["kommunen"]
    account.live = "liveStreamingNotEnabled"
    calendar.minutes(60)
    assert calendar.alarms == [AlarmKind.NOT_ANNOUNCED]
    assert "youtube.com/features" in calendar.row.error
    assert calendar.requests < 15
    account.live = ""
    calendar.minutes(61)
    assert calendar.there.life == "ready"
    assert calendar.alarms == []
    assert calendar.row.error == ""


def test_no_quota_left_is_waited_for(calendar: Calendar) -> None:
    calendar.youtube.faults.add("youtube.*", status=403, reason="quotaExceeded", times=5)
    calendar.minutes(10)
    assert calendar.alarms == [], "the meeting is days away"
    calendar.youtube.faults.clear()
    with calendar.database.session() as session:  # midnight in California
        session.execute(delete(Spending))
    calendar.minutes(60)
    assert calendar.there.life == "ready"


def test_a_dead_grant_is_the_accounts_own_alarm(calendar: Calendar) -> None:
    calendar.youtube.revoke_account("kommunen")
    calendar.minutes(10)
    assert calendar.alarms == []
    assert "laktare connect youtube" in calendar.row.error


def test_texts_that_do_not_fit_are_told_before_anything_is_asked(calendar: Calendar) -> None:
    calendar.change(title="Kommunfullmäktige " + "a" * 90)
    calendar.minutes(2)
    assert calendar.requests == 0
    assert calendar.alarms == [AlarmKind.NOT_ANNOUNCED]
    calendar.change(title="Kommunfullmäktige")
    calendar.minutes()
    assert calendar.there.life == "ready"


def test_while_the_live_process_makes_it_the_job_waits(calendar: Calendar) -> None:
    with calendar.database.session() as session:
        session.add(Broadcast(meeting_id=calendar.meeting, platform="youtube", marker="m1"))
    with our_turn(calendar.settings, calendar.database, calendar.row.id) as mine:
        assert mine
        calendar.minutes()
        assert calendar.requests == 0
    calendar.minutes()
    assert calendar.there.life == "ready"


def test_a_privacy_that_youtube_does_not_keep_is_told(
    calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = There.as_json

    def private(self: There, now: datetime) -> Any:
        answer = whole(self, now)
        return {**answer, "status": {**answer["status"], "privacyStatus": "private"}}

    monkeypatch.setattr(There, "as_json", private)
    calendar.minutes(10)
    assert calendar.there.life == "ready"
    assert calendar.alarms == [AlarmKind.NOT_ANNOUNCED]
    assert "privat i stället för offentlig" in calendar.row.error
    assert len([r for r in calendar.youtube.requests if r.verb != "GET"]) < 6, "trying again would not help"


def test_one_turn_at_a_time(database: Database, settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"data": tmp_path / "another machine"})
    with our_turn(settings, database, 7) as first, our_turn(settings, database, 7) as second:
        assert (first, second) == (True, False)
        with our_turn(settings, database, 8) as other:
            assert other
        if database.engine.dialect.name == "postgresql":  # SQLite has one machine only
            with our_turn(elsewhere, database, 7) as there:
                assert not there
    with our_turn(settings, database, 7) as again:
        assert again
