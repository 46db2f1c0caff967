"""Joins the kept pieces of an original to one MP4, packet by packet; pictures are encoded only at exact cuts.

libav's mov muxer writes the file in one pass: room for the index is reserved in front (`moov_size`), so nothing is
moved at the end. No edit list: what is cut is not in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer

from broadcast.boundary import BoundaryEncoder, boundary_encoder, parameter_sets
from broadcast.cuts import EPSILON, Chapter
from broadcast.original import LOOK_BEYOND, Original, streams
from broadcast.soundtrack import REACH, Soundtrack, silent_packet, silent_raw_packet

BYTES_IN_INDEX = 11  # a packet costs in the index of a constant-rate file; measured 9.7
BYTES_IN_WILD_INDEX = 28  # and at most where times and sizes change with each packet
INDEX_BASE = 64 << 10
DECODER_DELAY = 0.8  # s: the decoder has given every earlier picture when it is fed one so much later


class IndexTooLarge(Exception):
    """The reserved room in front was too small for the index: write again, with a second pass."""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """Sound made again, ready to be muxed: its stream as template and its packets, 1,024 samples each."""

    template: av.AudioStream
    packets: Iterator[av.Packet[Any]]


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
        """Write only the kept sound, as it is, to an MP4 at `out`."""
        with av.open(str(out), "w", format="mp4", options={"use_editlist": "0"}) as container:
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


class _Writer:
    """Copies packets into one open container."""

    def __init__(self, splice: Splice, out: OutputContainer, sound: Sound | None, *, picture: bool = True):
        self._splice, self._original, self._out = splice, splice.original, out
        self._sound, self._picture = sound, picture
        self._last_dts: int | None = None
        self._encoder: BoundaryEncoder | None = None
        self._video: av.VideoStream | None = None
        self._to_annex_b = False
        start, end = splice.pieces[0]
        with self._original.read(start, end) as container:
            video, audio = streams(container)
            self._tick: Fraction = Fraction(video.time_base or Fraction(1, 90_000))
            if picture:
                self._add_picture(video)
            self._soundtrack = self._add_sound(audio)

    def write(self) -> Iterator[float]:
        """Copy all pieces; yields the seconds done at each keyframe or so."""
        offset = 0.0
        for start, end in self._splice.pieces:
            for part_start, part_end, copied in self._parts(start, end):
                at = offset + part_start - start
                if copied:
                    yield from self._copy(part_start, part_end, at, end)
                else:
                    self._encode(part_start, part_end, at, end)
                    yield at + part_end - part_start
            offset += end - start
        if self._sound is None:
            self._soundtrack.fill(round(offset * self._soundtrack.rate))
        else:
            self._take_sound(offset + 1.0)

    def _add_picture(self, video: av.VideoStream) -> None:
        self._video = self._out.add_stream_from_template(video)
        if not self._splice.exact:
            return
        delay = self._first_delay()
        frame = self._original.frame
        self._delay = delay
        extradata = bytes(video.codec_context.extradata or b"")
        if extradata[:1] == b"\x01":  # avcC, as in MP4: all is brought to Annex B, which can be spliced
            self._to_annex_b = True
            extradata = b"".join(b"\x00\x00\x00\x01" + unit for unit in self._in_band_sets())
        self._encoder, header = boundary_encoder(video, extradata, round(float(delay * self._tick) / frame))
        self._video.codec_context.extradata = header

    def _first_delay(self) -> int:
        """Ticks by which decoding runs ahead of showing."""
        with self._original.read(*self._splice.pieces[0]) as container:
            for packet in container.demux(streams(container)[0]):
                if packet.is_keyframe and packet.pts is not None and packet.dts is not None:
                    return packet.pts - packet.dts
        return 0

    def _in_band_sets(self) -> list[bytes]:
        with self._original.read(*self._splice.pieces[0]) as container:
            video, _ = streams(container)
            convert = BitStreamFilterContext("h264_mp4toannexb", video)
            for packet in container.demux(video):
                for made in convert.filter(packet):
                    if made.is_keyframe:
                        return parameter_sets(bytes(made))
        return []

    def _add_sound(self, audio: av.AudioStream) -> Soundtrack:
        template = self._sound.template if self._sound is not None else audio
        out = self._out.add_stream_from_template(template)
        context = template.codec_context
        silence = None
        if self._sound is None and context.name == "aac" and context.channels <= 2:
            make = silent_raw_packet if context.extradata else silent_packet
            silence = make(context.sample_rate, context.channels)
        return Soundtrack(out, self._out.mux_one, silence=silence, rate=context.sample_rate)

    def _parts(self, start: float, end: float) -> list[tuple[float, float, bool]]:
        """The piece as (start, end, copied?): only what does not lie between keyframes is encoded."""
        if not self._splice.exact or self._encoder is None:
            return [(start, end, True)]
        first, last = self._original.inner_points(start, end)
        if first >= last:
            return [(start, end, False)]
        parts = [(start, first, False), (first, last, True), (last, end, False)]
        return [(s, e, copied) for s, e, copied in parts if e > s + EPSILON]

    def _copy(self, start: float, end: float, at: float, piece_end: float) -> Iterator[float]:
        # Half a frame of grace: times in s are rounded, frames are whole.
        first = self._ticks(start - self._original.frame / 2)
        last = self._ticks(end - self._original.frame / 2)
        shift = self._ticks(at) - self._ticks(start) - self._ticks(0.0)
        begun = ended = False
        with self._original.read(start, end) as container:
            video, audio = streams(container)
            if not self._picture:
                video.discard = av.stream.Discard.all
            convert = BitStreamFilterContext("h264_mp4toannexb", video) if self._to_annex_b else None
            beyond = last + round(LOOK_BEYOND / self._tick)
            number = video.index
            for packet in container.demux(*((video, audio) if self._picture else (audio,))):
                pts, dts = packet.pts, packet.dts
                if pts is None or dts is None:
                    continue
                if packet.stream_index != number:
                    if self._place_sound(packet, start, end, at, piece_end) and (ended or not self._picture):
                        break
                    continue
                if packet.is_keyframe:
                    begun = begun or pts >= first
                    ended = ended or pts >= last
                    if begun and not ended:
                        yield at + float((pts - first) * self._tick)
                if ended or not begun or pts < first or pts >= last:
                    if pts > beyond:
                        break
                    continue
                for made in convert.filter(packet) if convert else (packet,):
                    self._write_picture(made, pts + shift, dts + shift)

    def _encode(self, start: float, end: float, at: float, piece_end: float) -> None:
        """Decode the pictures of [start, end) and write them as a closed GOP; copy their sound."""
        assert self._encoder is not None  # noqa: S101 - only called where cuts are exact
        half = self._original.frame / 2
        first, last = self._ticks(start - half), self._ticks(end - half)
        frames: list[av.VideoFrame] = []
        heard = False
        with self._original.read(start, end) as container:
            video, audio = streams(container)
            for packet in _from_last_key(container.demux(video, audio), video, self._ticks(start + half)):
                if packet.stream_index == audio.index:
                    heard = packet.pts is not None and self._place_sound(packet, start, end, at, piece_end)
                    continue
                late = 0.0 if packet.dts is None else float((packet.dts - last) * self._tick)
                if late < DECODER_DELAY:
                    frames += [f for f in video.decode(packet) if f.pts is not None and first <= f.pts < last]
                elif heard or late > LOOK_BEYOND:
                    break
        frames.sort(key=lambda frame: frame.pts or 0)
        if not frames:
            return
        shift = self._ticks(at) - self._ticks(start) - self._ticks(0.0)
        times = [(frame.pts or 0) + shift for frame in frames]
        for number, (data, shown, key) in enumerate(self._encoder.encode(frames)):
            packet = av.Packet(data)
            packet.time_base, packet.is_keyframe = self._tick, key
            self._write_picture(packet, times[shown], min(times[number] - self._delay, times[shown]))

    def _write_picture(self, packet: av.Packet[Any], pts: int, dts: int) -> None:
        if self._last_dts is not None and dts <= self._last_dts:
            dts = self._last_dts + 1
            if dts > pts:
                return
        self._last_dts = dts
        assert self._video is not None  # noqa: S101 - a packet of the picture is only asked for with a stream
        packet.stream = self._video
        packet.pts, packet.dts = pts, dts
        if self._sound is not None:
            self._take_sound(float(dts * self._tick))
        self._out.mux_one(packet)

    def _place_sound(
        self, packet: av.Packet[Any], start: float, end: float, at: float, piece_end: float
    ) -> bool:
        """Copy a packet of sound if it belongs to the part. True: it stands behind the part's end."""
        pts, time_base = packet.pts or 0, packet.time_base or Fraction(1)  # the callers have looked
        second = float(pts * time_base - self._original.base)
        # A broken packet of sound may have swallowed part of the next; silence is better. (Of pictures the demuxer
        # marks whole ones too, where a new encoder began.)
        if second < start - EPSILON or self._sound is not None or packet.is_corrupt:
            return second >= end
        rate = self._soundtrack.rate
        samples = round((packet.duration or 0) * time_base * rate) or 1024
        # Its window holds sound of the next packet too, which may be the one that must not be heard.
        reach = REACH * samples / rate if piece_end < self._original.duration - EPSILON else 0.0
        if second >= end - EPSILON or second + reach > piece_end + EPSILON:
            return second >= end - EPSILON
        self._soundtrack.put(packet, round((second - start + at) * rate), samples)
        return False

    def _take_sound(self, until: float) -> None:
        assert self._sound is not None  # noqa: S101 - the callers have looked
        track = self._soundtrack
        while track.position < until * track.rate and (packet := next(self._sound.packets, None)) is not None:
            track.put(packet, track.position)

    def _ticks(self, second: float) -> int:
        return round((float(self._original.base) + second) / self._tick)


def _from_last_key(packets: Iterator[Any], video: av.VideoStream, start: int) -> Iterator[Any]:
    """The packets from the last keyframe at or before `start` (ticks) on; sound passes through."""
    waiting: list[Any] = []
    begun = False
    for packet in packets:
        if packet.stream_index != video.index or begun:
            yield packet
            continue
        if packet.is_keyframe and packet.pts is not None and packet.pts <= start:
            waiting.clear()
        waiting.append(packet)
        if packet.pts is not None and packet.pts > start:
            begun = True
            yield from waiting
            waiting.clear()
    yield from waiting
