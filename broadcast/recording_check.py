"""Is the recording whole? Size, checksum, length against the ledger, a few places decoded; never the whole picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from broadcast.checksum import Hashing
from broadcast.errors import MediaError
from broadcast.ledger import read_ledger
from broadcast.media import probe
from broadcast.original import Original, open_original, streams
from broadcast.progress import Progress

SPOTS = 5  # places at which picture and sound are decoded
HASHING = 90.0  # percent of the work that is hashing


@dataclass(frozen=True, kw_only=True)
class Verified:
    """duration: s from the first to the last picture, gaps included; sha256 of the recording's bytes; gaps: each
    {"at": when it began (ISO 8601, UTC), "seconds": missing}; unexplained: s by which the stream is shorter than the
    ledger says."""

    duration: float
    size: int
    sha256: str
    gaps: tuple[dict[str, Any], ...]
    unexplained: float


def verify(original: Path) -> Iterator[Progress | Verified]:
    """Check a recording folder or a video file; last yields Verified.

    The checksum with which a recording ended is passed on as it is: `render` reads every byte anyway, and proves it
    beside its work. Where there is none (a crash, a film) it is computed here.

    Raises MediaError with one Swedish sentence: empty, cut off, shorter than it was, does not decode.
    """
    if original.is_dir():
        try:
            ledger = read_ledger(original)
        except (OSError, ValueError, KeyError) as error:
            raise MediaError(
                "Inspelningens liggare saknas eller är trasig: återställ mappen från säkerhetskopian."
            ) from error
        source = open_original(original, ledger)
        size = source.path.stat().st_size
        if ledger.size is not None and size < ledger.size:
            raise MediaError(
                "Inspelningen är kortare än när den avslutades: återställ den från säkerhetskopian."
            )
        expected = ledger.sha256 if ledger.size == size else None
        missing = [(gap.start / ledger.fps, (gap.end - gap.start) / ledger.fps) for gap in ledger.missing]
        gaps = tuple(
            {"at": ledger.at(gap.start).isoformat(), "seconds": (gap.end - gap.start) / ledger.fps}
            for gap in ledger.missing
        )
        promised = ledger.end_frame / ledger.fps
    else:
        probe(original)
        source, size, expected = open_original(original), original.stat().st_size, None
        missing, gaps, promised = [], (), 0.0

    if expected is None:
        for step in _hashed(source.path, size):
            if isinstance(step, str):
                expected = step
            else:
                yield step
    assert expected is not None  # noqa: S101 - hashing ends with it
    for spot in _spots(source, missing):
        _decode(source, spot)
    yield Progress(100.0)
    yield Verified(
        duration=source.duration, size=size, sha256=expected, gaps=gaps,
        unexplained=max(0.0, promised - source.duration),
    )  # fmt: skip


def _hashed(path: Path, size: int) -> Iterator[Progress | str]:
    hashing = Hashing(path)
    try:
        while not hashing.wait(0.1):
            yield Progress(min(1.0, hashing.done / max(size, 1)) * HASHING)
        yield hashing.result()
    finally:
        hashing.cancel()


def _spots(source: Original, gaps: Sequence[tuple[float, float]]) -> list[float]:
    """Seconds spread evenly from the first to the last keyframe, none of them in a gap."""
    spots = [source.duration * (n + 0.5) / SPOTS for n in range(SPOTS)]
    return [spot for spot in spots if not any(start - 2.5 <= spot < start + length for start, length in gaps)]


def _decode(source: Original, spot: float) -> None:
    """Decode one keyframe at or after `spot` and some sound beside it."""
    pictures = sounds = 0
    with suppress(av.FFmpegError), source.read(spot, spot + 1) as container:
        video, audio = streams(container)
        video.codec_context.skip_frame = "NONKEY"
        for packet in container.demux(video, audio):
            if packet.stream_index == video.index and (packet.is_keyframe or packet.size == 0):
                pictures += len(video.decode(packet))
                if not pictures:
                    pictures += len(video.decode(None))
            elif packet.stream_index == audio.index and sounds < 4:
                sounds += len(audio.decode(packet))
            if pictures and sounds >= 4:
                return
    if not pictures or not sounds:
        what = "Bilden" if not pictures else "Ljudet"
        minutes, seconds = divmod(int(spot), 60)
        raise MediaError(
            f"{what} kan inte avkodas vid {minutes}:{seconds:02}: "
            "filen är skadad, återställ den från säkerhetskopian."
        )
