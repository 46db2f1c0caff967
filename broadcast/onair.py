"""One meeting on air: capture → program → encoder → recording and pushers, and everything that is seen on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from broadcast.capture import Capture
from broadcast.encoder import Encoder
from broadcast.encoder_arguments import Encoding
from broadcast.errors import BroadcastError
from broadcast.events import (
    EncoderRestarted,
    EncoderSlow,
    Event,
    OnAir,
    ProgramChanged,
    SecondMeasured,
    SourceBack,
    SourceLost,
)
from broadcast.feed import Feed
from broadcast.ffmpeg import Ffmpeg
from broadcast.frames import Picture
from broadcast.ledger import PICTURE_SECONDS, Second
from broadcast.levels import Levels
from broadcast.outlets import Listener, Outlets
from broadcast.platforms import LivePlatform
from broadcast.program import Program, Shown
from broadcast.recording import Recording
from broadcast.slate import Slate, SlateText, black, draw, raw
from broadcast.snapshot import save_snapshot
from broadcast.source import PictureFormat, Source
from broadcast.transport import Piece

SOURCE_LOST_SECONDS = 1.0
SOURCE_START_SECONDS = 8.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a broadcast is made of. `folder` is the recording's."""

    folder: Path
    source: Source
    picture: PictureFormat
    encoding: Encoding
    slates: Mapping[Slate, SlateText]
    platforms: tuple[LivePlatform, ...]
    ballast_bytes: int = 128 << 20


class Broadcast:
    """Runs in threads of its own from `start` to `stop`; `events()` gives what happened since it was last asked."""

    def __init__(self, plan: Plan, ffmpeg: Ffmpeg):
        self.plan = plan
        self._events: SimpleQueue[Event] = SimpleQueue()
        size = (plan.picture.width, plan.picture.height)
        self.recording = Recording(
            plan.folder,
            fps=plan.picture.fps,
            size=size,
            on_event=self._events.put,
            ballast_bytes=plan.ballast_bytes,
        )
        self.feed = Feed()
        self.capture = Capture(ffmpeg, plan.source, plan.picture)
        self._levels = Levels(plan.picture, self._measured)
        self.encoder = Encoder(
            ffmpeg, plan.picture, plan.encoding,
            on_piece=self._encoded, on_loudness=self._levels.loudness, on_restart=self._encoder_restarted,
        )  # fmt: skip
        self._slates = _draw_slates(plan, ffmpeg)
        self._program = Program(plan.picture, self.capture, self._slates, self._send, on_skip=self._skipped)
        listener = Listener(event=self._events.put, link=self._tell_now, frame=lambda: self.frame)
        self._outlets = Outlets(ffmpeg, plan.platforms, self.feed, listener)
        self._shown: tuple[OnAir, str] | None = None
        self._shed = 0
        self.shed_total = 0
        self.lost_total = 0
        self.frame = 0  # the next one
        self._source_up: bool | None = None
        self._snapshots: SimpleQueue[tuple[int, Picture] | None] = SimpleQueue()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._photographer = threading.Thread(target=self._photograph, name="snapshots", daemon=True)

    @property
    def epoch(self) -> datetime:
        """When frame 0 was on air."""
        return self.recording.epoch

    def start(self, *, now: datetime) -> None:
        """Go on air with the slate `waiting`, or wherever `show` has been told before."""
        self.frame = self.recording.begin(now)
        self._watcher.start()
        self._photographer.start()
        self.capture.start()
        self._program.start()
        self._outlets.start()

    def aim(self, *, starts: datetime, opened: bool) -> None:
        """Tell the platforms when the meeting is planned to start, and whether the room is or has been on air."""
        self._outlets.aim(starts=starts, opened=opened)

    def show(self, slate: Slate | None, *, guard: float = 0.0) -> None:
        """Show a slate, or the source (None): nothing of it that arrives within the next `guard` seconds."""
        if slate is None:
            self._program.show_source(guard=guard)
        else:
            self._program.show_slate(slate)

    def events(self) -> list[Event]:
        """What was seen since the last call, oldest first."""
        seen = []
        with suppress(Empty):
            while True:
                seen.append(self._events.get_nowait())
        return seen

    def status(self) -> dict[str, Any]:
        """The present state in plain values, for the database and whoever watches."""
        run = self.encoder.run
        return {
            "frame": self.frame,
            "lost": self.lost_total,
            "shed": self.shed_total,
            "queued": self.encoder.queued,
            "source": bool(self._source_up),
            "source_reason": "" if self._source_up else self.capture.reason,
            "capture_pid": self.capture.child.pid if self.capture.child else None,
            "encoder_pid": run.child.pid if run else None,
            "platforms": self._outlets.status,
        }

    def stop(self) -> None:
        """Go off air: everything that was sent is recorded before this returns. Twice is harmless.

        What the platforms keep of their own stays as it is, and one that takes the stream slowly is not waited for;
        see `leave`.
        """
        if self._over.is_set():
            return
        self._program.stop()
        self.encoder.finish()
        self.feed.end()
        self.capture.stop()
        self._levels.flush()
        self.recording.finish()
        self._outlets.stop()
        self._over.set()
        self._snapshots.put(None)
        for thread in (self._watcher, self._photographer):
            thread.join(35)

    def leave(self, *, ended: bool) -> None:
        """After `stop`: let go of the platforms; where the meeting has ended, so do its broadcasts there."""
        self._outlets.leave(ended=ended)

    def _send(self, shown: Shown) -> None:
        frame = self.frame
        if (shown.on_air, shown.slate) != self._shown:
            self._shown = (shown.on_air, shown.slate)
            self.recording.ledger.write(program=frame, on_air=shown.on_air.value, slate=shown.slate)
            self._tell(ProgramChanged, frame, on_air=shown.on_air, slate=shown.slate)
        if not self.encoder.offer(frame, shown.picture, shown.sound):
            self._shed += 1
            self.shed_total += 1
            return  # its number goes to the next frame: picture and sound stay together
        self._levels.program(frame, shown.picture.data, shown.sound, shown.on_air)
        if shown.on_air is OnAir.SOURCE and frame % (PICTURE_SECONDS * self.plan.picture.fps) == 0:
            self._snapshots.put((frame, shown.picture))
        self.frame = frame + 1

    def _skipped(self, frames: int) -> None:
        """The machine slept: the clock went on, no frame was made."""
        self.recording.note_missing("sleep")
        self.lost_total += frames
        self.frame += frames
        self.encoder.restart()

    def _encoded(self, piece: Piece, first_frame: int) -> None:
        self.recording.put(piece, first_frame)
        self.feed.publish(piece)

    def _encoder_restarted(self, frame: int, lost: int, reason: str) -> None:
        self.recording.note_missing("encoder")
        self.lost_total += lost
        self._tell(EncoderRestarted, frame, lost=lost, reason=reason)

    def _measured(self, second: Second) -> None:
        self.recording.ledger.write(
            second=second.second, loudness=second.loudness, peak=second.peak, black=second.black,
            frozen=second.frozen, on_air=second.on_air.value, sent=list(second.sent),
        )  # fmt: skip
        self._tell(
            SecondMeasured, second.second * self.plan.picture.fps, loudness=second.loudness, peak=second.peak,
            black=second.black, frozen=second.frozen, on_air=second.on_air,
        )  # fmt: skip

    def _watch(self) -> None:
        lost_at = started = time.monotonic()
        while not self._over.wait(0.2):
            now = time.monotonic()
            last = self.capture.last_frame
            fresh = last is not None and now - last < SOURCE_LOST_SECONDS
            if fresh and self._source_up is not True:
                if self._source_up is False:
                    self._tell(SourceBack, self.frame, seconds=now - lost_at)
                self._source_up = True
            elif (
                not fresh and self._source_up is not False and (last or now - started > SOURCE_START_SECONDS)
            ):
                self._source_up, lost_at = False, last or started
                self._tell(SourceLost, self.frame, reason=self.capture.reason)
            if self._shed and int(now) != int(now - 0.2):
                shed, self._shed = self._shed, 0
                self.recording.ledger.write(shed=self.frame, frames=shed)
                self._tell(EncoderSlow, self.frame, shed=shed)

    def _photograph(self) -> None:
        while (item := self._snapshots.get()) is not None:
            frame, picture = item
            with suppress(OSError):  # a full disk has its own alarm
                save_snapshot(self.plan.folder, frame, picture.data, self.plan.picture)

    def _tell_now(self, kind: type[Event], **what: Any) -> None:
        self._tell(kind, self.frame, **what)

    def _tell(self, kind: type[Event], frame: int, **what: Any) -> None:
        at = self.epoch + timedelta(seconds=(frame + self.shed_total) / self.plan.picture.fps)
        self._events.put(kind(at=at.astimezone(UTC), frame=frame, **what))


def _draw_slates(plan: Plan, ffmpeg: Ffmpeg) -> dict[Slate, Picture]:
    try:
        images = [draw(plan.slates[slate], (plan.picture.width, plan.picture.height)) for slate in Slate]
        return dict(zip(Slate, raw(ffmpeg, images, plan.picture), strict=True))
    except (BroadcastError, KeyError, OSError):
        return dict.fromkeys(Slate, black(plan.picture))
