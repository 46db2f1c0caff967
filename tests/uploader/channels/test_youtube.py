"""A YouTube channel: each step by itself, each taken twice, each refused; and how a film is taken away again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.standins.films import make_film
from tests.standins.youtube import YouTube
from tests.standins.youtube_videos import Video
from tests.uploader.delivery import CHAPTERS, DETAILS, Ledger, make_bytes, make_package
from uploader.channels import REMOTE_CHANNELS, RemoteMeans
from uploader.channels.youtube import YouTubeChannel
from uploader.errors import UploadError
from uploader.pace import Pace
from uploader.package import Package, RemoteChannel, Standing

CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:04.000\nHerr ordförande!\n"


@pytest.fixture
def playlist(client: Any) -> str:
    body = {"snippet": {"title": "Fullmäktige"}}
    return str(client.playlists().insert(part="snippet", body=body).execute()["id"])


@pytest.fixture
def channel(client: Any, playlist: str) -> RemoteChannel:
    means = RemoteMeans(client=client, details=replace(DETAILS, playlist=playlist), pace=Pace())
    return REMOTE_CHANNELS["youtube"].open(means)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """With everything that the channel can use, and what it must leave alone."""
    for name, text in (
        ("captions.sv.vtt", CAPTIONS),
        ("chapters.vtt", "WEBVTT\n"),
        ("sprite.vtt", "WEBVTT\n"),
    ):
        (tmp_path / name).write_text(text)
    Image.new("RGB", (1280, 720), "navy").save(tmp_path / "poster.jpg")
    names = ("captions.sv.vtt", "chapters.vtt", "sprite.vtt", "poster.jpg")
    return make_package(
        make_bytes(tmp_path / "film.mp4", 1000), files={name: tmp_path / name for name in names}
    )


@pytest.fixture
def ledger(channel: RemoteChannel, package: Package) -> Ledger:
    """Of a film that has been sent."""
    ledger = Ledger()
    ledger.take(channel, "upload", package)
    return ledger


def _video(youtube: YouTube, ledger: Ledger) -> Video:
    return youtube.videos[ledger.address]


def _in_playlist(youtube: YouTube, playlist: str) -> list[str]:
    return [item.video.id for item in youtube.playlists[playlist].items]


def _process(youtube: YouTube) -> None:
    youtube.advance(60)


def _refused(ledger: Ledger, channel: RemoteChannel, step: str, package: Package) -> UploadError:
    with pytest.raises(UploadError) as caught:
        ledger.take(channel, step, package)
    return caught.value


def test_a_real_film_goes_all_the_way(youtube: YouTube, channel: RemoteChannel, package: Package) -> None:
    youtube.any_file_is_a_film = False
    make_film(package.files["video.mp4"], seconds=3)
    package = replace(package, duration=3.0)
    ledger = Ledger()
    for step in channel.steps:
        if step == "processed":
            _process(youtube)
        if step == "privacy":
            assert _video(youtube, ledger).status["privacyStatus"] == "private"
        ledger.take(channel, step, package)
    video = _video(youtube, ledger)
    assert video.status["privacyStatus"] == "public"
    assert video.status["selfDeclaredMadeForKids"] is False
    assert (video.snippet["defaultLanguage"], video.snippet["defaultAudioLanguage"]) == ("sv", "sv")
    assert video.snippet["categoryId"] == "25"
    assert video.thumbnail is not None
    assert ledger.memory == {}
    assert youtube.quota_used <= 3 + 1 + 50 + 400 + 50 + 51 + 1 + 52 + 55


def test_every_step_taken_twice_changes_nothing(
    youtube: YouTube, channel: RemoteChannel, package: Package, playlist: str
) -> None:
    ledger, seen = Ledger(), []
    for _ in range(2):
        for step in channel.steps:
            _process(youtube)
            ledger.take(channel, step, package)
        video = _video(youtube, ledger)
        tracks = [(t.snippet["language"], t.text) for t in youtube.captions.values()]
        seen.append(
            (list(youtube.videos), video.snippet, video.status, tracks, _in_playlist(youtube, playlist))
        )
    assert seen[0] == seen[1]
    assert seen[0][3] == [("sv", CAPTIONS)]


# details


def test_details_keep_what_others_have_set(
    youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger
) -> None:
    video = _video(youtube, ledger)
    video.snippet["tags"] = ["fullmäktige"]
    video.recording["locationDescription"] = "Rådhuset"
    status = dict(video.status)
    ledger.take(channel, "details", package)
    assert video.snippet["tags"] == ["fullmäktige"]
    assert video.recording == {"locationDescription": "Rådhuset", "recordingDate": "2026-11-24T17:30:00Z"}
    assert video.status == status
    spent = youtube.quota_used
    ledger.take(channel, "details", package)
    assert youtube.quota_used - spent == 1  # nothing to change: it only looks


def test_chapters_without_room_are_left_out_and_it_says_so(
    youtube: YouTube, client: Any, package: Package, ledger: Ledger
) -> None:
    channel = YouTubeChannel(client, replace(DETAILS, description="x" * 4960), Pace())
    ledger.take(channel, "details", package)
    assert ledger.notes == ["Kapitlen fick inte plats i beskrivningen på YouTube och lämnades ute."]
    assert "00:15" not in _video(youtube, ledger).snippet["description"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"title": "å" * 101}, "101 tecken"),
        ({"description": "å" * 2500}, "byte"),
        ({"title": "<b>"}, "< eller >"),
    ],
)
def test_a_text_that_youtube_would_refuse_is_never_sent(
    youtube: YouTube, client: Any, package: Package, changes: dict[str, str], sentence: str
) -> None:
    channel = YouTubeChannel(client, replace(DETAILS, **changes), Pace())  # type: ignore[arg-type]
    error = _refused(Ledger(), channel, "upload", package)
    assert error.permanent
    assert sentence in str(error)
    assert youtube.uploads.sessions == {}


# captions, thumbnail, playlist


def test_new_captions_take_the_place_of_our_old_ones_and_of_nobody_elses(
    youtube: YouTube, client: Any, channel: RemoteChannel, package: Package, ledger: Ledger
) -> None:
    snippet = {"videoId": ledger.address, "language": "sv", "name": ""}
    theirs = str(package.files["captions.sv.vtt"])
    client.captions().insert(part="snippet", body={"snippet": snippet}, media_body=theirs).execute()
    ledger.take(channel, "captions", package)
    package.files["captions.sv.vtt"].write_text(CAPTIONS.replace("Herr", "Fru"))
    ledger.take(channel, "captions", package)
    texts = {track.snippet["name"]: track.text for track in youtube.captions.values()}
    assert texts == {"": CAPTIONS, "Läktare": CAPTIONS.replace("Herr", "Fru")}


def test_captions_whose_answer_was_lost_are_not_there_twice(
    youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger
) -> None:
    youtube.faults.add("youtube.captions.insert", when="after", status=500)
    assert not _refused(ledger, channel, "captions", package).permanent
    ledger.take(channel, "captions", package)
    assert len(youtube.captions) == 1


@pytest.mark.parametrize("step", ["captions", "thumbnail", "playlist"])
def test_right_after_the_upload_a_step_may_come_too_early(
    youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger, step: str
) -> None:
    _video(youtube, ledger).lag = 1
    error = _refused(ledger, channel, step, package)
    assert (error.permanent, error.retry_after) == (False, 10)
    ledger.take(channel, step, package)
    assert step in channel.optional


def test_a_thumbnail_that_fails_says_what_to_do(
    youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger
) -> None:
    youtube.faults.add("youtube.thumbnails.set*", status=403, reason="forbidden")
    error = _refused(ledger, channel, "thumbnail", package)
    assert error.permanent
    assert "verifiera dess telefonnummer" in str(error)
    youtube.thumbnail_limit = 0
    error = _refused(ledger, channel, "thumbnail", package)
    assert (error.patient, error.retry_after) == (True, 86_400)
    package.files["poster.jpg"].write_bytes(b"no picture")
    youtube.thumbnail_limit = None
    assert "godtar inte miniatyrbilden" in str(_refused(ledger, channel, "thumbnail", package))


def test_without_captions_picture_or_playlist_there_is_nothing_to_do(
    youtube: YouTube, client: Any, package: Package, ledger: Ledger
) -> None:
    bare = replace(package, files={"video.mp4": package.files["video.mp4"]})
    channel = YouTubeChannel(client, DETAILS, Pace())
    before = len(youtube.requests)
    for step in ("captions", "thumbnail", "playlist"):
        ledger.take(channel, step, bare)
    assert len(youtube.requests) == before


def test_a_playlist_entry_whose_answer_was_lost_is_not_there_twice(
    youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger, playlist: str
) -> None:
    youtube.faults.add("youtube.playlistItems.insert", "cut", "after")
    assert not _refused(ledger, channel, "playlist", package).permanent
    ledger.take(channel, "playlist", package)
    assert _in_playlist(youtube, playlist) == [ledger.address]


def test_a_playlist_that_lists_late_is_not_an_error(
    youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger
) -> None:
    youtube.faults.add("youtube.playlistItems.insert", status=409, reason="videoAlreadyInPlaylist")
    ledger.take(channel, "playlist", package)


def test_an_unknown_playlist_needs_a_person(client: Any, package: Package, ledger: Ledger) -> None:
    error = _refused(
        ledger, YouTubeChannel(client, replace(DETAILS, playlist="PLx"), Pace()), "playlist", package
    )
    assert error.permanent
    assert "Spellistan finns inte" in str(error)


# processed, privacy


def test_processing_is_waited_for_longer_and_longer(
    youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger
) -> None:
    _video(youtube, ledger).process_from = None  # it never ends
    waits = []
    for _ in range(7):
        error = _refused(ledger, channel, "processed", package)
        assert error.patient
        waits.append(error.retry_after)
    assert waits == [10, 15, 22.5, 33.75, 50.625, 60, 60]
    ledger.memory["polls"] = 60
    assert _refused(ledger, channel, "processed", package).retry_after == 600
    ledger.memory["polls"] = 500
    assert _refused(ledger, channel, "processed", package).retry_after == 3600  # so long is told to a person
    _video(youtube, ledger).process_from = youtube.now() - timedelta(minutes=1)
    ledger.take(channel, "processed", package)
    assert ledger.memory == {}


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ({"failureReason": "codec"}, "kodad på ett sätt"),
        ({"rejectionReason": "duplicate"}, "finns redan på kanalen"),
    ],
)
def test_a_film_that_youtube_cannot_use_needs_a_person(
    youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger,
    outcome: dict[str, str], sentence: str,
) -> None:  # fmt: skip
    _video(youtube, ledger).failure = outcome
    _process(youtube)
    error = _refused(ledger, channel, "processed", package)
    assert error.permanent
    assert sentence in str(error)
    assert _video(youtube, ledger).status["privacyStatus"] == "private"


def test_a_film_of_another_length_is_not_shown(
    youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger
) -> None:
    assert "inte mätt" in str(_refused(ledger, channel, "privacy", package))
    _process(youtube)
    ledger.take(channel, "processed", package)
    error = _refused(ledger, channel, "privacy", replace(package, duration=62.1))
    assert error.permanent
    assert "60 s på YouTube men skulle vara 62 s" in str(error)
    assert _video(youtube, ledger).status["privacyStatus"] == "private"
    ledger.take(channel, "privacy", replace(package, duration=61.9))
    assert _video(youtube, ledger).status["privacyStatus"] == "public"


def test_privacy_is_read_back(
    youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger
) -> None:
    """YouTube may take the change and not make it, as it did with unverified projects for years."""
    _process(youtube)
    ledger.take(channel, "processed", package)
    youtube.videos[ledger.address] = _Locked(**vars(_video(youtube, ledger)))
    error = _refused(ledger, channel, "privacy", package)
    assert not error.permanent
    assert "visar filmen som private fast den ska vara public" in str(error)


class _Locked(Video):
    """A video whose status YouTube lets nobody change."""

    def __setattr__(self, name: str, value: object) -> None:
        if name != "status" or not hasattr(self, name):
            super().__setattr__(name, value)


def test_a_video_that_somebody_removed_is_missed(
    youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger
) -> None:
    youtube.remove_video(ledger.address)
    for step in ("details", "processed", "privacy"):
        assert "har den tagits bort där?" in str(_refused(ledger, channel, step, package))


# What YouTube recorded itself


def test_a_broadcast_that_is_kept_is_dressed_and_never_sent(
    youtube: YouTube, client: Any, channel: RemoteChannel, package: Package, playlist: str
) -> None:
    Ledger().take(YouTubeChannel(client, replace(DETAILS, marker="theirs"), Pace()), "upload", package)
    [archived] = youtube.videos.values()
    archived.status["privacyStatus"] = "public"
    ledger = Ledger(address=archived.id, memory={"adopted": True})
    _process(youtube)
    sessions = len(youtube.uploads.sessions)
    for step in channel.steps:
        ledger.take(channel, step, replace(package, duration=9999.0))  # its length is YouTube's own affair
    assert list(youtube.videos) == [archived.id]
    assert ledger.memory == {"adopted": True}
    films = [s for s in youtube.uploads.sessions.values() if s.call.method.id == "youtube.videos.insert"]
    assert len(films) == sessions
    assert all(chapter.title.split()[0] in archived.snippet["description"] for chapter in CHAPTERS)
    assert archived.snippet["description"].endswith("Läktare-ref: f3a9-1")
    assert _in_playlist(youtube, playlist) == [archived.id]
    assert archived.thumbnail is not None


# Withdraw, bring back, delete


@pytest.fixture
def shown(youtube: YouTube, channel: RemoteChannel, package: Package, ledger: Ledger) -> Ledger:
    """A film that stands there for everybody."""
    for step in ("details", "playlist", "processed", "privacy"):
        _process(youtube)
        ledger.take(channel, step, package)
    return ledger


def _bring_back(channel: RemoteChannel, package: Package, shown: Ledger) -> None:
    for step in ("playlist", "privacy"):
        shown.take(channel, step, package)


def test_withdrawn_it_is_hidden_and_in_no_playlist(
    youtube: YouTube, channel: RemoteChannel, package: Package, shown: Ledger, playlist: str
) -> None:
    video = _video(youtube, shown)
    video.status["license"] = "creativeCommon"
    for _ in range(2):
        channel.withdraw(shown.address, "personuppgifter")
        assert video.status["privacyStatus"] == "private"
        assert _in_playlist(youtube, playlist) == []
    for _ in range(2):
        _bring_back(channel, package, shown)
        assert video.status["privacyStatus"] == "public"
        assert _in_playlist(youtube, playlist) == [video.id]
    assert (video.status["license"], video.status["selfDeclaredMadeForKids"]) == ("creativeCommon", False)


def test_hidden_first_and_again_until_it_is_so(
    youtube: YouTube, channel: RemoteChannel, shown: Ledger, playlist: str
) -> None:
    youtube.faults.add("youtube.playlistItems.list", status=503)
    with pytest.raises(UploadError) as caught:
        channel.withdraw(shown.address, "")
    assert not caught.value.permanent
    assert _video(youtube, shown).status["privacyStatus"] == "private"
    channel.withdraw(shown.address, "")
    assert _in_playlist(youtube, playlist) == []


def test_a_time_set_for_publishing_does_not_bring_it_back(
    youtube: YouTube, channel: RemoteChannel, ledger: Ledger
) -> None:
    video = _video(youtube, ledger)
    video.status["publishAt"] = "2036-01-01T00:00:00Z"
    channel.withdraw(ledger.address, "")
    assert "publishAt" not in video.status


def test_without_details_it_can_still_be_taken_away(youtube: YouTube, client: Any, shown: Ledger) -> None:
    channel = YouTubeChannel(client, None, Pace())
    channel.withdraw(shown.address, "")
    assert _video(youtube, shown).status["privacyStatus"] == "private"
    channel.delete(shown.address)
    assert youtube.videos == {}


def test_what_is_gone_there_is_withdrawn_and_deleted_but_cannot_come_back(
    youtube: YouTube, channel: RemoteChannel, package: Package, shown: Ledger
) -> None:
    channel.delete(shown.address)
    assert youtube.videos == {}
    channel.delete(shown.address)
    channel.withdraw(shown.address, "")
    with pytest.raises(UploadError, match="tagits bort där"):
        shown.take(channel, "privacy", package)


def test_a_withdrawal_from_a_playlist_that_is_gone(
    youtube: YouTube, client: Any, channel: RemoteChannel, shown: Ledger, playlist: str
) -> None:
    client.playlists().delete(id=playlist).execute()
    channel.withdraw(shown.address, "")
    assert _video(youtube, shown).status["privacyStatus"] == "private"


def test_what_is_remembered_is_never_shown() -> None:
    assert "secret" not in repr(Standing(memory={"upload": {"session": "secret"}}))
