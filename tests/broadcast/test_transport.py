"""The transport stream as our own encoder writes it."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from broadcast.ffmpeg import Ffmpeg, run
from broadcast.ledger import BASE_SECONDS
from broadcast.recording import frame_of
from broadcast.transport import PACKET, Piece, TransportReader


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory, ffmpeg_binary: Ffmpeg) -> bytes:
    path = tmp_path_factory.mktemp("ts") / "a.ts"
    run(ffmpeg_binary, [
        "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25", "-f", "lavfi", "-i", "sine", "-t", "6", "-c:v", "libx264",
        "-g", "50", "-bf", "2", "-c:a", "aac", "-output_ts_offset", f"{BASE_SECONDS + 4}", "-muxdelay", "0",
        "-muxpreload", "0", "-f", "mpegts", str(path),
    ])  # fmt: skip
    return path.read_bytes()


def read(stream: bytes, step: int) -> Piece:
    reader, data, pictures = TransportReader(), b"", []
    for start in range(0, len(stream), step):
        piece = reader.feed(stream[start : start + step])
        pictures += [type(p)(p.offset + len(data), p.time, p.key) for p in piece.pictures]
        data += piece.data
    return Piece(data, tuple(pictures))


@pytest.mark.parametrize("step", [97, 188, 65536])
def test_every_picture_is_found_with_its_time_however_the_bytes_arrive(stream: bytes, step: int) -> None:
    piece = read(stream, step)
    assert sorted(frame_of(p.time, 25) for p in piece.pictures) == list(range(100, 250))
    assert [frame_of(p.time, 25) for p in piece.pictures if p.key] == [100, 150, 200]


def test_from_every_keyframe_on_the_stream_can_be_read_by_itself(stream: bytes, tmp_path: Path) -> None:
    piece = read(stream, 4096)
    for key in (p for p in piece.pictures if p.key):
        part = tmp_path / "part.ts"
        part.write_bytes(piece.data[key.offset :])
        with av.open(str(part)) as opened:
            first = next(opened.decode(video=0))
            assert first.pts is not None
            assert first.time_base is not None
            assert round((float(first.pts * first.time_base) - BASE_SECONDS) * 25) == frame_of(key.time, 25)


def test_half_a_packet_waits_for_its_other_half(stream: bytes) -> None:
    reader = TransportReader()
    assert reader.feed(stream[:100]).data == b""
    assert reader.feed(stream[100:PACKET]).data == stream[:PACKET]


def test_what_is_no_transport_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="no transport stream"):
        TransportReader().feed(b"x" * PACKET)
