"""What a video file is, or one sentence on why it is none. Sentences are Swedish: a clerk reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from broadcast.errors import MediaError

STILLS = ("_pipe", "image2", "gif", "tty", "webp", "apng", "ico", "subtitle", "srt", "ass")
CUT_OFF = 5.0  # s: so much may the last packet stand before the promised end


@dataclass(frozen=True, kw_only=True)
class Media:
    """A video file. `width` and `height` as seen, after `rotation` (degrees counter-clockwise: 0, 90, 180, 270);
    `duration` in s; `picture_at`: s from the
    file's start to the first picture; `fps` on the average; codecs by ffmpeg's names."""

    path: Path
    size: int
    container: str
    duration: float
    picture_at: float
    width: int
    height: int
    rotation: int
    fps: float
    pixel_format: str
    interlaced: bool
    square_pixels: bool
    video_codec: str
    audio_codec: str
    audio_profile: str
    channels: int
    sample_rate: int


def probe(path: Path) -> Media:
    """Look into a video file (about 0.1 s whatever its length; only one picture is decoded).

    Raises MediaError with one Swedish sentence: missing, empty, unreadable, no video file, cut off, no picture,
    no sound.
    """
    size = _size(path)
    try:
        with av.open(str(path), timeout=20) as container:
            media = _look(path, size, container)
            if _ends_early(container, media):
                raise MediaError(_cut_off(path))
            return media
    except PermissionError as error:
        raise MediaError(_not_allowed(path)) from error
    except (av.FFmpegError, ValueError, OSError) as error:
        raise MediaError(_cut_off(path) if _has_no_index(path) else _no_video(path)) from error


def _size(path: Path) -> int:
    try:
        if not path.is_file():
            raise MediaError(f"Filen {path.name} finns inte: kontrollera namnet och mappen.")
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except PermissionError as error:
        raise MediaError(_not_allowed(path)) from error
    except OSError as error:
        raise MediaError(f"Filen {path.name} kan inte läsas från disken: kopiera den hit igen.") from error
    if size == 0:
        raise MediaError(
            f"Filen {path.name} är tom (0 byte): kopieringen blev nog avbruten, kopiera filen igen."
        )
    return size


def _not_allowed(path: Path) -> str:
    return f"Filen {path.name} får inte läsas: ge tjänstens användare läsrätt till den."


def _no_video(path: Path) -> str:
    return f"Filen {path.name} är ingen videofil som kan läsas: lämna in en film, helst MP4."


def _cut_off(path: Path) -> str:
    return f"Filen {path.name} är avhuggen, slutet saknas: kopiera eller exportera den igen."


def _look(path: Path, size: int, container: InputContainer) -> Media:
    if any(mark in container.format.name for mark in STILLS):
        raise MediaError(_no_video(path))
    videos = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not videos:
        raise MediaError(f"Filen {path.name} har ingen bild: lämna in en film med både bild och ljud.")
    if not container.streams.audio:
        raise MediaError(f"Filen {path.name} har inget ljud: lämna in en film med både bild och ljud.")
    video, audio = videos[0], container.streams.audio[0]
    frame = next(islice(container.decode(video), 1), None)
    duration = _duration(container, video)
    if frame is None or duration <= 0:
        raise MediaError(_cut_off(path))
    rotation = int(frame.rotation) % 360
    width, height = (frame.height, frame.width) if rotation in (90, 270) else (frame.width, frame.height)
    aspect = video.sample_aspect_ratio
    return Media(
        path=path, size=size, container=container.format.name, duration=duration,
        picture_at=_picture_at(container, frame), width=width, height=height,
        rotation=rotation, fps=float(video.average_rate or video.guessed_rate or 25),
        pixel_format=frame.format.name, interlaced=bool(frame.interlaced_frame),
        square_pixels=not aspect or aspect == 1, video_codec=video.codec_context.name,
        audio_codec=audio.codec_context.name, audio_profile=str(audio.profile or ""),
        channels=audio.codec_context.channels, sample_rate=audio.codec_context.sample_rate,
    )  # fmt: skip


def _duration(container: InputContainer, video: Any) -> float:
    if container.duration:
        return float(container.duration) / 1_000_000
    return float(video.duration * video.time_base) if video.duration else 0.0


def _picture_at(container: InputContainer, first: av.VideoFrame) -> float:
    return max(0.0, (first.time or 0.0) - (container.start_time or 0) / 1_000_000)


def _ends_early(container: InputContainer, media: Media) -> bool:
    """Whether the index or the header promises more than the file holds."""
    for stream in (*container.streams.video, *container.streams.audio):
        entries = stream.index_entries
        if len(entries) and entries[-1].pos + entries[-1].size > media.size:
            return True
    if media.duration < 2 * CUT_OFF or "mpegts" in media.container:
        return False  # a transport stream has no header that could promise anything
    start = (container.start_time or 0) / 1_000_000
    container.seek(int((start + media.duration - CUT_OFF) * 1_000_000))
    last = -math.inf
    for packet in container.demux(container.streams.video, container.streams.audio):
        if packet.pts is not None and packet.time_base is not None and not packet.is_corrupt:
            last = max(last, float(packet.pts * packet.time_base))
    return last < start + media.duration - CUT_OFF


def _has_no_index(path: Path) -> bool:
    """Whether it begins as an MP4 or QuickTime file: then what is missing is its end."""
    with path.open("rb") as file:
        return file.read(12)[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")
