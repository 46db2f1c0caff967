"""A film in a format that browsers do not play becomes H.264 and AAC once, in the same form as a recording of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ffmpeg as build

from broadcast.encoder_arguments import GOP_SECONDS
from broadcast.errors import RenderError
from broadcast.ffmpeg import Ffmpeg, arguments
from broadcast.ledger import BASE_SECONDS, LEDGER_NAME, RECORDING_NAME, read_ledger
from broadcast.media import Media
from broadcast.process import Child
from broadcast.progress import Progress
from broadcast.recording import LedgerWriter, frame_of
from broadcast.transport import TransportReader

RATES = (24, 25, 30, 50, 60)
LARGEST = 1920  # pixels: a meeting gains nothing from more, and many players and lines lose


def needs_transcoding(media: Media) -> bool:
    """Whether browsers might not play its picture as it is, or would show it lying on its side."""
    plays = media.video_codec == "h264" and media.pixel_format in ("yuv420p", "yuvj420p")
    return not plays or media.rotation != 0 or media.interlaced or not media.square_pixels


def transcode(media: Media, *, folder: Path, ffmpeg: Ffmpeg) -> Iterator[Progress]:
    """Make a recording folder of the film: upright, constant rate, even sides, square pixels, 4:2:0.

    Twice harmless: a folder that is whole is left as it is. Raises RenderError with ffmpeg's last words.
    """
    with suppress(OSError, ValueError):
        if read_ledger(folder).size == (folder / RECORDING_NAME).stat().st_size:
            return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LEDGER_NAME).unlink(missing_ok=True)
    fps = min(RATES, key=lambda rate: abs(rate - media.fps))
    width, height = _sides(media)
    child = Child(ffmpeg, _arguments(media, fps, width, height), pipe_out=True)
    ledger = LedgerWriter(folder)
    ledger.write(epoch=datetime.fromtimestamp(0, UTC).isoformat(), fps=fps, width=width, height=height)
    reader, end, size = TransportReader(), 0, 0
    stream = child.popen.stdout
    assert stream is not None  # noqa: S101 - opened as a pipe
    try:
        with (folder / RECORDING_NAME).open("wb") as file:
            while chunk := stream.read(1 << 16):
                piece = reader.feed(chunk)
                for picture in piece.pictures:
                    frame = frame_of(picture.time, fps)
                    end = max(end, frame + 1)
                    if picture.key:
                        ledger.write(keyframe=frame, offset=size + picture.offset)
                size += file.write(piece.data)
                yield Progress(min(99.0, 100 * end / fps / media.duration))
        if child.popen.wait() != 0 or not end:
            raise RenderError(f"Filmen kunde inte göras om till H.264: {child.last_words or 'inget besked'}.")
    finally:
        if child.running:
            child.kill()
    ledger.write(end=end, size=size)


def _sides(media: Media) -> tuple[int, int]:
    scale = min(1.0, LARGEST / max(media.width, media.height))
    return max(2, int(media.width * scale) // 2 * 2), max(2, int(media.height * scale) // 2 * 2)


def _arguments(media: Media, fps: int, width: int, height: int) -> list[str]:
    source = build.input(str(media.path))
    picture = source["v:0"].filter("bwdif", deint="interlaced") if media.interlaced else source["v:0"]
    picture = (
        picture.filter("scale", width, height)
        .filter("setsar", 1)
        .filter("fps", fps)
        .filter("format", "yuv420p")
    )
    sound: Any = source["a:0"].filter("aresample", 48_000, first_pts=0, **{"async": 1})
    sound = sound.filter("aformat", channel_layouts="stereo")
    return arguments(
        build.output(
            picture, sound, "pipe:1", f="mpegts",
            **{"c:v": "libx264", "preset": "veryfast", "profile:v": "high", "crf": 21, "bf": 2, "g": GOP_SECONDS * fps},
            **{"x264-params": "stitchable=1", "c:a": "aac", "b:a": "160k"},
            output_ts_offset=BASE_SECONDS, muxdelay=0, muxpreload=0, pes_payload_size=0,
        )
    )  # fmt: skip
