"""Writes the recording: the encoder's transport stream in one file, over every restart, with its ledger beside it.

Nothing here may stop the live stream: a full disk only stops the recording, which goes on at the next keyframe once
there is room.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from broadcast.events import Event, Gap, RecordingResumed, RecordingStopped
from broadcast.ledger import BASE_SECONDS, LEDGER_NAME, RECORDING_NAME, read_ledger
from broadcast.transport import CLOCK, PACKET, Piece, TransportReader

SYNC_SECONDS = 5.0
LEAST_FREE = (
    32 << 20
)  # bytes left to others: the recording stops before the ledger and the database cannot write
BALLAST_NAME = ".ballast"


class LedgerWriter:
    """Appends facts to the ledger, one JSON line each. Lines that do not fit on a full disk wait in memory."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LEDGER_NAME
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []
        self._end_torn_line()

    def write(self, **fact: Any) -> None:
        """Append one fact."""
        with self._lock:
            self._waiting.append(json.dumps(fact, separators=(",", ":")).encode() + b"\n")
            with suppress(OSError), self._path.open("ab", buffering=0) as file:
                while self._waiting:
                    start = file.tell()
                    if file.write(self._waiting[0]) != len(self._waiting[0]):
                        file.truncate(start)
                        break
                    self._waiting.pop(0)

    def _end_torn_line(self) -> None:
        with suppress(FileNotFoundError), self._path.open("rb+") as file:
            if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                file.write(b"\n")


class Recording:
    """One meeting's recording. `epoch`, known from `begin` on, is when frame 0 was on air; a restarted process
    finds it in the ledger."""

    def __init__(
        self,
        folder: Path,
        *,
        fps: int,
        size: tuple[int, int],
        on_event: Callable[[Event], None],
        ballast_bytes: int = 128 << 20,
        clock: Callable[[], float] = time.monotonic,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.path = folder, folder / RECORDING_NAME
        self._on_event, self._clock, self._fps = on_event, clock, fps
        self._queue: queue.Queue[tuple[Piece, int] | None] = queue.Queue()
        self.resumed = (folder / LEDGER_NAME).exists() and self.path.exists()
        known = read_ledger(folder) if self.resumed else None
        self.ledger = LedgerWriter(folder)
        self._known_epoch = known.epoch if known else None
        self._size = size
        self._shed = sum(count for _, count in known.shed) if known else 0
        self._next_frame = _frames_in(self.path, fps) if self.resumed else 0
        self._hash = None if self.resumed else hashlib.sha256()
        self._ballast_bytes = ballast_bytes
        self._stopped_at: float | None = None
        self._reason = "process"
        self._file = self.path.open("ab", buffering=0)
        self._file.truncate(self._file.tell() - self._file.tell() % PACKET)
        self._hold_ballast()
        self._last_sync = clock()
        self._thread = threading.Thread(target=self._write_all, name="recording", daemon=True)
        self._thread.start()

    def begin(self, now: datetime) -> int:
        """Start the meeting's clock, or find it in the ledger. Returns the first frame this process may use: the
        one of the clock, never one that is recorded already."""
        if self._known_epoch is None:
            self._known_epoch = now.astimezone(UTC)
            width, height = self._size
            self.ledger.write(epoch=self._known_epoch.isoformat(), fps=self._fps, width=width, height=height)
        elapsed = (now - self._known_epoch) / timedelta(seconds=1)
        return max(round(elapsed * self._fps) - self._shed, self._next_frame)

    @property
    def epoch(self) -> datetime:
        """When frame 0 was on air. Raises RuntimeError before `begin`."""
        if self._known_epoch is None:
            raise RuntimeError("the recording has not begun")
        return self._known_epoch

    def put(self, piece: Piece, first_frame: int) -> None:
        """Record a piece of the stream of the encoder that began with `first_frame`; never waits."""
        self._queue.put((piece, first_frame))

    def finish(self) -> None:
        """Write all that waits, and the proper end with size and checksum."""
        self._queue.put(None)
        self._thread.join(60)
        with suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()
        checksum = self._hash.hexdigest() if self._hash else None
        self.ledger.write(end=self._next_frame, size=self.path.stat().st_size, sha256=checksum)
        self._ballast.unlink(missing_ok=True)

    def note_missing(self, reason: str) -> None:
        """Say why the next gap will be there ("encoder", "process", "disk")."""
        self._reason = reason

    @property
    def _ballast(self) -> Path:
        return self.folder / BALLAST_NAME

    def _write_all(self) -> None:
        waiting_for_key = True
        run = -1
        while (item := self._queue.get()) is not None:
            piece, first_frame = item
            if first_frame != run:
                run, waiting_for_key = first_frame, True
            if self._stopped_at is not None and not self._room_again():
                continue
            if self._stopped_at is not None:
                waiting_for_key = True
            if waiting_for_key:
                key = next((p for p in piece.pictures if p.key), None)
                if key is None:
                    continue
                piece = _from(piece, key.offset)
                self._note_gap(self._frame(key.time))
                waiting_for_key = False
            self._append(piece)
            self._sync()

    def _append(self, piece: Piece) -> None:
        start = self._file.seek(0, os.SEEK_END)
        try:
            if shutil.disk_usage(self.folder).free < LEAST_FREE:
                raise OSError("the disk is almost full")
            done = 0
            while done < len(piece.data):
                done += self._file.write(memoryview(piece.data)[done:])
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(start)
            self._stop(error)
            return
        if self._hash:
            self._hash.update(piece.data)
        for picture in piece.pictures:
            frame = self._frame(picture.time)
            self._next_frame = max(self._next_frame, frame + 1)
            if picture.key:
                self.ledger.write(keyframe=frame, offset=start + picture.offset)

    def _stop(self, error: OSError) -> None:
        self._stopped_at = self._clock()
        self._reason = "disk"
        self._ballast.unlink(missing_ok=True)  # so that the live stream's own files have room
        self._tell(RecordingStopped, reason=error.strerror or str(error))

    def _room_again(self) -> bool:
        with suppress(OSError):
            if shutil.disk_usage(self.folder).free >= 2 * LEAST_FREE + self._ballast_bytes:
                self._hold_ballast()
                return True
        return False

    def _note_gap(self, frame: int) -> None:
        if frame > self._next_frame:
            seconds = (frame - self._next_frame) / self._fps
            self.ledger.write(missing=[self._next_frame, frame], reason=self._reason)
            self._next_frame = frame
            if self._stopped_at is None:
                self._tell(Gap, seconds=seconds)
            else:
                self._tell(RecordingResumed, seconds=seconds)
        self._stopped_at = None

    def _hold_ballast(self) -> None:
        with suppress(OSError), self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, self._ballast_bytes)

    def _sync(self) -> None:
        if self._clock() - self._last_sync >= SYNC_SECONDS:
            with suppress(OSError):
                os.fdatasync(self._file.fileno())
            self._last_sync = self._clock()

    def _frame(self, ticks: int) -> int:
        return frame_of(ticks, self._fps)

    def _tell(self, kind: type[Event], **what: Any) -> None:
        at = self.epoch + timedelta(seconds=self._next_frame / self._fps)
        self._on_event(kind(at=at, frame=self._next_frame, **what))


def frame_of(ticks: int, fps: int) -> int:
    """The frame whose presentation time is `ticks` (90 kHz)."""
    return round((ticks / CLOCK - BASE_SECONDS) * fps)


def _from(piece: Piece, offset: int) -> Piece:
    pictures = tuple(type(p)(p.offset - offset, p.time, p.key) for p in piece.pictures if p.offset >= offset)
    return Piece(piece.data[offset:], pictures)


def _frames_in(path: Path, fps: int) -> int:
    """The frame after the last one in a recording that ended without a word: read from its last megabytes."""
    size = path.stat().st_size
    start = max(0, size - (8 << 20))
    start -= start % PACKET
    with path.open("rb") as file:
        file.seek(start)
        piece = TransportReader().feed(file.read())
    return max((frame_of(p.time, fps) + 1 for p in piece.pictures), default=0)
