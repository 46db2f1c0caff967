"""A film on its way to YouTube and off it again: step by step, through faults, withdrawal, replacement and deletion."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from broadcast.ledger import LEDGER_NAME
from schedules import decisions, public
from schedules.aftermath import publish
from schedules.alarms.raising import open_alarms
from schedules.attempts import attempt_elsewhere
from schedules.captioning import caption
from schedules.database import Database
from schedules.elsewhere import (
    HIDE_FORMER,
    SETTLE,
    WITHDRAW,
    next_step,
    wanted_step,
    wanting,
)
from schedules.elsewhere_rows import order, retake_deferred
from schedules.elsewhere_steps import take, take_down
from schedules.models import AuditEntry, Broadcast, LiveProcess, Meeting, Publication, Video
from schedules.packing import film_of
from schedules.settings import BodySettings, Settings, YouTubeWording
from schedules.states import MeetingState, PublicationState, VideoState
from schedules.videos import VideoRefused
from schedules.workshop import Abandoned, Workshop
from tests.standins.youtube import YouTube
from uploader.errors import UploadError

NOW = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
STEPS = ("upload", "details", "captions", "thumbnail", "playlist", "processed", "privacy")


@pytest.fixture
def workshop(connected: Settings, youtube: YouTube, sqlite_database: Database) -> Workshop:
    """A house whose council's films go to YouTube too, where any file is a minute of film."""
    youtube.any_file_is_a_film = True
    body = BodySettings(name="Kommunfullmäktige", source="test", also=("youtube",))
    settings = connected.model_copy(update={"bodies": {"kf": body}})
    return Workshop(settings=settings, database=sqlite_database, now=lambda: NOW)


def at_home(workshop: Workshop, **columns: Any) -> int:
    """A film that has just been published here and is now to go on; returns its number."""
    rendition = workshop.settings.work_folder("abc").absolute() / "video.mp4"
    rendition.parent.mkdir(parents=True, exist_ok=True)
    rendition.write_bytes(b"film" * 1000)
    Image.new("RGB", (64, 36)).save(rendition.parent / "poster.jpg")
    with workshop.database.session() as session:
        values: dict[str, Any] = {
            "key": "abc", "title": "Sammanträde", "body": "kf", "recorded_at": NOW, "channel": "archive",
            "also": ["youtube"], "original": rendition, "rendition": rendition, "duration": 60.0, "version": 1,
            "state": VideoState.PUBLISHED,
        }  # fmt: skip
        video = Video(**{**values, **columns})
        session.add(video)
        session.flush()
        home = Publication(
            channel="archive", state=PublicationState.PUBLISHED, address="abc", version=1, film=film_of(video)
        )
        home.published_at = NOW
        video.publications.append(home)
        order(session, workshop, video)
        session.flush()
        place = workshop.settings.archive_folder("abc")
        place.mkdir(parents=True)
        (place / "video.mp4").write_bytes(b"film")
        return video.id


def there(workshop: Workshop) -> Publication:
    """The publication on YouTube."""
    with workshop.database.session() as session:
        return session.scalars(select(Publication).where(Publication.channel == "youtube")).one()


def carry(workshop: Workshop, youtube: YouTube, *, until: str | None = None) -> list[str]:
    """Take steps until nothing is wanted, or `until` is next. What waits is waited for on YouTube's clock."""
    taken: list[str] = []
    for _ in range(40):
        with workshop.database.session() as session:
            waiting = wanting(session)
        if not waiting:
            return taken
        ((publication_id, takedown),) = waiting
        step = wanted_step(workshop, publication_id, takedown=takedown)
        if step is None or step == until:
            return taken
        verdict = attempt_elsewhere(workshop, step, publication_id, 1)
        assert verdict["state"] != "failed", there(workshop).error
        youtube.advance(verdict["wait"])
        taken += [step] if verdict["state"] == "done" else []
    raise AssertionError(f"it never ends: {taken}")


def told(workshop: Workshop) -> dict[str, str]:
    with workshop.database.session() as session:
        return {alarm.kind: alarm.message for alarm in open_alarms(session)}


def test_the_whole_way_to_youtube(workshop: Workshop, youtube: YouTube) -> None:
    at_home(workshop)
    assert carry(workshop, youtube) == [*STEPS, SETTLE]
    (video,) = youtube.videos.values()
    assert video.status["privacyStatus"] == "public"
    assert video.title == "Sammanträde 24 november 2026"
    assert "Kommunfullmäktige, Provköping" in video.snippet["description"]
    publication = there(workshop)
    assert (publication.state, publication.address) == (PublicationState.PUBLISHED, video.id)
    assert (publication.error, publication.film["duration"], publication.published_at) == ("", 60.0, NOW)
    assert told(workshop) == {}


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_it_goes_on_with_one_video(
    workshop: Workshop, youtube: YouTube, step: str
) -> None:
    """The step was taken there, and the worker died before it could write that down."""
    at_home(workshop)
    carry(workshop, youtube, until=step)
    before = {name: getattr(there(workshop), name) for name in ("done", "address", "memory", "state")}
    carry(workshop, youtube, until=(*STEPS, SETTLE)[STEPS.index(step) + 1])
    with workshop.database.session() as session:
        publication = session.scalars(select(Publication).where(Publication.channel == "youtube")).one()
        for name, value in before.items():
            setattr(publication, name, value)
    carry(workshop, youtube)
    assert there(workshop).state is PublicationState.PUBLISHED
    assert len(youtube.videos) == 1
    assert youtube.duplicates == 0


def test_what_it_can_stand_without_is_skipped_told_and_taken_later(
    workshop: Workshop, youtube: YouTube
) -> None:
    video_id = at_home(workshop)
    youtube.faults.add("youtube.thumbnails.set", status=403, reason="forbidden", times=9)
    carry(workshop, youtube)
    publication = there(workshop)
    assert publication.state is PublicationState.PUBLISHED
    assert "telefonnummer" in publication.notes["thumbnail"]["sentence"]
    assert f"laktare video retry {video_id}" in told(workshop)["publication_incomplete"]
    youtube.faults.clear()
    with workshop.database.session() as session:
        decisions.retry(session, session.get_one(Video, video_id), who="eva", now=NOW)
    assert carry(workshop, youtube) == ["thumbnail", SETTLE]
    (video,) = youtube.videos.values()
    assert video.thumbnail is not None
    assert told(workshop) == {}


def test_a_picture_that_must_wait_a_day_holds_nothing_up(workshop: Workshop, youtube: YouTube) -> None:
    at_home(workshop)
    youtube.faults.add("youtube.thumbnails.set", status=429, reason="uploadRateLimitExceeded")
    carry(workshop, youtube)
    assert there(workshop).state is PublicationState.PUBLISHED
    with workshop.database.session() as session:
        retake_deferred(session, NOW + timedelta(hours=23))
        assert wanting(session) == []
        retake_deferred(session, NOW + timedelta(hours=25))
    assert carry(workshop, youtube) == ["thumbnail", SETTLE]
    (video,) = youtube.videos.values()
    assert video.thumbnail is not None


def test_what_needs_a_person_stops_it_with_one_alarm(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    youtube.fail_processing("codec")
    with pytest.raises(AssertionError):
        carry(workshop, youtube)
    publication = there(workshop)
    assert (publication.state, publication.step) == (PublicationState.FAILED, "processed")
    assert publication.error in told(workshop)["pipeline_failed"]
    with workshop.database.session() as session:
        assert wanting(session) == []
        assert session.get_one(Video, video_id).state is VideoState.PUBLISHED  # here it stands
    (video,) = youtube.videos.values()
    assert video.status["privacyStatus"] == "private"


def test_a_day_without_quota_is_told_and_waited_for(workshop: Workshop, youtube: YouTube) -> None:
    at_home(workshop)
    youtube.faults.add("youtube.videos.insert*", status=400, reason="uploadLimitExceeded")
    verdict = attempt_elsewhere(workshop, "upload", there(workshop).id, 50)
    assert verdict["state"] == "waits"
    assert verdict["wait"] > 3600
    assert "publication_waits" in told(workshop)
    carry(workshop, youtube)
    assert told(workshop) == {}


def test_nothing_is_sent_while_a_meeting_is_on_air_here(workshop: Workshop, youtube: YouTube) -> None:

    at_home(workshop)
    with workshop.database.session() as session:
        meeting = Meeting(
            body="kf", title="Nämnd", planned_start=NOW, planned_end=NOW + timedelta(hours=1), source="test",
            platforms=["local"], channel="archive", state=MeetingState.LIVE,
        )  # fmt: skip
        session.add(meeting)
        session.flush()
        process = LiveProcess(meeting_id=meeting.id, host=socket.gethostname(), pid=1, status={})
        process.started_at = process.heartbeat_at = NOW
        session.add(process)
        number = meeting.id
    verdict = attempt_elsewhere(workshop, "upload", there(workshop).id, 1)
    assert verdict["state"] == "waits"
    assert "sänds" in there(workshop).error
    assert youtube.videos == {}
    with workshop.database.session() as session:
        session.get_one(Meeting, number).state = MeetingState.ENDED
    verdict = attempt_elsewhere(
        replace(workshop), "upload", there(workshop).id, 1
    )  # a fresh look at what is on air
    assert verdict["state"] == "done"


def test_withdrawn_on_the_way_it_never_shows(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube, until="privacy")
    withdraw(workshop, video_id)
    assert take_down(workshop, video_id) == []
    with workshop.database.session() as session:
        assert wanting(session) == []
    (video,) = youtube.videos.values()
    assert video.status["privacyStatus"] == "private"
    assert there(workshop).state is PublicationState.WITHDRAWN


def test_withdrawn_and_restored_everywhere(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube)
    withdraw(workshop, video_id)
    (video,) = youtube.videos.values()
    assert take_down(workshop, video_id) == []
    assert video.status["privacyStatus"] == "private"
    publication = there(workshop)
    assert (publication.withdraw_reason, publication.withdrawn_at) == ("Personuppgift", NOW)
    with workshop.database.session() as session:
        decisions.restore(session, workshop.settings, session.get_one(Video, video_id), who="eva", now=NOW)
    assert carry(workshop, youtube) == ["playlist", "privacy", SETTLE]
    assert video.status["privacyStatus"] == "public"
    assert there(workshop).withdrawn_at is None
    assert len(youtube.videos) == 1


def test_what_cannot_be_taken_down_at_once_is_told_and_tried_on(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube)
    withdraw(workshop, video_id)
    youtube.faults.add("youtube.videos.*", times=99)
    ((channel, why),) = take_down(workshop, video_id)
    assert (channel, bool(why)) == ("youtube", True)
    verdict = attempt_elsewhere(workshop, WITHDRAW, there(workshop).id, 50)
    assert verdict["state"] == "again"
    assert "dölj den för hand" in told(workshop)["still_public"]
    youtube.faults.clear()
    assert carry(workshop, youtube) == [WITHDRAW]
    assert told(workshop) == {}


def test_a_new_cut_takes_the_place_of_the_old_one(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube)
    old = there(workshop).address
    with workshop.database.session() as session:
        video = session.get_one(Video, video_id)
        assert video.rendition is not None
        video.rendition.write_bytes(b"new cut" * 1000)
        video.version = 2
        order(session, workshop, video)
    assert carry(workshop, youtube, until="privacy") == list(STEPS[:-1])
    assert youtube.videos[old].status["privacyStatus"] == "public"  # until the new one can be seen
    assert carry(workshop, youtube) == ["privacy", HIDE_FORMER, SETTLE]
    new = there(workshop).address
    shown = {address: video.status["privacyStatus"] for address, video in youtube.videos.items()}
    assert shown == {old: "private", new: "public"}
    delete(workshop, video_id)
    assert take_down(workshop, video_id) == []
    assert youtube.videos == {}


def test_the_same_cut_is_not_put_there_again(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube)
    with workshop.database.session() as session:
        order(session, workshop, session.get_one(Video, video_id))
        assert wanting(session) == []


def test_deleted_by_a_decision_only(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube)
    delete(workshop, video_id)
    assert take_down(workshop, video_id) == []
    assert (youtube.videos, there(workshop).state) == ({}, PublicationState.DELETED)
    with workshop.database.session() as session:
        entries = {e.what: e.detail for e in session.scalars(select(AuditEntry))}
    assert entries["video.decision"] == {"decision": "KS 2026/123"}
    assert "publication.deleted" in entries


def test_stopped_in_the_middle_it_is_left_to_the_next_worker(workshop: Workshop, youtube: YouTube) -> None:
    at_home(workshop)
    workshop.stop.set()
    with pytest.raises(Abandoned):
        attempt_elsewhere(workshop, "upload", there(workshop).id, 1)
    assert (there(workshop).state, there(workshop).error) == (PublicationState.WAITING, "")
    workshop.stop.clear()
    carry(workshop, youtube)
    assert len(youtube.videos) == 1


def broadcast(workshop: Workshop, youtube: YouTube) -> tuple[int, str]:
    """A meeting that YouTube has recorded itself, with two agenda items; its number and the broadcast's address."""
    address = recorded(youtube)
    with workshop.database.session() as session:
        meeting = Meeting(
            body="kf", title="Nämnd", planned_start=NOW, planned_end=NOW + timedelta(hours=1), source="test",
            platforms=["local", "youtube"], channel="archive", also=["youtube"], state=MeetingState.ENDED,
        )  # fmt: skip
        session.add(meeting)
        session.flush()
        session.add(
            Broadcast(
                meeting_id=meeting.id,
                platform="youtube",
                marker="m1",
                address=address,
                live_at=NOW - timedelta(minutes=2),
                state="complete",
            )
        )
        return meeting.id, address


def recorded(youtube: YouTube) -> str:
    from tests.standins.youtube_videos import Video as Recorded

    account = youtube.sign_on.accounts["kommunen"]
    video = Recorded(
        id="b1", account=account, published=youtube.now(), seconds=4000.0,
        snippet={"title": "Nämnd", "description": "Läktare-ref: m1", "categoryId": "25"},
        status={"privacyStatus": "public"},
    )  # fmt: skip
    video.upload_status = "processed"
    youtube.videos["b1"] = video
    return "b1"


def test_what_youtube_recorded_itself_is_kept(workshop: Workshop, youtube: YouTube) -> None:
    meeting_id, address = broadcast(workshop, youtube)
    at_home(workshop, meeting_id=meeting_id, made_cuts=[{"start": 0.0, "end": 120.0, "reason": "waiting"}])
    carry(workshop, youtube)
    assert there(workshop).address == address
    assert list(youtube.videos) == [address]  # nothing was uploaded
    assert youtube.videos[address].title == "Sammanträde 24 november 2026"


@pytest.mark.parametrize(
    ("archive", "cuts"),
    [
        ("keep", [{"start": 100.0, "end": 120.0, "reason": "Personuppgift"}]),
        ("keep", [{"start": 100.0, "end": 120.0, "reason": "closed"}]),
        ("replace", []),
    ],
)
def test_what_youtube_recorded_itself_gives_way_to_a_film_with_cuts(
    workshop: Workshop, youtube: YouTube, archive: str, cuts: list[dict[str, Any]]
) -> None:
    body = workshop.settings.bodies["kf"].model_copy(update={"youtube": YouTubeWording(archive=archive)})  # type: ignore[arg-type]
    workshop.settings = workshop.settings.model_copy(update={"bodies": {"kf": body}})
    meeting_id, address = broadcast(workshop, youtube)
    at_home(workshop, meeting_id=meeting_id, made_cuts=cuts)
    carry(workshop, youtube)
    assert there(workshop).address != address
    assert youtube.videos[address].status["privacyStatus"] == "private"
    assert youtube.videos[there(workshop).address].status["privacyStatus"] == "public"


V, P = VideoState, PublicationState


@pytest.mark.parametrize(
    ("video", "home", "publication", "done", "step"),
    [
        (V.PUBLISHED, P.PUBLISHED, P.WAITING, [], "upload"),
        (V.PUBLISHED, P.PUBLISHED, P.WAITING, ["upload"], "details"),
        (V.PUBLISHED, P.PUBLISHED, P.WAITING, list(STEPS), SETTLE),
        (V.PUBLISHED, P.PUBLISHED, P.PUBLISHED, list(STEPS), None),
        (V.PUBLISHED, P.PUBLISHED, P.FAILED, [], None),
        (V.PROCESSING, P.PUBLISHED, P.WAITING, [], None),
        (V.REVIEW, P.PUBLISHED, P.PUBLISHED, [], None),
        (V.WITHDRAWN, P.WITHDRAWN, P.PUBLISHED, [], WITHDRAW),
        (V.WITHDRAWN, P.WITHDRAWN, P.FAILED, [], WITHDRAW),
        (V.PROCESSING, P.WITHDRAWN, P.PUBLISHED, [], WITHDRAW),  # cut anew before it was hidden there
        (V.WITHDRAWN, P.WITHDRAWN, P.WITHDRAWN, [], None),
        (V.DELETED, P.DELETED, P.WITHDRAWN, [], "delete"),
        (V.DELETED, P.DELETED, P.DELETED, [], None),
    ],
)
def test_what_is_wanted_follows_from_states(
    video: VideoState,
    home: PublicationState,
    publication: PublicationState,
    done: list[str],
    step: str | None,
) -> None:
    row = Publication(state=publication, done=done, notes={}, former=[])
    assert next_step(video, home, row, STEPS) == step


def test_withdrawn_and_cut_anew_it_is_hidden_all_the_same(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube)
    withdraw(workshop, video_id)
    decide(workshop, video_id, lambda s, v: decisions.cut(
        s, v, pieces=[(1, 2)], reason="Personuppgift", who="eva", now=NOW))  # fmt: skip
    assert carry(workshop, youtube) == [WITHDRAW]
    (video,) = youtube.videos.values()
    assert video.status["privacyStatus"] == "private"


def test_what_is_for_the_staff_never_leaves(workshop: Workshop) -> None:
    from schedules.states import Audience

    at_home(workshop, audience=Audience.STAFF)
    with workshop.database.session() as session:
        assert wanting(session) == []


def test_a_channel_that_left_the_settings_needs_a_person(workshop: Workshop) -> None:
    at_home(workshop)
    channels = {"archive": workshop.settings.channels["archive"]}
    workshop.settings = workshop.settings.model_copy(update={"channels": channels})
    with pytest.raises(UploadError, match="finns inte i inställningarna"):
        take(workshop, there(workshop).id, "open")
    assert attempt_elsewhere(workshop, "open", there(workshop).id, 1)["state"] == "failed"
    assert "finns inte i inställningarna" in told(workshop)["pipeline_failed"]


def withdraw(workshop: Workshop, video_id: int) -> None:
    decide(workshop, video_id, lambda s, v: decisions.withdraw(
        s, workshop.settings, v, reason="Personuppgift", who="eva", now=NOW))  # fmt: skip


def delete(workshop: Workshop, video_id: int) -> None:
    decide(workshop, video_id, lambda s, v: decisions.delete(
        s, workshop.settings, v, decision="KS 2026/123", who="eva", now=NOW))  # fmt: skip


def decide(workshop: Workshop, video_id: int, decision: Callable[[Any, Video], None]) -> None:
    with workshop.database.session() as session:
        decision(session, session.get_one(Video, video_id))


def test_paths_stay_inside_the_data_folder(workshop: Workshop, tmp_path: Path) -> None:
    """A deleted film whose original lies elsewhere (moved by hand) takes nothing there with it."""
    from schedules.videos import destroy_files

    outside = tmp_path / "elsewhere" / "film.mp4"
    outside.parent.mkdir()
    outside.write_bytes(b"film")
    video_id = at_home(workshop, original=outside)
    with workshop.database.session() as session:
        destroy_files(workshop.settings, session.get_one(Video, video_id))
    assert outside.exists()
    assert not workshop.settings.work_folder("abc").exists()


def meanwhile(workshop: Workshop, youtube: YouTube, step: str, method: str) -> threading.Thread:
    """`step` is being taken by a worker, whose request `method` has half a second left to go."""
    slow = youtube.faults.add(method, "slow", seconds=0.5)
    number = there(workshop).id
    worker = threading.Thread(target=attempt_elsewhere, args=(workshop, step, number, 1))
    worker.start()
    while slow not in youtube.faults.struck:
        time.sleep(0.01)
    return worker


def test_withdrawn_while_it_is_being_shown_it_is_hidden_in_the_end(
    workshop: Workshop, youtube: YouTube
) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube, until="privacy")
    worker = meanwhile(workshop, youtube, "privacy", "youtube.videos.update")
    withdraw(workshop, video_id)
    assert take_down(workshop, video_id) == []
    worker.join()
    (video,) = youtube.videos.values()
    assert video.status["privacyStatus"] == "private"
    assert there(workshop).state is PublicationState.WITHDRAWN


def test_a_film_that_arrives_after_its_new_cut_is_not_taken_for_it(
    workshop: Workshop, youtube: YouTube
) -> None:
    video_id = at_home(workshop)
    worker = meanwhile(workshop, youtube, "upload", "youtube.videos.insert#chunk")
    with workshop.database.session() as session:
        video = session.get_one(Video, video_id)
        assert video.rendition is not None
        video.rendition.write_bytes(b"new cut" * 1000)
        video.version = 2
        order(session, workshop, video)
    worker.join()
    ((old, uncut),) = youtube.videos.items()
    carry(workshop, youtube)
    assert there(workshop).address != old
    assert uncut.status["privacyStatus"] == "private"
    delete(workshop, video_id)
    assert take_down(workshop, video_id) == []
    assert youtube.videos == {}


def test_a_film_that_arrives_after_its_deletion_is_deleted(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    worker = meanwhile(workshop, youtube, "upload", "youtube.videos.insert#chunk")
    delete(workshop, video_id)
    assert take_down(workshop, video_id) == []
    worker.join()
    assert len(youtube.videos) == 1
    assert carry(workshop, youtube) == ["delete"]
    assert youtube.videos == {}


def test_what_an_upload_left_behind_is_deleted_with_the_film(workshop: Workshop, youtube: YouTube) -> None:
    """Its last byte arrived, and the worker died before it knew under which address."""
    video_id = at_home(workshop)
    carry(workshop, youtube, until="details")
    with workshop.database.session() as session:
        publication = session.scalars(select(Publication).where(Publication.channel == "youtube")).one()
        publication.address, publication.memory = "", {"upload": {"size": 1}}
    delete(workshop, video_id)
    assert take_down(workshop, video_id) == []
    assert youtube.videos == {}


def test_hiding_may_use_what_the_quota_keeps_in_reserve(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube)
    limits = workshop.settings.youtube.model_copy(update={"reserve_units": 10_000})
    workshop.settings = workshop.settings.model_copy(update={"youtube": limits})
    withdraw(workshop, video_id)
    assert take_down(workshop, video_id) == []
    (video,) = youtube.videos.values()
    assert video.status["privacyStatus"] == "private"


def test_half_hidden_and_restored_it_is_shown_and_nothing_is_alarmed_about(
    workshop: Workshop, youtube: YouTube
) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube)
    withdraw(workshop, video_id)
    youtube.faults.add("youtube.videos.list", skip=1, times=9)  # hidden, but not seen to be
    assert attempt_elsewhere(workshop, WITHDRAW, there(workshop).id, 1)["state"] == "again"
    youtube.faults.clear()
    decide(workshop, video_id, lambda s, v: decisions.restore(s, workshop.settings, v, who="eva", now=NOW))
    carry(workshop, youtube)
    (video,) = youtube.videos.values()
    assert video.status["privacyStatus"] == "public"
    assert told(workshop) == {}


def test_restored_without_its_files_it_comes_back_elsewhere_too(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube)
    withdraw(workshop, video_id)
    take_down(workshop, video_id)
    shutil.rmtree(workshop.settings.data / "withdrawn")
    decide(workshop, video_id, lambda s, v: decisions.restore(s, workshop.settings, v, who="eva", now=NOW))
    publish(workshop, video_id)
    carry(workshop, youtube)
    (video,) = youtube.videos.values()
    assert video.status["privacyStatus"] == "public"


def test_deleted_there_by_hand_it_is_sent_anew_when_a_person_asks(
    workshop: Workshop, youtube: YouTube
) -> None:
    video_id = at_home(workshop)
    youtube.fail_processing("codec")
    with pytest.raises(AssertionError):
        carry(workshop, youtube)
    youtube.videos.clear()
    decide(workshop, video_id, lambda s, v: decisions.retry(s, v, who="eva", now=NOW))
    carry(workshop, youtube)
    assert there(workshop).state is PublicationState.PUBLISHED
    assert len(youtube.videos) == 1
    assert told(workshop) == {}


def test_a_night_without_a_line_is_told_and_needs_nobody(workshop: Workshop, youtube: YouTube) -> None:
    at_home(workshop)
    carry(workshop, youtube, until="captions")
    number = there(workshop).id
    youtube.faults.add("youtube.captions.*", times=99)
    youtube.faults.add("youtube.videos.list", times=99)
    (workshop.settings.work_folder("abc") / "captions.sv.vtt").write_text(
        "WEBVTT\n\n00:00.000 --> 00:01.000\nJa.\n"
    )
    assert attempt_elsewhere(workshop, "captions", number, 2)["state"] == "again"
    assert attempt_elsewhere(workshop, "captions", number, 9)["state"] == "done"  # goes on without, for now
    for step in ("thumbnail", "playlist"):
        assert attempt_elsewhere(workshop, step, number, 1)["state"] == "done"
    verdict = attempt_elsewhere(workshop, "processed", number, 60)
    assert (verdict["state"], verdict["wait"]) == ("again", 900)
    assert list(told(workshop)) == ["publication_waits"]
    youtube.faults.clear()
    carry(workshop, youtube)
    with workshop.database.session() as session:
        retake_deferred(session, NOW + timedelta(hours=25))
    assert carry(workshop, youtube) == ["captions", SETTLE]
    assert told(workshop) == {}


@pytest.mark.parametrize("also", [["youtube"], []])
@pytest.mark.parametrize(
    "state", [VideoState.PROCESSING, VideoState.REVIEW, VideoState.APPROVED, VideoState.FAILED]
)
def test_what_youtube_recorded_is_hidden_before_the_film_is_published(
    workshop: Workshop, youtube: YouTube, state: VideoState, also: list[str]
) -> None:
    meeting_id, address = broadcast(workshop, youtube)
    video_id = unpublished(workshop, meeting_id, state=state, also=also, review=False)
    withdraw(workshop, video_id)
    assert take_down(workshop, video_id) == []
    assert youtube.videos[address].status["privacyStatus"] == "private"
    with workshop.database.session() as session:
        view = public.meeting_view(session, meeting_id, now=NOW)
        assert view is not None
        assert (view.stage, view.reason) == (public.Stage.WITHDRAWN, "Personuppgift")
        video = session.get_one(Video, video_id)
        assert video.review  # whatever the body says: what was hidden comes out by a person's hand only
        assert video.state is (VideoState.REVIEW if state is VideoState.APPROVED else state)
        video.state = VideoState.REVIEW
        decisions.approve(session, video, who="eva", now=NOW)
    publish(workshop, video_id)
    carry(workshop, youtube)
    assert list(youtube.videos) == [address]
    assert youtube.videos[address].status["privacyStatus"] == "public"
    with workshop.database.session() as session:
        view = public.meeting_view(session, meeting_id, now=NOW)
        assert view is not None
        assert view.stage is public.Stage.PUBLISHED


@pytest.mark.parametrize("state", [VideoState.REVIEW, VideoState.PUBLISHED])
def test_what_youtube_recorded_is_destroyed_with_the_film_whatever_its_channels(
    workshop: Workshop, youtube: YouTube, state: VideoState
) -> None:
    meeting_id, _ = broadcast(workshop, youtube)
    video_id = unpublished(workshop, meeting_id, state=state, also=[])
    delete(workshop, video_id)
    assert take_down(workshop, video_id) == []
    assert youtube.videos == {}


def test_what_was_cut_is_not_left_in_youtubes_own_recording(workshop: Workshop, youtube: YouTube) -> None:
    """The body's films go to no channel there: nothing is sent, but the uncut recording is hidden."""
    meeting_id, address = broadcast(workshop, youtube)
    cuts = [{"start": 100.0, "end": 120.0, "reason": "Personuppgift"}]
    video_id = at_home(workshop, meeting_id=meeting_id, also=[], made_cuts=cuts)
    assert carry(workshop, youtube) == [HIDE_FORMER, SETTLE]
    assert list(youtube.videos) == [address]
    assert youtube.videos[address].status["privacyStatus"] == "private"
    assert there(workshop).withdraw_reason == "Filmen har klippts."
    withdraw(workshop, video_id)
    decide(workshop, video_id, lambda s, v: decisions.restore(s, workshop.settings, v, who="eva", now=NOW))
    carry(workshop, youtube)
    assert youtube.videos[address].status["privacyStatus"] == "private"


def test_the_old_film_is_withdrawn_while_a_new_cut_is_being_made(
    workshop: Workshop, youtube: YouTube
) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube)
    decide(workshop, video_id, lambda s, v: decisions.cut(
        s, v, pieces=[(1, 2)], reason="Personuppgift", who="eva", now=NOW))  # fmt: skip
    withdraw(workshop, video_id)
    assert take_down(workshop, video_id) == []
    (video,) = youtube.videos.values()
    assert video.status["privacyStatus"] == "private"
    assert not workshop.settings.archive_folder("abc").exists()


def unpublished(workshop: Workshop, meeting_id: int, **columns: Any) -> int:
    """A film of that meeting that stands nowhere yet, or at home alone."""
    video_id = at_home(workshop, meeting_id=meeting_id, **columns)
    with workshop.database.session() as session:
        video = session.get_one(Video, video_id)
        gone = video.state is not VideoState.PUBLISHED
        for publication in list(video.publications):
            if gone or publication.channel != "archive":
                video.publications.remove(publication)
    if gone:
        shutil.rmtree(workshop.settings.archive_folder("abc"))
    return video_id


CUE = "WEBVTT\n\n00:01.000 --> 00:02.000\n{}\n"


def captioned(workshop: Workshop, video_id: int, words: str, language: str = "sv") -> None:
    decide(workshop, video_id, lambda s, v: caption(
        s, v, CUE.format(words), language=language, who="eva", now=NOW))  # fmt: skip


def test_captions_reach_every_place_where_the_film_stands(workshop: Workshop, youtube: YouTube) -> None:
    video_id = at_home(workshop)
    carry(workshop, youtube)
    for words in ("Fel", "Rätt"):
        captioned(workshop, video_id, words)
        publish(workshop, video_id)
        assert carry(workshop, youtube) == ["captions", SETTLE]
    assert "Rätt" in (workshop.settings.archive_folder("abc") / "captions.sv.vtt").read_text()
    (video,) = youtube.videos.values()
    (track,) = youtube.captions.values()
    assert (track.snippet["language"], "Rätt" in track.text, track.video) == ("sv", True, video)
    with workshop.database.session() as session:
        assert "video.captioned" in session.scalars(select(AuditEntry.what)).all()


def test_captions_are_only_taken_where_there_is_a_film_to_fit(workshop: Workshop) -> None:
    video_id = at_home(workshop, state=VideoState.WITHDRAWN)
    with pytest.raises(VideoRefused, match="kan inte textas nu"):
        captioned(workshop, video_id, "Ja")
    with pytest.raises(VideoRefused, match="inget språk"):
        captioned(workshop, video_id, "Ja", language="../sv")


def test_captions_follow_the_clock_of_youtubes_own_recording(workshop: Workshop, youtube: YouTube) -> None:
    """It went live two minutes before the recording's epoch, and the film's first 30 s were cut."""
    meeting_id, _ = broadcast(workshop, youtube)
    recording = workshop.settings.recording_folder(meeting_id)
    recording.mkdir(parents=True)
    header = {"epoch": NOW.isoformat(), "fps": 25, "width": 320, "height": 180}
    (recording / LEDGER_NAME).write_text(json.dumps(header) + "\n")
    made = [{"start": 0.0, "end": 30.0, "reason": "head"}]
    video_id = at_home(workshop, meeting_id=meeting_id, made_cuts=made, original=recording)
    captioned(workshop, video_id, "Ja")
    publish(workshop, video_id)
    carry(workshop, youtube)
    (track,) = youtube.captions.values()
    assert "02:31.000 --> 02:32.000" in track.text
