"""Keeps the one encoder running: a dead or hanging one is replaced within a frame, and what was lost is counted."""

from __future__ import annotations

import threading
from collections.abc import Callable

from broadcast.encoder_arguments import Encoding
from broadcast.encoder_run import EncoderRun
from broadcast.ffmpeg import Ffmpeg
from broadcast.frames import Picture
from broadcast.source import PictureFormat
from broadcast.transport import Piece


class Encoder:
    """Takes program frames by number. `on_restart(frame, lost, reason)` is called when a run was replaced."""

    def __init__(
        self,
        ffmpeg: Ffmpeg,
        picture: PictureFormat,
        encoding: Encoding,
        *,
        on_piece: Callable[[Piece, int], None],
        on_loudness: Callable[[str, int, float], None],
        on_restart: Callable[[int, int, str], None],
    ):
        self._ffmpeg, self._picture, self._encoding = ffmpeg, picture, encoding
        self._on_piece, self._on_loudness, self._on_restart = on_piece, on_loudness, on_restart
        self.run: EncoderRun | None = None

    @property
    def queued(self) -> int:
        """Frames that wait to be encoded."""
        return self.run.queued if self.run else 0

    def offer(self, frame: int, picture: Picture, sound: bytes) -> bool:
        """Hand over frame number `frame`. False: it was shed with its sound, since the encoder is too slow."""
        if self.run is not None and (not self.run.child.running or self.run.stalled):
            self._replace(self.run, frame)
        if self.run is None:
            self.run = EncoderRun(
                self._ffmpeg,
                self._picture,
                self._encoding,
                frame,
                on_piece=self._on_piece,
                on_loudness=self._on_loudness,
            )
        if self.run.full:
            return False
        self.run.offer(picture, sound)
        return True

    def restart(self) -> None:
        """Begin a new run with the next frame: the clock went on without us. What was offered before is written out."""
        if self.run is not None:
            threading.Thread(target=self.run.finish, name="encoder-finishing", daemon=True).start()
            self.run = None

    def finish(self) -> None:
        """Write out all that was offered."""
        if self.run is not None:
            self.run.finish()

    def _replace(self, run: EncoderRun, frame: int) -> None:
        reason = run.child.last_words if not run.child.running else "it hung"
        lost = frame - run.first_frame - run.encoded
        # Its threads may take a while to notice; the next frame cannot wait for them.
        threading.Thread(target=run.abandon, name="encoder-abandoned", daemon=True).start()
        self.run = None
        self._on_restart(frame, max(lost, 0), reason or "it was ended from outside")
