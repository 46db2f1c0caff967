"""One encoder process, from its first frame to its end."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable

from broadcast.encoder_arguments import Encoding, encoder_arguments
from broadcast.ffmpeg import Ffmpeg
from broadcast.frames import Picture
from broadcast.pipes import large_pipe, write_all
from broadcast.process import Child
from broadcast.source import PictureFormat
from broadcast.transport import Piece, TransportReader

LARGEST_QUEUE = 50  # frames: beyond it a frame is shed with its sound, or memory would grow without end
STALL_SECONDS = 4.0


class EncoderRun:
    """One encoder process, from its first frame to its end."""

    def __init__(
        self,
        ffmpeg: Ffmpeg,
        picture: PictureFormat,
        encoding: Encoding,
        frame: int,
        *,
        on_piece: Callable[[Piece, int], None],
        on_loudness: Callable[[str, int, float], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        """`on_piece(piece, first_frame)` gets the transport stream; `on_loudness(which, frame, lufs)` the meters,
        `which` being "before" or "after" levelling."""
        self.first_frame = frame
        self.offered = 0  # frames handed over
        self.encoded = 0  # of them, how many have come out
        self._clock = clock
        self._fps = picture.fps
        self._on_loudness = on_loudness
        self._pictures: queue.Queue[Picture | None] = queue.Queue()
        self._sounds: queue.Queue[bytes | None] = queue.Queue()
        video_in, video_out = large_pipe()
        audio_in, audio_out = os.pipe()
        before_in, before_out = os.pipe()
        after_in, after_out = os.pipe()
        args = encoder_arguments(
            picture,
            encoding,
            video_fd=video_in,
            audio_fd=audio_in,
            before_fd=before_out,
            after_fd=after_out,
            frame=frame,
        )
        self.child = Child(ffmpeg, args, pass_fds=(video_in, audio_in, before_out, after_out), pipe_out=True)
        self.last_output = clock()
        self._threads = [
            threading.Thread(target=target, args=given, name=name, daemon=True)
            for name, target, given in (
                ("encoder-pictures", self._write_pictures, (video_out,)),
                ("encoder-sounds", self._write_sounds, (audio_out,)),
                ("encoder-stream", self._read_stream, (on_piece,)),
                ("meter-before", self._read_meter, ("before", before_in)),
                ("meter-after", self._read_meter, ("after", after_in)),
            )
        ]
        for thread in self._threads:
            thread.start()

    @property
    def queued(self) -> int:
        """Frames that wait to be encoded."""
        return self._pictures.qsize()

    @property
    def full(self) -> bool:
        """Whether the next frame must be shed."""
        return self.queued >= LARGEST_QUEUE

    @property
    def stalled(self) -> bool:
        """Whether it is given frames and gives nothing back."""
        return self.queued > 0 and self._clock() - self.last_output > STALL_SECONDS

    def offer(self, picture: Picture, sound: bytes) -> None:
        """Hand over the next frame with its sound; never waits."""
        self._pictures.put(picture)
        self._sounds.put(sound)
        self.offered += 1

    def finish(self) -> None:
        """Close its pipes and wait until all that was offered is written out."""
        self._pictures.put(None)
        self._sounds.put(None)
        self.child.stop(patience=15)
        for thread in self._threads:
            thread.join(5)

    def abandon(self) -> None:
        """End it at once; what it still held is lost."""
        self.child.kill()
        self._pictures.put(None)
        self._sounds.put(None)
        for thread in self._threads:
            thread.join(2)

    def _write_pictures(self, fd: int) -> None:
        with contextlib.suppress(OSError):
            while (picture := self._pictures.get()) is not None:
                write_all(fd, picture.data)
        os.close(fd)

    def _write_sounds(self, fd: int) -> None:
        with contextlib.suppress(OSError):
            while (sound := self._sounds.get()) is not None:
                write_all(fd, memoryview(sound))
        os.close(fd)

    def _read_stream(self, on_piece: Callable[[Piece, int], None]) -> None:
        stream = self.child.popen.stdout
        assert stream is not None  # noqa: S101 - opened as a pipe
        reader = TransportReader()
        with stream:
            while chunk := stream.read(1 << 16):
                piece = reader.feed(chunk)
                self.last_output = self._clock()
                self.encoded += len(piece.pictures)
                on_piece(piece, self.first_frame)

    def _read_meter(self, which: str, fd: int) -> None:
        seconds = 0.0
        with os.fdopen(fd) as lines:
            for line in lines:
                if line.startswith("frame:"):
                    seconds = float(line.rpartition("pts_time:")[2])
                elif line.startswith("lavfi.r128.M="):
                    value = float(line.partition("=")[2])
                    loudness = max(value, -120.0) if value == value else -120.0
                    self._on_loudness(which, self.first_frame + int(seconds * self._fps), loudness)
