"""The few pictures between a cut and the next keyframe, decoded and encoded again so that they fit the copied rest.

The same x264 settings as the live encoder's with `stitchable=1` give the same parameter sets, byte for byte, and the
pieces are one stream. Of a foreign file they may differ; then ours get a number of their own, and both sets stand in
the header (avcC may hold several; ISO/IEC 14496-15, 5.3.3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av

from broadcast.encoder_arguments import Encoding, x264_options
from broadcast.source import PictureFormat

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
    return encoder, b"".join(b"\x00\x00\x00\x01" + unit for unit in [*own, *_made_by(encoder)])


def _made_by(encoder: BoundaryEncoder) -> list[bytes]:
    blank = av.VideoFrame(encoder.width, encoder.height, "yuv420p")
    for plane in blank.planes:
        plane.update(bytes(plane.buffer_size))
    return parameter_sets(encoder.encode([blank])[0][0])
