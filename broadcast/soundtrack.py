"""The sound of a rendition, packet by packet on one clock: what is missing is silence, never a shift.

Each AAC packet stands where its presentation time says, counted from the piece it belongs to, so that an error
never adds up over cuts. Holes of a packet or more are filled with silent packets; what is left (under 1,024
samples) lengthens the packet before it.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from io import BytesIO
from typing import Any

import av
import numpy as np

GRAIN = 1024  # samples of an AAC-LC packet (ISO/IEC 14496-3)
EPSILON = Fraction(1, 10_000)  # s: below any frame, above what rounding does
REACH = 2  # packets: an AAC packet's window reaches one packet beyond its own samples


@cache
def silent_packet(rate: int, channels: int) -> bytes:
    """One AAC-LC packet of silence with its ADTS header."""
    return _encoded_silence(rate, channels, "adts")


@cache
def silent_raw_packet(rate: int, channels: int) -> bytes:
    """One AAC-LC packet of silence, bare as it stands in MP4."""
    return _encoded_silence(rate, channels, "mp4")


def _encoded_silence(rate: int, channels: int, container: str) -> bytes:
    file = BytesIO()
    layout = "mono" if channels == 1 else "stereo"
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream("aac", rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.zeros((channels, 8 * GRAIN), np.float32), "fltp", layout)
        frame.rate = rate
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as read:
        packets = [bytes(packet) for packet in read.demux(audio=0) if packet.size]
    return packets[len(packets) // 2]


class Soundtrack:
    """Puts packets on the clock of the rendition, in samples. `mux` takes packets of the output stream."""

    def __init__(
        self, out: av.AudioStream, mux: Callable[[av.Packet[Any]], None], *, silence: bytes | None, rate: int
    ):
        self.rate, self.position, self.packets = rate, 0, 0
        self._out, self._mux, self._silence = out, mux, silence
        self._sample = Fraction(1, rate)

    def put(self, packet: av.Packet[Any], at: int, samples: int = GRAIN, ticks: float = 0.0) -> None:
        """Place a packet of `samples` at sample `at`. One that would begin before the last one's end is left out.

        ticks: how many units of the packet's own time base a sample is, where it is at least one: no conversion is
        needed then (which would cost as much as the copying itself).
        """
        if at < self.position - samples // 2:
            return
        if self.packets == 0 and 0 < at < samples and self._silence is not None:
            return  # a track must begin at 0, and there is no room for a silent packet before this one
        if at - self.position >= GRAIN:
            self.fill(at)
        at = max(at, self.position)
        packet.stream = self._out
        if ticks >= 1.0:
            packet.pts = packet.dts = round(at * ticks)
            packet.duration = round(samples * ticks)
        else:
            packet.time_base = self._sample
            packet.pts = packet.dts = at
            packet.duration = samples
        self._mux(packet)
        self.position = at + samples
        self.packets += 1

    def fill(self, until: int) -> None:
        """Silence up to sample `until`, as whole packets."""
        while self._silence is not None and until - self.position >= GRAIN:
            packet = av.Packet(self._silence)
            packet.stream, packet.time_base, packet.is_keyframe = self._out, self._sample, True
            packet.pts = packet.dts = self.position
            packet.duration = GRAIN
            self._mux(packet)
            self.position += GRAIN
            self.packets += 1


class SoundPart:
    """The sound of one part [start, end) of a piece that ends at `piece_end`, all in s of the original; the part
    begins at second `at` of the rendition. `cut_after`: what follows the piece must not be heard."""

    def __init__(
        self, track: Soundtrack, time_base: Fraction, base: Fraction, *,
        start: float, end: float, at: float, piece_end: float, cut_after: bool,
    ):  # fmt: skip
        grace = int(EPSILON / time_base)
        self._track, self._cut_after, self._grace = track, cut_after, grace
        self._zero = round((base + Fraction(start)) / time_base)
        self._begin, self._end = self._zero - grace, round((base + Fraction(end)) / time_base) - grace
        self._piece_end = round((base + Fraction(piece_end)) / time_base) + grace
        self._at = round(at * track.rate)
        self._samples = float(time_base * track.rate)
        self._ticks = 1 / self._samples

    def take(self, packet: av.Packet[Any]) -> bool:
        """Copy a packet if it belongs to the part. True: it stands behind the part's end."""
        pts = packet.pts
        if pts is None:
            return False
        if pts >= self._end:
            return True
        # A broken packet may have swallowed part of the next; silence is better.
        if pts < self._begin or packet.is_corrupt:
            return False
        length = packet.duration or round(GRAIN * self._ticks)
        # Its window holds sound of the next packet too, which may be the one that must not be heard.
        if self._cut_after and pts + REACH * length > self._piece_end:
            return False
        samples = round(length * self._samples)
        self._track.put(packet, self._at + round((pts - self._zero) * self._samples), samples, self._ticks)
        return False
