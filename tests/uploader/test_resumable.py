"""Uploads under every fault of the network and of YouTube: one video, the same bytes, few of them sent twice."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.standins.youtube import YouTube
from tests.uploader.delivery import DETAILS, Ledger, fixed, make_bytes, make_package, sha256
from uploader.channels.youtube import YouTubeChannel
from uploader.errors import UploadError
from uploader.pace import Pace
from uploader.package import Package, Progress, Remember
from uploader.resumable import BLOCK, Chunks

CHUNK, SIZE = 2 * BLOCK, 7 * BLOCK + 1234  # four chunks, the last one shorter
CHUNK_STEP = "youtube.videos.insert#chunk"
STATUS_STEP = "youtube.videos.insert#status"
SESSION_STEP = "youtube.videos.insert#session"


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return make_package(make_bytes(tmp_path / "film.mp4", SIZE))


@pytest.fixture
def waits() -> list[float]:
    """The pauses that were made, none of them in earnest."""
    return []


@pytest.fixture
def channel(client: Any, waits: list[float]) -> YouTubeChannel:
    return YouTubeChannel(client, DETAILS, Pace(), chunks=fixed(CHUNK), sleep=waits.append)


def _deliver(channel: YouTubeChannel, ledger: Ledger, package: Package, tries: int = 5) -> list[UploadError]:
    """Take the step until it is done, as the house does; the errors on the way."""
    errors: list[UploadError] = []
    for _ in range(tries):
        try:
            ledger.take(channel, "upload", package)
        except UploadError as error:
            errors.append(error)
        else:
            assert not any(error.permanent for error in errors)
            return errors
    raise AssertionError(f"not delivered: {errors}")


def _assert_once(youtube: YouTube, ledger: Ledger, package: Package, *, twice: int = CHUNK) -> None:
    [video] = youtube.videos.values()
    assert ledger.address == video.id
    assert video.sha256 == sha256(package.files["video.mp4"])
    assert youtube.bytes_sent_twice <= twice
    assert video.status["privacyStatus"] == "private"
    assert (
        "upload" not in ledger.memory
    )  # the session's address is a secret: not kept longer than it is needed


def test_a_film_arrives_whole_hidden_and_described(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    ledger = Ledger()
    assert _deliver(channel, ledger, package) == []
    _assert_once(youtube, ledger, package, twice=0)
    [video] = youtube.videos.values()
    assert video.title == "Kommunfullmäktige 24 november"
    assert video.snippet["description"] == (
        "Sammanträdet i sin helhet.\n\n00:00 § 1 Upprop\n00:15 § 2 Budget ‹ 2027 ›\n00:40 § 3 Avslutning\n\n"
        "Läktare-ref: f3a9-1"
    )
    assert video.status["selfDeclaredMadeForKids"] is False
    assert video.recording == {"recordingDate": "2026-11-24T17:30:00Z"}
    [opened] = [r for r in youtube.requests if r.step == "session"]
    assert opened.parameters["notifySubscribers"] is False
    assert ledger.percents == sorted(ledger.percents)
    assert ledger.percents[-1] == pytest.approx(100 * 6 * BLOCK / SIZE)


def test_what_is_sent_and_where_to_is_written_down_before_the_first_byte(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    ledger = Ledger()
    seen: list[tuple[int, int]] = []  # (sessions, bytes) there when each thing was written down

    def count(event: object) -> bool:
        sessions = youtube.uploads.sessions.values()
        if isinstance(event, Remember):
            seen.append((len(sessions), sum(session.received for session in sessions)))
        return len(seen) == 2

    ledger.take(channel, "upload", package, stop=count)
    assert seen == [(0, 0), (1, 0)]
    kept = ledger.memory["upload"]
    assert (kept["size"], kept["sha256"]) == (SIZE, sha256(package.files["video.mp4"]))
    assert kept["metadata"]["snippet"]["title"] == DETAILS.title
    assert kept["session"].startswith(youtube.url)


FAULTS: dict[str, Callable[[YouTube], object]] = {
    "5xx before the effect": lambda y: y.faults.add(CHUNK_STEP, status=503, skip=1),
    "5xx after the effect": lambda y: y.faults.add(CHUNK_STEP, when="after", status=500, skip=1),
    "5xx after the commit": lambda y: y.faults.add(CHUNK_STEP, when="after", status=502, skip=3),
    "cut before the effect": lambda y: y.faults.add(CHUNK_STEP, "cut", skip=2),
    "cut after the effect": lambda y: y.faults.add(CHUNK_STEP, "cut", "after", skip=2),
    "cut after the commit": lambda y: y.faults.add(CHUNK_STEP, "cut", "after", skip=3),
    "cut mid-chunk": lambda y: y.faults.add(CHUNK_STEP, "cut_body", size=BLOCK + 99, skip=1),
    "cut mid-chunk at the end": lambda y: y.faults.add(CHUNK_STEP, "cut_body", size=BLOCK, skip=3),
    "shorter range": lambda y: y.faults.add(CHUNK_STEP, "short_range", size=BLOCK, skip=1),
    "nothing kept of the first chunk": lambda y: y.faults.add(CHUNK_STEP, "short_range", size=0),
    "401 mid-chunk": lambda y: y.faults.add(CHUNK_STEP, status=401, reason="authError", skip=1),
    "429": lambda y: y.faults.add(CHUNK_STEP, status=429, reason="rateLimitExceeded", retry_after=7),
    "the question fails too": lambda y: (
        y.faults.add(CHUNK_STEP, "cut", skip=1), y.faults.add(STATUS_STEP, status=500),
        y.faults.add(STATUS_STEP, "cut", "after"),
    ),
    "5xx instead of a session": lambda y: y.faults.add(SESSION_STEP, status=503),
    "the session's address lost on the way": lambda y: y.faults.add(SESSION_STEP, "cut", "after"),
    "session lost with 404": lambda y: y.faults.add(CHUNK_STEP, "lose_session", status=404),
    "session lost with 410": lambda y: y.faults.add(CHUNK_STEP, "lose_session", status=410),
}  # fmt: skip


def test_a_session_that_makes_no_sense_any_more_is_begun_anew(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    youtube.faults.add(CHUNK_STEP, status=400, reason="badContent", skip=1)
    ledger = Ledger()
    assert _deliver(channel, ledger, package) == []
    _assert_once(youtube, ledger, package, twice=2 * CHUNK)


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_and_one_video(
    youtube: YouTube, channel: YouTubeChannel, package: Package, name: str
) -> None:
    ledger = Ledger()
    FAULTS[name](youtube)
    _deliver(channel, ledger, package)
    assert youtube.faults.waiting == 0
    _assert_once(youtube, ledger, package)


def test_a_server_that_says_when_is_believed(
    youtube: YouTube, channel: YouTubeChannel, package: Package, waits: list[float]
) -> None:
    FAULTS["429"](youtube)
    _deliver(channel, Ledger(), package)
    assert waits == [7.0]


def test_a_long_failure_ends_the_try_and_the_next_goes_on(
    youtube: YouTube, channel: YouTubeChannel, package: Package, waits: list[float]
) -> None:
    youtube.faults.add(CHUNK_STEP, status=503, skip=2, times=1)
    youtube.faults.add(STATUS_STEP, status=503, times=6)
    ledger = Ledger()
    [error] = _deliver(channel, ledger, package)
    assert not error.patient
    assert "fel hos sig" in str(error)
    assert waits == [1, 2, 4, 8, 1, 2]  # the second try asks, fails twice more and is heard
    _assert_once(youtube, ledger, package)


def test_a_token_that_dies_in_the_middle_is_renewed(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    ledger = Ledger()
    ledger.take(channel, "upload", package, stop=lambda event: isinstance(event, Progress))
    youtube.expire_access_tokens()
    assert _deliver(channel, ledger, package) == []
    _assert_once(youtube, ledger, package)


def test_abandoned_anywhere_it_goes_on_where_it_was(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    ledger = Ledger()
    for _ in range(12):  # each time, the step is left after its very next event
        seen = len(ledger.events)
        ledger.take(channel, "upload", package, stop=lambda event, seen=seen: len(ledger.events) > seen)  # type: ignore[misc]
    _deliver(channel, ledger, package)
    _assert_once(youtube, ledger, package, twice=0)


def test_a_finished_session_repeats_its_answer(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    """A crash after the last byte, before the id was written down."""
    ledger, before = Ledger(), Ledger()
    for event in channel.take("upload", package, ledger.standing):
        if isinstance(event, Remember) and event.address:
            break
        if isinstance(event, Remember):
            before.memory = dict(event.memory)
    _deliver(channel, before, package)
    _assert_once(youtube, before, package, twice=0)


def test_a_lost_session_whose_video_was_made_is_not_sent_again(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    youtube.faults.add(CHUNK_STEP, "cut", "after", skip=3)
    youtube.faults.add(STATUS_STEP, "lose_session")
    ledger = Ledger()
    _deliver(channel, ledger, package)
    _assert_once(youtube, ledger, package, twice=0)


def test_what_an_earlier_try_left_there_is_found_among_many(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    """Even when nothing was written down at all; search.list, slow to know and dear, is never asked."""
    _deliver(channel, Ledger(), package)
    [ours] = youtube.videos.values()
    other = {"title": "Annan", "description": "Läktare-ref: f3a9-12"}
    for number in range(51):  # a page holds 50
        youtube.videos[f"annan{number}"] = replace(ours, id=f"annan{number}", snippet=other)
    ledger = Ledger()
    _deliver(channel, ledger, package)
    assert len(youtube.videos) == 52
    assert ledger.address == ours.id
    assert "youtube.search.list" not in {request.method for request in youtube.requests}


def test_other_bytes_are_never_mixed_with_those_already_sent(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    ledger = Ledger()
    ledger.take(channel, "upload", package, stop=lambda event: isinstance(event, Progress))
    make_bytes(package.files["video.mp4"], SIZE, seed=2)  # rendered anew, as long as before
    _deliver(channel, ledger, package)
    _assert_once(youtube, ledger, package, twice=CHUNK)
    assert len(youtube.uploads.sessions) == 2


def test_a_video_made_of_the_old_bytes_does_not_remain(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    """The first film arrived whole, nobody heard of it, and the film was rendered anew."""
    youtube.faults.add(CHUNK_STEP, "cut", "after", skip=3)
    youtube.faults.add(STATUS_STEP, "cut", times=20)
    ledger = Ledger()
    with pytest.raises(UploadError):
        ledger.take(channel, "upload", package)
    youtube.faults.clear()
    assert len(youtube.videos) == 1
    make_bytes(package.files["video.mp4"], SIZE, seed=2)
    _deliver(channel, ledger, package)
    _assert_once(youtube, ledger, package, twice=SIZE)


def test_what_people_see_is_never_deleted_for_other_bytes(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    ledger = Ledger(memory={"upload": {"size": 1, "sha256": "another"}})
    _deliver(channel, Ledger(), package)
    [video] = youtube.videos.values()
    video.status["privacyStatus"] = "public"
    with pytest.raises(UploadError, match="visas redan en annan film") as caught:
        ledger.take(channel, "upload", package)
    assert caught.value.permanent
    assert video.id in youtube.videos


def test_a_pause_stops_in_the_middle_of_a_chunk_and_loses_nothing_acknowledged(
    youtube: YouTube, client: Any, tmp_path: Path
) -> None:
    package = make_package(make_bytes(tmp_path / "film.mp4", 16 * BLOCK))
    allowed = iter([True] * 2)  # opening the session and the first look; the one a second later says no
    pace = Pace(bytes_per_second=4 * BLOCK, may_send=lambda: next(allowed, False))
    ledger = Ledger()
    with pytest.raises(UploadError) as caught:
        ledger.take(YouTubeChannel(client, DETAILS, pace, chunks=fixed(16 * BLOCK)), "upload", package)
    assert (caught.value.patient, caught.value.retry_after) == (True, 60)
    assert str(caught.value) == "Uppladdningen väntar medan ett sammanträde sänds."
    [session] = youtube.uploads.sessions.values()
    assert 0 < session.received < 8 * BLOCK  # not the whole chunk
    ledger.take(YouTubeChannel(client, DETAILS, Pace(), chunks=fixed(4 * BLOCK)), "upload", package)
    _assert_once(youtube, ledger, package, twice=BLOCK)  # what was not a whole block there


def test_chunks_follow_the_line() -> None:
    megabyte = 1 << 20
    chunks = Chunks(least=32 * megabyte, most=512 * megabyte, seconds=4)
    assert chunks.after(32 * megabyte, 32.0) == 32 * megabyte  # 8 Mbit/s
    assert chunks.after(32 * megabyte, 2.0) == 64 * megabyte
    assert chunks.after(32 * megabyte, 0.1) == 512 * megabyte
    assert chunks.after(32 * megabyte, 0.0) == 512 * megabyte
    assert chunks.after(32 * megabyte + 1, 1.7) % BLOCK == 0


def test_a_fast_line_gets_larger_chunks(youtube: YouTube, client: Any, tmp_path: Path) -> None:
    package = make_package(make_bytes(tmp_path / "film.mp4", 20 * BLOCK))
    channel = YouTubeChannel(client, DETAILS, Pace(), chunks=Chunks(least=BLOCK, most=8 * BLOCK))
    ledger = Ledger()
    ledger.take(channel, "upload", package)
    _assert_once(youtube, ledger, package, twice=0)
    assert [request.step for request in youtube.requests].count("chunk") == 4  # 1, 8, 8 and 3 blocks


def test_a_film_that_was_touched_is_still_the_same(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    ledger = Ledger()
    ledger.take(channel, "upload", package, stop=lambda event: isinstance(event, Progress))
    os.utime(package.files["video.mp4"])
    assert _deliver(channel, ledger, package) == []
    _assert_once(youtube, ledger, package, twice=0)
    assert len(youtube.uploads.sessions) == 1


def test_a_pause_from_the_start_sends_nothing(youtube: YouTube, client: Any, package: Package) -> None:
    ledger = Ledger()
    with pytest.raises(UploadError, match="väntar medan"):
        ledger.take(YouTubeChannel(client, DETAILS, Pace(may_send=lambda: False)), "upload", package)
    assert youtube.uploads.sessions == {}


def test_an_upload_limit_waits_a_day(youtube: YouTube, channel: YouTubeChannel, package: Package) -> None:
    youtube.upload_limit = 0
    ledger = Ledger()
    with pytest.raises(UploadError, match="på ett dygn") as caught:
        ledger.take(channel, "upload", package)
    assert (caught.value.patient, caught.value.retry_after) == (True, 86_400)
    youtube.upload_limit = 1
    _deliver(channel, ledger, package)
    _assert_once(youtube, ledger, package, twice=0)


def test_an_empty_quota_waits_for_midnight(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    youtube.quota.limits["units"] = 0
    ledger = Ledger()
    with pytest.raises(UploadError, match="Dagens kvot") as caught:
        ledger.take(channel, "upload", package)
    assert caught.value.patient
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 25 * 3600


def test_a_dead_connection_needs_a_person(
    youtube: YouTube, channel: YouTubeChannel, package: Package
) -> None:
    ledger = Ledger()
    ledger.take(channel, "upload", package, stop=lambda event: isinstance(event, Progress))
    youtube.revoke_account("kommunen")
    with pytest.raises(UploadError, match="laktare connect youtube") as caught:
        ledger.take(channel, "upload", package)
    assert caught.value.permanent


def test_a_missing_file_needs_a_person(channel: YouTubeChannel, tmp_path: Path) -> None:
    with pytest.raises(UploadError, match=r"borta\.mp4") as caught:
        Ledger().take(channel, "upload", make_package(tmp_path / "borta.mp4"))
    assert caught.value.permanent


def test_no_error_and_no_log_tells_a_secret(
    youtube: YouTube, channel: YouTubeChannel, package: Package, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ledger, told = Ledger(), []
    for where, kind, status in (
        (CHUNK_STEP, "cut", 0),
        (CHUNK_STEP, "error", 403),
        (STATUS_STEP, "error", 503),
    ):
        ledger.take(
            channel, "upload", package, stop=lambda event: "session" in ledger.memory.get("upload", {})
        )
        youtube.faults.add(where, kind, status=status, reason="backendError", times=99)  # type: ignore[arg-type]
        youtube.expire_access_tokens()
        with pytest.raises(UploadError) as caught:
            ledger.take(channel, "upload", package)
        told.append("".join(traceback.format_exception(caught.value)))
        told.append(repr(caught.value.__cause__))
        youtube.faults.clear()
    told += [repr(ledger.standing), *map(repr, ledger.events), caplog.text]
    assert youtube.uploads.sessions
    for secret in youtube.secrets():
        assert not any(secret in text for text in told)
