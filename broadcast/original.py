"""A recording or a video file, read from any second: packets by time, whatever the container.

Of a recording, byte ranges between the ledger's keyframes are demuxed by themselves (libav's `subfile` protocol), so
that an hour in the middle costs no reading of what stands before it. Second 0 is the meeting's frame 0, or the first
picture of a file.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer

from broadcast.cuts import EPSILON, Cut, clip, cut_points, snap_outwards
from broadcast.errors import MediaError
from broadcast.ledger import BASE_SECONDS, RECORDING_NAME, Ledger, read_ledger

SPARE_KEYFRAMES = 2  # read so many further: sound stands up to some 100 ms behind its picture in the stream
GRACE = 0.002  # s by which a picture's time may miss a boundary: containers round, Matroska to milliseconds
LOOK_BEYOND = 10.0  # s of pictures after a piece's end, in which its last sound must turn up


@dataclass(frozen=True, kw_only=True)
class Original:
    """`base`: presentation time (s) of second 0; `duration` and `frame` (the length of one picture) in s;
    `span`: packets are there from 0 to its end."""

    path: Path
    ledger: Ledger | None
    base: Fraction
    duration: float
    frame: float

    @contextmanager
    def read(self, start: float, end: float, *, parse: bool = True) -> Iterator[InputContainer]:
        """Open it so that demuxing gives at least everything of [start, end) from a keyframe before `start` on,
        and little more.

        parse False: the packets of a recording as they stand in it, a third cheaper; keyframes are then not marked
        (`keyframe_times` knows them). Our encoder puts every picture and every AAC packet in a PES packet of its own.
        """
        if self.ledger is None or not self.ledger.keyframes:
            with av.open(str(self.path)) as container:
                if start > EPSILON:
                    # A little early: some demuxers seek by decoding time, which stands before presentation time.
                    container.seek(int((float(self.base) + max(0.0, start - 2 * self.frame)) * 1_000_000))
                yield container
            return
        first, last = self._bytes(start, end)
        options = {} if parse else {"fflags": "noparse"}
        # mpegts is named, for a range is too short to be guessed reliably; probing costs nothing with PAT and PMT.
        with av.open(
            f"subfile,,start,{first},end,{last},,:{self.path}", format="mpegts", options=options
        ) as container:
            yield container

    def keyframe_times(self, tick: Fraction) -> frozenset[int] | None:
        """Presentation times of a recording's keyframes in units of `tick`; None for a file."""
        if self.ledger is None or not self.ledger.keyframes:
            return None
        fps = self.ledger.fps
        return frozenset(
            round((self.base + Fraction(frame, fps)) / tick) for frame, _ in self.ledger.keyframes
        )

    def snap(self, cuts: Sequence[Cut]) -> list[Cut]:
        """The cuts, grown to where the stream can be cut without encoding."""
        cuts = [replace(cut, end=self.duration) if self._reaches_end(cut) else cut for cut in cuts]
        if self.ledger is not None and self.ledger.keyframes:
            return snap_outwards(cuts, cut_points(self.ledger), self.duration)
        return snap_outwards(cuts, self._keyframes_around(cuts), self.duration)

    def whole_frames(self, cuts: Sequence[Cut]) -> list[Cut]:
        """The cuts, grown to whole pictures: one that is partly in a cut goes."""
        grown = [
            Cut(
                math.floor(cut.start / self.frame + EPSILON) * self.frame,
                self.duration
                if self._reaches_end(cut)
                else math.ceil(cut.end / self.frame - EPSILON) * self.frame,
                cut.reason,
            )
            for cut in cuts
        ]
        return clip(grown, self.duration)

    def inner_points(self, start: float, end: float) -> tuple[float, float]:
        """The first and the last second in [start, end] at which the stream can be cut without encoding. The first
        is the greater one where there are not two."""
        if self.ledger is not None and self.ledger.keyframes:
            points = cut_points(self.ledger)
        else:
            points = self._keyframes_around([Cut(start, end, "")])
        points = sorted({0.0, *points, self.duration})
        return points[bisect_left(points, start - EPSILON)], points[bisect_right(points, end + EPSILON) - 1]

    def _reaches_end(self, cut: Cut) -> bool:
        known = self.ledger.end_frame * self.frame if self.ledger is not None else self.duration
        return cut.end >= min(known, self.duration) - EPSILON

    def _bytes(self, start: float, end: float) -> tuple[int, int]:
        assert self.ledger is not None  # noqa: S101 - the caller has looked
        frames = [frame for frame, _ in self.ledger.keyframes]
        offsets = [offset for _, offset in self.ledger.keyframes]
        # One keyframe earlier: where sound runs ahead, a little of this piece's stands before its picture.
        first = bisect_right(frames, start / self.frame + 0.5) - 2
        last = bisect_left(frames, end / self.frame - 0.5) + SPARE_KEYFRAMES
        size = self.path.stat().st_size
        return offsets[max(first, 0)] if first >= 0 else 0, offsets[last] if last < len(offsets) else size

    def _keyframes_around(self, cuts: Sequence[Cut]) -> list[float]:
        points: set[float] = {0.0}
        for at in {
            at for cut in cuts for at in (cut.start, cut.end) if EPSILON < at < self.duration - EPSILON
        }:
            with self.read(at, at) as container:
                video, _ = streams(container)
                for packet in container.demux(video):
                    if packet.pts is None or not packet.is_keyframe:
                        continue
                    second = float(packet.pts * Fraction(video.time_base or 1) - self.base)
                    points.add(second)
                    if second >= at - EPSILON:
                        break
        return sorted(points)


def streams(container: InputContainer) -> tuple[av.VideoStream, av.AudioStream]:
    """The picture and the sound of a container. Raises MediaError where one is missing."""
    videos = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not videos or not container.streams.audio:
        raise MediaError("Inspelningen saknar bild eller ljud och kan inte göras till en film.")
    return videos[0], container.streams.audio[0]


def open_original(original: Path, ledger: Ledger | None = None) -> Original:
    """A recording folder (its ledger is read when none is given) or a video file.

    Raises MediaError when there is nothing in it.
    """
    if original.is_dir():
        ledger = ledger or read_ledger(original)
        path = original / RECORDING_NAME
        if not path.is_file() or path.stat().st_size == 0 or not ledger.keyframes:
            raise MediaError("Inspelningen är tom: inget spelades in, så det finns inget att publicera.")
        end = _end_of_recording(path, ledger)
        frame = 1 / ledger.fps
        return Original(
            path=path, ledger=ledger, base=Fraction(BASE_SECONDS), duration=end * frame, frame=frame
        )
    with av.open(str(original)) as container:
        video, _ = streams(container)
        base = Fraction(0)
        if video.start_time is not None and video.time_base is not None:
            base = video.start_time * video.time_base
        ends = ((container.start_time or 0) + (container.duration or 0)) / 1_000_000
        if video.duration and video.time_base:
            ends = float(base + video.duration * video.time_base)
        frame = 1 / float(video.average_rate or 25)
        return Original(path=original, ledger=ledger, base=base, duration=ends - float(base), frame=frame)


def _end_of_recording(path: Path, ledger: Ledger) -> int:
    """The frame after the last one, counted in the stream itself: a ledger whose process was killed knows only the
    last keyframe."""
    size = path.stat().st_size
    offsets = [offset for _, offset in ledger.keyframes if offset < size]
    end = 0
    for offset in reversed(offsets[-3:]):
        # A stream torn within its last keyframe cannot even be opened from there.
        with (
            suppress(av.FFmpegError),
            av.open(f"subfile,,start,{offset},end,{size},,:{path}", format="mpegts") as container,
        ):
            for packet in container.demux(container.streams.video):
                if packet.pts is not None and packet.time_base is not None:
                    second = packet.pts * packet.time_base - BASE_SECONDS
                    end = max(end, round(second * ledger.fps) + 1)
        if end:
            return end
    raise MediaError("Inspelningen kan inte läsas: filen är skadad, återställ den från säkerhetskopian.")
