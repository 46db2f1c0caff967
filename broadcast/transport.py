"""Reads the encoder's MPEG transport stream just enough to know where each picture begins (ISO/IEC 13818-1, 2.4.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PACKET = 188
SYNC = 0x47
PAT_PID = 0x0000
PMT_PID = 0x1000  # ffmpeg's mpegts muxer, first program
VIDEO_PID = 0x0100  # ffmpeg's mpegts muxer, first stream
CLOCK = 90_000  # ticks of a presentation time per second


@dataclass(frozen=True, slots=True)
class PictureStart:
    """A picture begins at `offset` (bytes, within the piece); `time` in 90 kHz ticks."""

    offset: int
    time: int
    key: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole transport packets and the pictures that begin in them. Before each keyframe stand PAT and PMT, so
    that the stream can be read from there."""

    data: bytes
    pictures: tuple[PictureStart, ...]


class TransportReader:
    """Cuts one encoder's byte stream into whole packets; one reader per encoder run."""

    def __init__(self) -> None:
        self._rest = b""
        self._tables: dict[int, bytes] = {}

    def feed(self, chunk: bytes) -> Piece:
        """Take the next bytes. Raises ValueError when they are no transport stream."""
        data = self._rest + chunk
        whole = len(data) - len(data) % PACKET
        data, self._rest = data[:whole], data[whole:]
        if not data:
            return Piece(b"", ())
        packets = np.frombuffer(data, np.uint8).reshape(-1, PACKET)
        if not (packets[:, 0] == SYNC).all():
            raise ValueError("the encoder's output is no transport stream")
        pids = (packets[:, 1].astype(np.uint16) & 0x1F) << 8 | packets[:, 2]
        for pid in (PAT_PID, PMT_PID):
            found = np.flatnonzero(pids == pid)
            if len(found):
                self._tables[pid] = packets[found[-1]].tobytes()
        starts = np.flatnonzero((pids == VIDEO_PID) & (packets[:, 1] & 0x40 != 0))
        return self._with_tables(data, packets, [int(index) for index in starts])

    def _with_tables(self, data: bytes, packets: np.ndarray, starts: list[int]) -> Piece:
        tables = b"".join(self._tables.get(pid, b"") for pid in (PAT_PID, PMT_PID))
        parts: list[bytes] = []
        pictures: list[PictureStart] = []
        written, done = 0, 0
        for index in starts:
            time, key = _picture(packets[index])
            offset = index * PACKET
            if key:
                parts.append(data[done:offset])
                written += offset - done
                done = offset
                pictures.append(PictureStart(written, time, True))
                parts.append(tables)
                written += len(tables)
            else:
                pictures.append(PictureStart(written + offset - done, time, False))
        parts.append(data[done:])
        return Piece(b"".join(parts), tuple(pictures))


def _picture(packet: np.ndarray) -> tuple[int, bool]:
    raw = packet.tobytes()
    has_adaptation = raw[3] & 0x20
    length = raw[4] if has_adaptation else 0
    key = bool(has_adaptation and length and raw[5] & 0x40)  # random_access_indicator
    pes = raw[4 + (1 + length if has_adaptation else 0) :]
    if pes[:3] != b"\x00\x00\x01" or not pes[7] & 0x80:
        raise ValueError("a picture without a presentation time")
    p = pes[9:14]
    time = (p[0] & 0x0E) << 29 | p[1] << 22 | (p[2] & 0xFE) << 14 | p[3] << 7 | p[4] >> 1
    return time, key
