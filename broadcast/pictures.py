"""What stands beside a film: poster, preview sprite, waveform, chapters.

Of a meeting, pictures and loudness were gathered while it was on air; of a film, a few keyframes are looked up. The
whole picture is never decoded.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image

from broadcast.cuts import Chapter, Cut, kept, shifted
from broadcast.events import OnAir
from broadcast.ledger import PICTURES_NAME, Ledger
from broadcast.media import Media, probe
from broadcast.original import open_original, streams
from broadcast.progress import Progress
from broadcast.waveform import draw_waveform

POSTER_WIDTH = 1280
TILE_WIDTH = 160
COLUMNS = 10
TILE_SECONDS = 10.0
MOST_TILES = 400  # of pictures that are there already
MOST_LOOKED_UP = 60  # of pictures that must be decoded, about 0.1 s each
POSTER_CANDIDATES = 12

Album = dict[float, Path | Image.Image]
"""Pictures of a film by the second at which they are shown."""

DARK, BRIGHT = 40.0, 215.0  # mean luma between which a picture of a room lies


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """The files made, all in one folder; WebVTT names its sprite relative to itself."""

    poster: Path
    sprite: Path
    sprite_vtt: Path
    waveform: Path
    chapters_vtt: Path


def make_pictures(
    rendition: Path,
    *,
    out: Path,
    original: Path,
    ledger: Ledger | None = None,
    cuts: Sequence[Cut] = (),
    chapters: Sequence[Chapter] = (),
    exact: bool = False,
) -> Iterator[Progress | Pictures]:
    """Make poster.jpg, sprite.jpg, sprite.vtt, waveform.json and chapters.vtt in the folder `out`; last yields
    Pictures.

    `original`, `ledger`, `cuts` and `exact` as they were given to `render`; `chapters` on the clock of the
    rendition. Taking it twice makes the same files. Raises MediaError when the rendition cannot be read.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = Pictures(
        poster=out / "poster.jpg", sprite=out / "sprite.jpg", sprite_vtt=out / "sprite.vtt",
        waveform=out / "waveform.json", chapters_vtt=out / "chapters.vtt",
    )  # fmt: skip
    media = probe(rendition)
    album: Album = {}
    live = None
    if original.is_dir():
        source = open_original(original, ledger)
        assert source.ledger is not None  # noqa: S101 - a folder always has one
        cuts = source.whole_frames(cuts) if exact else source.snap(cuts)
        album = _live_pictures(original, source.ledger, cuts, media)
        live = (source.ledger, kept(cuts, source.duration))
    looked_up = not album
    if looked_up:
        for percent in _look_up(rendition, media, album):
            yield Progress(percent / 2)
    best = _best(album)
    poster = _frame_at(rendition, best, exact=not looked_up)
    poster.thumbnail((POSTER_WIDTH, POSTER_WIDTH))
    poster.save(made.poster, quality=86, optimize=True, progressive=True)
    yield Progress(55)
    _make_sprite(made, album, media, MOST_LOOKED_UP if looked_up else MOST_TILES)
    made.chapters_vtt.write_text(chapters_vtt(chapters, media.duration), encoding="utf-8")
    for step in draw_waveform(rendition, media.duration, live):
        if isinstance(step, Progress):
            yield Progress(60 + 0.4 * step.percent)
        else:
            made.waveform.write_text(json.dumps(step, separators=(",", ":")))
    yield made


def chapters_vtt(chapters: Sequence[Chapter], duration: float) -> str:
    """The chapters as WebVTT, one cue each (`kind=chapters`)."""
    ends = [*(chapter.start for chapter in chapters[1:]), duration]
    cues = [
        f"{n}\n{_vtt_time(chapter.start)} --> {_vtt_time(max(end, chapter.start + 0.001))}\n"
        f"{_vtt_text(chapter.title)}\n"
        for n, (chapter, end) in enumerate(zip(chapters, ends, strict=False), 1)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _vtt_time(second: float) -> str:
    milliseconds = round(second * 1000)
    return (
        f"{milliseconds // 3_600_000:02}:{milliseconds // 60_000 % 60:02}:"
        f"{milliseconds // 1000 % 60:02}.{milliseconds % 1000:03}"
    )


def _vtt_text(title: str) -> str:
    words = " ".join(title.split())
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _live_pictures(folder: Path, ledger: Ledger, cuts: Sequence[Cut], media: Media) -> Album:
    """The pictures of the room that were kept while on air."""
    album: Album = {}
    room = [(run.start, run.end) for run in ledger.runs if run.on_air is OnAir.SOURCE]
    for file in folder.joinpath(PICTURES_NAME).glob("*.jpg"):
        if not file.stem.isdigit():
            continue
        frame = int(file.stem)
        second = frame / ledger.fps
        hidden = any(cut.start <= second < cut.end for cut in cuts)
        if hidden or not any(start <= frame < end for start, end in room):
            continue
        at = shifted(second, cuts)
        if at < media.duration and _readable(file):
            album[at] = file
    return album


def _readable(file: Path) -> bool:
    """Whether a picture is whole; a crash may have torn the last one."""
    with file.open("rb") as opened:
        if opened.seek(0, 2) < 100:
            return False
        opened.seek(-2, 2)
        return opened.read(2) == b"\xff\xd9"


def _look_up(rendition: Path, media: Media, album: Album) -> Iterator[float]:
    """Fill the album with keyframes spread over the film; yields percent."""
    count = max(POSTER_CANDIDATES, min(MOST_LOOKED_UP, int(media.duration / TILE_SECONDS)))
    for n in range(count):
        at = media.duration * (n + 0.5) / count
        album[at] = _frame_at(rendition, at, exact=False).resize(_tile(media, 2))
        yield 100 * (n + 1) / count


def _open(picture: Path | Image.Image) -> Image.Image:
    if isinstance(picture, Image.Image):
        return picture
    with Image.open(picture) as image:
        return image.convert("RGB")


def _best(album: Album) -> float:
    """The second of the picture that stands best for the film."""
    times = sorted(album)
    candidates = times[:: max(1, len(times) // MOST_LOOKED_UP)]
    return max(candidates, key=lambda at: (_worth(_open(album[at])), -at))


def _frame_at(rendition: Path, at: float, *, exact: bool) -> Image.Image:
    """The picture shown at second `at`, or the keyframe before it."""
    with av.open(str(rendition)) as container:
        video, _ = streams(container)
        container.seek(int(at * 1_000_000))
        shown = None
        for frame in container.decode(video):
            shown = (
                shown if shown is not None and frame.time is not None and frame.time > at + 1e-3 else frame
            )
            if not exact or (frame.time is not None and frame.time >= at - 1e-3):
                break
        if shown is None:
            raise av.EOFError(0, "no picture")
        image = Image.fromarray(shown.to_ndarray(format="rgb24"))
        return image.rotate(shown.rotation, expand=True) if shown.rotation else image


def _worth(image: Image.Image) -> float:
    """How well a picture stands for a film: sharp and rich, neither dark nor glaring; a slate or a black picture is
    worth little."""
    luma = np.asarray(image.convert("L").resize((160, 90)), dtype=np.float64)
    sharp = float(
        np.var(luma[1:-1, 1:-1] * 4 - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:])
    )
    rich = float(luma.std())
    light = 1.0 if DARK < luma.mean() < BRIGHT else 0.2
    return light * math.log1p(sharp) * rich


def _tile(media: Media, scale: int = 1) -> tuple[int, int]:
    return TILE_WIDTH * scale, max(2, round(TILE_WIDTH * scale * media.height / media.width))


def _make_sprite(made: Pictures, album: Album, media: Media, most: int) -> None:
    interval = max(TILE_SECONDS, math.ceil(media.duration / most))
    count = max(1, math.ceil(media.duration / interval))
    times = np.array(sorted(album))
    width, height = _tile(media)
    sheet = Image.new("RGB", (width * min(COLUMNS, count), height * math.ceil(count / COLUMNS)))
    cues = ["WEBVTT\n"]
    for n in range(count):
        start, end = n * interval, min((n + 1) * interval, media.duration)
        nearest = float(times[np.abs(times - (start + end) / 2).argmin()])
        x, y = n % COLUMNS * width, n // COLUMNS * height
        sheet.paste(_open(album[nearest]).resize((width, height)), (x, y))
        cues.append(
            f"{_vtt_time(start)} --> {_vtt_time(end)}\n{made.sprite.name}#xywh={x},{y},{width},{height}\n"
        )
    sheet.save(made.sprite, quality=75, optimize=True)
    made.sprite_vtt.write_text("\n".join(cues), encoding="utf-8")
