"""Joins the kept pieces of an original to one MP4, packet by packet; pictures are encoded only at exact cuts.

libav's mov muxer writes the file in one pass: room for the index is reserved in front (`moov_size`), so nothing is
moved at the end. No edit list: what is cut is not in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.stream import Discard

from broadcast.boundary import EncodedPicture, Redo
from broadcast.cuts import EPSILON, Chapter
from broadcast.original import GRACE, LOOK_BEYOND, Original, streams
from broadcast.soundtrack import SoundPart, Soundtrack, silent_packet, silent_raw_packet

BYTES_IN_INDEX = 11  # a packet costs in the index of a constant-rate file; measured 9.7
BYTES_IN_WILD_INDEX = 28  # and at most where times and sizes change with each packet
INDEX_BASE = 64 << 10


class IndexTooLarge(Exception):
    """The reserved room in front was too small for the index: write again, with a second pass."""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """Sound made again, ready to be muxed: its stream as template and its packets, 1,024 samples each."""

    template: av.AudioStream
    packets: Iterator[av.Packet[Any]]

    @property
    def ticks(self) -> float:
        """Units of the packets' time base per sample."""
        return 1 / float((self.template.time_base or 1) * self.template.codec_context.sample_rate)


@dataclass(frozen=True, kw_only=True)
class Splice:
    """What is to be joined: `pieces` (start, end) in s of the original; `exact`: to the frame, else the pieces
    begin at keyframes; `chapters` on the clock of the rendition."""

    original: Original
    pieces: Sequence[tuple[float, float]]
    chapters: Sequence[Chapter] = ()
    title: str = ""
    exact: bool = False

    @property
    def duration(self) -> float:
        """Of the result, in s."""
        return sum(end - start for start, end in self.pieces)

    def write(self, out: Path, *, sound: Sound | None = None, one_pass: bool = True) -> Iterator[float]:
        """Write the MP4 to `out`; yields the seconds done. Raises IndexTooLarge, and libav's errors as they are."""
        done = False
        container = av.open(str(out), "w", format="mp4", options=self._options(one_pass))
        try:
            writer = _Writer(self, container, sound)
            container.set_chapters(_libav_chapters(self.chapters, self.duration))
            if self.title:
                container.metadata["title"] = self.title
            yield from writer.write()
            done = True
        finally:
            try:
                container.close()
            except av.ArgumentError as error:
                if done and one_pass:
                    raise IndexTooLarge from error
                raise

    def write_sound(self, out: Path) -> Iterator[float]:
        """Write only the kept sound, as it is, to `out`; its suffix says the container."""
        options = {"use_editlist": "0"} if out.suffix == ".mp4" else {}
        with av.open(str(out), "w", options=options) as container:
            yield from _Writer(self, container, None, picture=False).write()

    def _options(self, one_pass: bool) -> dict[str, str]:
        options = {"movflags": "+negative_cts_offsets", "use_editlist": "0"}
        if one_pass:
            packets = self.duration / self.original.frame + self.duration * 48_000 / 1024
            each = BYTES_IN_INDEX if self.original.ledger is not None else BYTES_IN_WILD_INDEX
            titles = sum(2 * len(chapter.title.encode()) + 64 for chapter in self.chapters)
            options["moov_size"] = str(int(packets * each) + titles + INDEX_BASE)
        else:
            options["movflags"] += "+faststart"
        return options


def _libav_chapters(chapters: Sequence[Chapter], duration: float) -> list[Any]:
    milliseconds = Fraction(1, 1000)
    starts = [round(chapter.start * 1000) for chapter in chapters]
    ends = [*starts[1:], max(round(duration * 1000), starts[-1] + 1)] if starts else []
    return [
        {"id": n, "start": start, "end": end, "time_base": milliseconds, "metadata": {"title": chapter.title}}
        for n, (chapter, start, end) in enumerate(zip(chapters, starts, ends, strict=True), 1)
    ]


@dataclass(frozen=True, kw_only=True)
class _Part:
    """[start, end) of the original, shown from second `at`; `piece_end`: where the piece it belongs to ends."""

    start: float
    end: float
    copied: bool
    at: float
    piece_end: float
    encoded: Future[list[EncodedPicture]] | None = None


class _Writer:
    """Copies packets into one open container."""

    def __init__(self, splice: Splice, out: OutputContainer, sound: Sound | None, *, picture: bool = True):
        self._splice, self._original, self._out = splice, splice.original, out
        self._sound, self._picture = sound, picture
        self._last_dts: int | None = None
        self._redo: Redo | None = None
        self._video: av.VideoStream | None = None
        start, end = splice.pieces[0]
        with self._original.read(start, end) as container:
            video, audio = streams(container)
            self._tick = Fraction(video.time_base or Fraction(1, 90_000))
            self._seconds = float(self._tick)
            self._keyframes = self._original.keyframe_times(self._tick)
            if picture:
                self._video = out.add_stream_from_template(video)
                if splice.exact:
                    self._redo = Redo.of(self._original, video, start, end)
                    self._video.codec_context.extradata = self._redo.header
            self._soundtrack = self._add_sound(audio)

    def write(self) -> Iterator[float]:
        """Copy all pieces; yields the seconds done at each keyframe or so."""
        with ThreadPoolExecutor(1, "boundaries") as executor:
            parts = list(self._parts())
            if self._redo is not None:
                # Encoding runs beside copying; a boundary is some hundred kilobytes once it is encoded.
                encode = self._redo.encode
                parts = [
                    replace(p, encoded=None if p.copied else executor.submit(encode, p.start, p.end))
                    for p in parts
                ]
            try:
                for part in parts:
                    yield from self._copy(part)
            finally:
                executor.shutdown(wait=True, cancel_futures=True)
        if self._sound is None:
            self._soundtrack.fill(round(self._splice.duration * self._soundtrack.rate))
        else:
            self._take_sound(self._splice.duration + 1.0)

    def _add_sound(self, audio: av.AudioStream) -> Soundtrack:
        template = self._sound.template if self._sound is not None else audio
        out = self._out.add_stream_from_template(template)
        context = template.codec_context
        silence = None
        if self._sound is None and context.name == "aac" and context.channels <= 2:
            make = silent_raw_packet if context.extradata else silent_packet
            silence = make(context.sample_rate, context.channels)
        return Soundtrack(out, self._out.mux_one, silence=silence, rate=context.sample_rate)

    def _parts(self) -> Iterator[_Part]:
        """The pieces in parts: only what does not lie between keyframes is encoded."""
        at = 0.0
        for start, end in self._splice.pieces:
            spans = [(start, end, True)]
            if self._redo is not None:
                first, last = self._original.inner_points(start, end)
                spans = [(start, first, False), (first, last, True), (last, end, False)]
                if first >= last:
                    spans = [(start, end, False)]
            for span_start, span_end, copied in spans:
                if span_end > span_start + EPSILON:
                    yield _Part(
                        start=span_start,
                        end=span_end,
                        copied=copied,
                        at=at + span_start - start,
                        piece_end=end,
                    )
            at += end - start

    def _copy(self, part: _Part) -> Iterator[float]:
        """Copy sound, and pictures where the part needs no encoding; yields the seconds done."""
        if part.encoded is not None:
            self._write_encoded(part)
            yield part.at
        first, last = self._ticks(part.start - GRACE), self._ticks(part.end - GRACE)
        shift = self._ticks(part.at) - self._ticks(part.start) - self._ticks(0.0)
        beyond = last + round(LOOK_BEYOND / self._tick)
        with_sound = self._sound is None
        with_picture = self._picture and part.copied
        begun, ended = False, not with_picture
        if not with_sound and not with_picture:
            return
        keyframes = self._keyframes
        with self._original.read(part.start, part.end, parse=False) as container:
            video, audio = streams(container)
            heard = self._sound_part(part, audio)
            convert = self._redo.converter(video) if self._redo is not None else None
            number, guessed = video.index, None
            step = round(self._original.frame / self._tick)
            lead = video.codec_context.has_b_frames * step
            for packet in container.demux(*self._wanted(video, audio, with_picture, with_sound)):
                if packet.stream_index != number:
                    if heard.take(packet) and ended:
                        break
                    continue
                pts, dts = packet.pts, packet.dts
                if pts is None:
                    continue
                if dts is None:  # Matroska keeps none, and the demuxer cannot know those of the first packets
                    dts = pts - lead if guessed is None else guessed + step
                guessed = dts
                if pts in keyframes if keyframes is not None else packet.is_keyframe:
                    packet.is_keyframe = True
                    begun = begun or pts >= first
                    ended = ended or pts >= last
                    if begun and not ended:
                        yield part.at + (pts - first) * self._seconds
                    elif ended and not with_sound:
                        break
                if ended or not begun or pts < first or pts >= last:
                    if pts > beyond:
                        break
                    continue
                for made in convert.filter(packet) if convert is not None else (packet,):
                    self._write_picture(made, pts + shift, dts + shift)

    @staticmethod
    def _wanted(video: Any, audio: Any, with_picture: bool, with_sound: bool) -> list[Any]:
        if not with_picture:
            video.discard = Discard.all
        if not with_sound:
            audio.discard = Discard.all
        return [*([video] if with_picture else []), *([audio] if with_sound else [])]

    def _sound_part(self, part: _Part, audio: av.AudioStream) -> SoundPart:
        return SoundPart(
            self._soundtrack, Fraction(audio.time_base or Fraction(1, self._soundtrack.rate)), self._original.base,
            start=part.start, end=part.end, at=part.at, piece_end=part.piece_end,
            cut_after=part.piece_end < self._original.duration - EPSILON,
        )  # fmt: skip

    def _write_encoded(self, part: _Part) -> None:
        assert self._redo is not None  # noqa: S101 - parts are only encoded with it
        assert part.encoded is not None  # noqa: S101 - the caller has looked
        shift = self._ticks(part.at) - self._ticks(part.start) - self._ticks(0.0)
        for picture in part.encoded.result():
            packet = av.Packet(picture.data)
            packet.time_base, packet.is_keyframe = self._tick, picture.key
            self._write_picture(packet, picture.pts + shift, picture.dts + shift)

    def _write_picture(self, packet: av.Packet[Any], pts: int, dts: int) -> None:
        if self._last_dts is not None and dts <= self._last_dts:
            dts = self._last_dts + 1
            if dts > pts:
                return
        self._last_dts = dts
        packet.stream = self._video
        packet.pts, packet.dts = pts, dts
        if self._sound is not None:
            self._take_sound(dts * self._seconds)
        self._out.mux_one(packet)

    def _take_sound(self, until: float) -> None:
        assert self._sound is not None  # noqa: S101 - the callers have looked
        track = self._soundtrack
        limit = until * track.rate
        while track.position < limit and (packet := next(self._sound.packets, None)) is not None:
            track.put(packet, track.position, ticks=self._sound.ticks)

    def _ticks(self, second: float) -> int:
        return round((float(self._original.base) + second) / self._tick)
