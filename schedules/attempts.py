"""One try of one step: what its errors mean for the video, and for the next try."""

from __future__ import annotations

import errno
from typing import Literal, TypedDict

import structlog
from sqlalchemy.exc import OperationalError

from broadcast.errors import BroadcastError, MediaError
from schedules.aftermath import PROCESSING_STEPS, STEPS
from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import raise_alarm
from schedules.elsewhere import TAKEDOWN
from schedules.elsewhere_steps import take
from schedules.elsewhere_trouble import defer, give_up, mourn_takedown, note_wait
from schedules.states import VideoState
from schedules.transitions import move_video
from schedules.workshop import Abandoned, NotWanted, Workshop
from uploader.errors import UploadError
from uploader.retry import ATTEMPTS, LONGEST_SECONDS, next_try

PROCESSING_ATTEMPTS = 3  # rendering an hour again and again helps nobody
ATTEMPTS_ELSEWHERE = 300  # three days
LONG_SECONDS = 3600.0  # a longer wait is told to a person
DATABASE_WAIT = 5.0

log = structlog.get_logger(__name__)


class Verdict(TypedDict):
    """How a try went. again, waits: take it once more after `wait` seconds, and the latter was no failure; failed,
    gone: the workflow ends."""

    state: Literal["done", "again", "waits", "failed", "gone"]
    wait: float


def attempt(workshop: Workshop, step: str, video_id: int, number: int) -> Verdict:
    """Take `step` of a video for the `number`th time (1 for the first). A failed video is FAILED with its sentence."""
    most = PROCESSING_ATTEMPTS if step in PROCESSING_STEPS else ATTEMPTS
    try:
        with workshop.step():
            STEPS[step](workshop, video_id)
    except NotWanted as reason:
        log.info("step not wanted", step=step, video=video_id, reason=str(reason))
        return Verdict(state="gone", wait=0)
    except OperationalError as error:
        # The database is down: there is nowhere to write, and the step can be taken again.
        log.warning("database does not answer", step=step, video=video_id, error=type(error.orig).__name__)
        return Verdict(state="again", wait=DATABASE_WAIT)
    except Exception as error:
        wait = next_try(error, number, attempts=most)
        words = sentence(error)
        if wait is None:
            log.error("step failed", step=step, video=video_id, error=words, exc_info=_unknown(error))
            fail(workshop, video_id, step, words)
            return Verdict(state="failed", wait=0)
        log.warning("step will be tried again", step=step, video=video_id, error=words, wait=wait)
        _note(workshop, step, video_id, words)
        return Verdict(state="again", wait=wait)
    return Verdict(state="done", wait=0)


def attempt_elsewhere(workshop: Workshop, step: str, publication_id: int, number: int) -> Verdict:
    """Take `step` of a publication elsewhere for the `number`th time (1 for the first).

    "done" is also said where the step is no longer wanted, or was skipped for good: the next one is asked for anew.
    """
    try:
        with workshop.step():
            take(workshop, publication_id, step)
    except NotWanted as reason:
        log.info("step not wanted", step=step, publication=publication_id, reason=str(reason))
    except OperationalError as error:
        kind = type(error.orig).__name__
        log.warning("database does not answer", step=step, publication=publication_id, error=kind)
        return Verdict(state="again", wait=DATABASE_WAIT)
    except Exception as error:
        if workshop.stop.is_set():
            raise Abandoned from error
        # What passes by itself is waited for longer where somebody else must mend it: a line that is down all night.
        wait = next_try(error, number, attempts=ATTEMPTS_ELSEWHERE)
        words = sentence(error)
        say = log.error if wait is None else log.warning
        say(
            "step failed",
            step=step,
            publication=publication_id,
            error=words,
            wait=wait,
            exc_info=_unknown(error),
        )
        if step in TAKEDOWN:
            mourn_takedown(workshop, publication_id, words)
            return Verdict(state="again", wait=LONGEST_SECONDS if wait is None else wait)
        patient = getattr(error, "patient", False)
        long = wait is not None and (wait >= LONG_SECONDS or (number >= ATTEMPTS and not patient))
        if wait is not None and not (long and defer(workshop, publication_id, step, words, wait)):
            note_wait(workshop, publication_id, step, words, told=long)
            return Verdict(state="waits" if patient else "again", wait=wait)
        if wait is not None:
            return Verdict(state="done", wait=0)
        return Verdict(state="done" if give_up(workshop, publication_id, step, words) else "failed", wait=0)
    return Verdict(state="done", wait=0)


def fail(workshop: Workshop, video_id: int, step: str, words: str) -> None:
    """The video cannot go on by itself: FAILED, with a sentence and an alarm."""
    now = workshop.now()
    with workshop.database.session() as session:
        if move_video(session, video_id, VideoState.FAILED, now=now, who="laktare", step=step, error=words):
            message = f"{words} Kör sedan om den: laktare video retry {video_id}"
            raise_alarm(session, AlarmKind.PIPELINE_FAILED, f"video {video_id}", message, now)


def sentence(error: Exception) -> str:
    """What a person is told about `error`, in one Swedish sentence that says what to do."""
    if isinstance(error, MediaError | UploadError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "Disken är full: frigör plats."
    if isinstance(error, OSError):
        place = f" ({error.filename})" if error.filename else ""
        return f"Filerna kan inte läsas eller skrivas: {error.strerror or type(error).__name__}{place}."
    if isinstance(error, BroadcastError):
        words = str(error)
        # A sentence of the engine's own, or the last thing that ffmpeg said.
        return words if words.endswith(".") else f"Filmen kunde inte bearbetas: {words}."
    return f"Ett fel i programmet stoppade videon ({type(error).__name__}); hela felet står i loggen."


def _unknown(error: Exception) -> bool:
    return not isinstance(error, BroadcastError | UploadError | OSError)


def _note(workshop: Workshop, step: str, video_id: int, words: str) -> None:
    state = VideoState.PROCESSING if step in PROCESSING_STEPS else VideoState.APPROVED
    try:
        workshop.save(video_id, state, error=words)
    except NotWanted:
        log.info("video has moved on", video=video_id)
