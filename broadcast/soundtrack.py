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
        self._tick = Fraction(1, rate)

    def put(self, packet: av.Packet[Any], at: int, samples: int = GRAIN) -> None:
        """Place a packet of `samples` at sample `at`. One that would begin before the last one's end is left out."""
        if at < self.position - samples // 2:
            return
        if self.packets == 0 and 0 < at < samples and self._silence is not None:
            return  # a track must begin at 0, and there is no room for a silent packet before this one
        self.fill(at)
        self._write(packet, max(at, self.position), samples)

    def fill(self, until: int) -> None:
        """Silence up to sample `until`, as whole packets."""
        while self._silence is not None and until - self.position >= GRAIN:
            self._write(av.Packet(self._silence), self.position, GRAIN)

    def _write(self, packet: av.Packet[Any], at: int, samples: int) -> None:
        packet.stream = self._out
        packet.time_base = self._tick
        packet.pts = packet.dts = at
        packet.duration = samples
        packet.is_keyframe = True
        self._mux(packet)
        self.position = at + samples
        self.packets += 1
