"""This machine's own live stream: HLS (RFC 8216) in a folder that the web pages serve."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ffmpeg as build

from broadcast.errors import BroadcastError
from broadcast.events import Event
from broadcast.ffmpeg import Ffmpeg, arguments
from broadcast.platforms import Ingest, Moment
from broadcast.process import Child

PLAYLIST = "index.m3u8"
SEGMENT_SECONDS = 2
WINDOW_SEGMENTS = 150  # five minutes that a viewer can wind back


class LocalPlatform:
    """HLS with two-second segments and a window of five minutes. Its own and only ingest."""

    part = "primary"
    finished = True

    def __init__(self, key: str, folder: Path) -> None:
        self.key = key
        self.folder = folder

    @property
    def ingests(self) -> tuple[Ingest, ...]:
        """Itself."""
        return (self,)

    def steer(self, moment: Moment) -> Iterator[Event]:
        """There is nobody to tell anything."""
        return iter(())

    def prepare(self) -> None:
        """Make the folder; a broadcast that is resumed goes on in its old playlist."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BroadcastError(
                f"Mappen för direktsändningen kan inte skapas ({error.strerror}): kontrollera data i inställningarna."
            ) from error
        text = self._read()
        if "#EXT-X-ENDLIST" in text:
            self._write(text.replace("#EXT-X-ENDLIST\n", ""))

    def begin(self, ffmpeg: Ffmpeg, *, input_fd: int, progress_fd: int) -> Child:
        """Segments that never change once listed; the playlist is replaced in one step (temp_file)."""
        # Without probe limits it would look at the stream for five seconds before it sends the first byte.
        stream = build.input(
            f"pipe:{input_fd}",
            f="mpegts",
            fflags="+genpts+nobuffer",
            analyzeduration=800_000,
            probesize=400_000,
        )
        output = build.output(
            stream,
            str(self.folder / PLAYLIST),
            f="hls",
            c="copy",
            hls_time=SEGMENT_SECONDS,
            hls_list_size=WINDOW_SEGMENTS,
            hls_delete_threshold=10,
            hls_flags="append_list+delete_segments+omit_endlist+program_date_time+independent_segments+temp_file",
            hls_segment_filename=str(self.folder / "%06d.ts"),
        ).global_args("-progress", f"pipe:{progress_fd}", "-stats_period", "0.5", "-y")
        return Child(ffmpeg, arguments(output), pass_fds=(input_fd, progress_fd))

    def ended(self, status: int) -> None:
        """Whatever it was, our own folder lets us in."""

    def retry_after(self, attempt: int) -> float:
        """At once, and then each second: nobody is bothered by our own folder."""
        return 0.2 if attempt == 1 else 1.0

    def finish(self) -> None:
        """Close the playlist, so that players stop at the end instead of waiting."""
        text = self._read()
        if text and "#EXT-X-ENDLIST" not in text:
            self._write(text + "#EXT-X-ENDLIST\n")

    def _read(self) -> str:
        path = self.folder / PLAYLIST
        return path.read_text() if path.exists() else ""

    def _write(self, text: str) -> None:
        new = self.folder / f"{PLAYLIST}.new"
        new.write_text(text)
        new.replace(self.folder / PLAYLIST)
