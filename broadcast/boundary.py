"""The few pictures between a cut and the next keyframe, decoded and encoded again so that they fit the copied rest.

The same x264 settings as the live encoder's with `stitchable=1` give the same parameter sets, byte for byte, and the
pieces are one stream. Of a foreign file they may differ; then ours get a number of their own, and both sets stand in
the header (avcC may hold several; ISO/IEC 14496-15, 5.3.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av
from av.bitstream import BitStreamFilterContext

from broadcast.encoder_arguments import Encoding, x264_options
from broadcast.original import GRACE, Original, streams
from broadcast.source import PictureFormat

DECODER_DELAY = 0.8  # s: the decoder has given every earlier picture when it is fed one so much later
AVCC = b"\x01"  # first byte of the parameter sets as MP4 and Matroska keep them (ISO/IEC 14496-15)
START = b"\x00\x00\x00\x01"
OWN_ID = 7  # of parameter sets that differ from the original's; encoders number theirs from 0
SPS, PPS = 7, 8
PROFILES = {66: "baseline", 77: "main", 88: "main", 100: "high"}
_NAL = re.compile(rb"\x00\x00\x01(.*?)(?=\x00{0,}\x00\x00\x01|\x00*\Z)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class BoundaryEncoder:
    """Encodes runs of pictures as closed GOPs. `reorder`: how many pictures decoding may run ahead of showing."""

    width: int
    height: int
    rate: Fraction
    profile: str
    level: str
    reorder: int
    parameter_id: int = 0

    def encode(self, frames: Sequence[av.VideoFrame]) -> list[tuple[bytes, int, bool]]:
        """(H.264 in Annex B form, number of the picture in `frames`, keyframe?) in decoding order."""
        context = av.CodecContext.create("libx264", "w")
        assert isinstance(context, av.VideoCodecContext)  # noqa: S101 - libx264 makes pictures
        context.width, context.height, context.pix_fmt = self.width, self.height, "yuv420p"
        context.time_base, context.framerate = 1 / self.rate, self.rate
        context.options = self._options(len(frames))
        packets: list[av.Packet[Any]] = []
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base, frame.pict_type = number, 1 / self.rate, 0
            packets += context.encode(frame)
        packets += context.encode(None)
        return [(bytes(packet), packet.pts or 0, packet.is_keyframe) for packet in packets]

    def _options(self, count: int) -> dict[str, str]:
        shared = x264_options(
            Encoding(), PictureFormat(width=self.width, height=self.height, fps=max(1, round(self.rate)))
        )
        options = {
            key.partition(":")[0]: str(value) for key, value in shared.items()
            if key not in ("c:v", "pix_fmt", "b:v", "maxrate", "bufsize", "profile:v", "x264-params")
        }  # fmt: skip
        # A constant quality a little above the stream's: a second at most, and no bit budget to run up from.
        options |= {
            "profile": self.profile,
            "level": self.level,
            "crf": "19",
            "g": str(max(count, 1)),
            "flags": "+cgop",
        }
        own = f":sps-id={self.parameter_id}" if self.parameter_id else ""
        options["x264-params"] = f"{shared['x264-params']}{own}"
        if self.reorder < 2 or self.profile == "baseline":
            options["bf"] = str(min(self.reorder, 1)) if self.profile != "baseline" else "0"
            options["x264-params"] += ":b-pyramid=none"
        return options


def parameter_sets(annex_b: bytes) -> list[bytes]:
    """The SPS and PPS NAL units in a stretch of Annex B bytes, in their order, each once."""
    units = [match.group(1) for match in _NAL.finditer(annex_b)]
    return list(dict.fromkeys(unit for unit in units if unit and unit[0] & 0x1F in (SPS, PPS)))


def boundary_encoder(stream: av.VideoStream, extradata: bytes, reorder: int) -> tuple[BoundaryEncoder, bytes]:
    """An encoder whose pictures can be spliced to `stream`, and the parameter sets for the common header.

    `extradata`: the stream's own parameter sets, Annex B.
    """
    own = parameter_sets(extradata)
    sps = next(unit for unit in own if unit[0] & 0x1F == SPS)
    context = stream.codec_context
    encoder = BoundaryEncoder(
        width=context.width, height=context.height, rate=Fraction(stream.average_rate or 25),
        profile=PROFILES.get(sps[1], "high"), level=f"{sps[3] // 10}.{sps[3] % 10}", reorder=reorder,
    )  # fmt: skip
    made = _made_by(encoder)
    if set(made) <= set(own):
        return encoder, extradata
    encoder = replace(encoder, parameter_id=OWN_ID)
    return encoder, b"".join(START + unit for unit in [*own, *_made_by(encoder)])


def _made_by(encoder: BoundaryEncoder) -> list[bytes]:
    blank = av.VideoFrame(encoder.width, encoder.height, "yuv420p")
    for plane in blank.planes:
        plane.update(bytes(plane.buffer_size))
    return parameter_sets(encoder.encode([blank])[0][0])


@dataclass(frozen=True)
class EncodedPicture:
    """H.264 in Annex B form; pts and dts in ticks of the original's picture."""

    data: bytes
    pts: int
    dts: int
    key: bool


@dataclass(frozen=True, kw_only=True)
class Redo:
    """Makes again what lies between a cut and a keyframe of `original`. `header`: the parameter sets of all that the
    result will hold, Annex B; `delay`: ticks by which decoding runs ahead of showing."""

    original: Original
    encoder: BoundaryEncoder
    header: bytes
    delay: int
    tick: Fraction
    from_avcc: bool

    @classmethod
    def of(cls, original: Original, video: av.VideoStream, start: float, end: float) -> Redo:
        """For an original whose pieces begin with [start, end). `video`: its picture, of an open container."""
        extradata = bytes(video.codec_context.extradata or b"")
        from_avcc = extradata[:1] == AVCC
        tick = Fraction(video.time_base or Fraction(1, 90_000))
        with original.read(start, end) as container:
            stream, _ = streams(container)
            lead = stream.codec_context.has_b_frames * round(original.frame / tick)
            delay, first = _first_keyframe(container.demux(stream), lead, stream if from_avcc else None)
        if from_avcc:
            extradata = b"".join(START + unit for unit in parameter_sets(first))
        reorder = round(float(delay * tick) / original.frame)
        encoder, header = boundary_encoder(video, extradata, reorder)
        return cls(
            original=original, encoder=encoder, header=header, delay=delay, tick=tick, from_avcc=from_avcc
        )

    def converter(self, video: av.VideoStream) -> BitStreamFilterContext | None:
        """What brings copied packets to Annex B, the form of the encoded ones; None where they have it."""
        return BitStreamFilterContext("h264_mp4toannexb", video) if self.from_avcc else None

    def encode(self, start: float, end: float) -> list[EncodedPicture]:
        """The pictures of [start, end) (s of the original) as a closed GOP, in decoding order."""
        frames = self._decode(start, end)
        times = [frame.pts or 0 for frame in frames]
        return [
            EncodedPicture(data, times[shown], min(times[number] - self.delay, times[shown]), key)
            for number, (data, shown, key) in enumerate(self.encoder.encode(frames) if frames else [])
        ]

    def _decode(self, start: float, end: float) -> list[av.VideoFrame]:
        first, last = (round((float(self.original.base) + at - GRACE) / self.tick) for at in (start, end))
        begin = first + round(2 * GRACE / self.tick)
        late = last + round(DECODER_DELAY / self.tick)
        frames: list[av.VideoFrame] = []
        with self.original.read(start, end) as container:
            video, _ = streams(container)
            for packet in _from_last_key(container.demux(video), begin):
                frames += [f for f in video.decode(packet) if f.pts is not None and first <= f.pts < last]
                if packet.dts is not None and packet.dts > late:
                    break
        return sorted(frames, key=lambda frame: frame.pts or 0)


def _first_keyframe(packets: Iterator[Any], lead: int, avcc: av.VideoStream | None) -> tuple[int, bytes]:
    """(how far decoding runs ahead in ticks, its bytes in Annex B) of the first keyframe. lead: where no decoding
    time is known."""
    convert = BitStreamFilterContext("h264_mp4toannexb", avcc) if avcc is not None else None
    for packet in packets:
        if packet.is_keyframe and packet.pts is not None:
            delay = lead if packet.dts is None else packet.pts - packet.dts
            return delay, b"".join(
                bytes(p) for p in convert.filter(packet)
            ) if convert is not None else bytes(packet)
    return 0, b""


def _from_last_key(packets: Iterator[Any], start: int) -> Iterator[Any]:
    """The packets from the last keyframe at or before `start` (ticks) on."""
    waiting: list[Any] = []
    for packet in packets:
        if packet.is_keyframe and packet.pts is not None and packet.pts <= start:
            waiting.clear()
        waiting.append(packet)
        if packet.pts is not None and packet.pts > start:
            break
    yield from waiting
    yield from packets
