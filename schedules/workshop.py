"""What the pipeline's steps work with, and how they say how far they have come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from threading import Condition, Event
from typing import Any, TypeVar

from sqlalchemy import update
from sqlalchemy.orm import Session

from broadcast.ffmpeg import Ffmpeg, find_ffmpeg
from schedules.database import Database
from schedules.models import Video
from schedules.settings import Settings
from schedules.states import VideoState

WRITE_SECONDS = 0.5  # progress is written at most this often

Result = TypeVar("Result")


class Abandoned(BaseException):
    """The worker is to stop: the step is left where it is, to be taken again by the next worker.

    No Exception: nothing that handles errors may take it for one, and DBOS must not write it down as an outcome.
    """


class NotWanted(Exception):
    """The video is no longer in the state in which this step is taken: a person or another worker was first."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True)
class Workshop:
    """Settings, database and clock of the steps; `stop` is set when the worker is to end."""

    settings: Settings
    database: Database
    now: Callable[[], datetime] = _utc_now
    stop: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._running = 0
        self._idle = Condition()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Around every step, so that `await_steps` knows of it."""
        with self._idle:
            self._running += 1
        try:
            yield
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def await_steps(self, seconds: float) -> bool:
        """Wait until no step runs, but no longer than `seconds`. False: one still runs."""
        with self._idle:
            return self._idle.wait_for(lambda: self._running == 0, seconds)

    @cached_property
    def ffmpeg(self) -> Ffmpeg:
        """The ffmpeg of the settings; raises FfmpegMissing."""
        return find_ffmpeg(self.settings.ffmpeg)

    def video(self, session: Session, video_id: int, state: VideoState) -> Video:
        """The video, which must be in `state`. Raises NotWanted."""
        video = session.get(Video, video_id, populate_existing=True)
        if video is None or video.state is not state:
            raise NotWanted(f"video {video_id} is not in state {state}")
        return video

    def save(self, video_id: int, state: VideoState, **found: Any) -> None:
        """Write what a step found, if the video is still in `state`. Raises NotWanted."""
        with self.database.session() as session:
            video = self.video(session, video_id, state)
            for column, value in found.items():
                setattr(video, column, value)

    def watch(
        self,
        video_id: int,
        step: str,
        events: Iterator[Any],
        result: type[Result],
        *,
        share: tuple[float, float] = (0, 100),
    ) -> Result:
        """Follow an engine to its `result`, writing `percent` of its Progress events into the videos table.

        share: which part of the step's hundred percent this engine's work is. Raises Abandoned when the worker is to
        stop; the engine's generator is closed, which ends its children.
        """
        found: Result | None = None
        written = -WRITE_SECONDS
        with closing(_closable(events)) as stream:
            for event in stream:
                if self.stop.is_set():
                    raise Abandoned
                if isinstance(event, result):
                    found = event
                elif hasattr(event, "percent") and time.monotonic() - written >= WRITE_SECONDS:
                    written = time.monotonic()
                    self.tell(video_id, step, share[0] + (share[1] - share[0]) * event.percent / 100)
        if found is None:
            raise RuntimeError(f"{step} ended without a {result.__name__}")
        return found

    def tell(self, video_id: int, step: str, percent: float) -> None:
        """Write how far `step` has come."""
        if self.stop.is_set():
            raise Abandoned
        busy = Video.state.in_([VideoState.PROCESSING, VideoState.APPROVED])
        with self.database.session() as session:
            session.execute(
                update(Video).where(Video.id == video_id, busy).values(step=step, percent=round(percent, 1))
            )


def _closable(events: Iterator[Any]) -> Any:
    return events if hasattr(events, "close") else (event for event in events)
