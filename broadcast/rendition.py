"""A recording or a film becomes the file that is published: cut, chaptered, evenly loud, ready to stream (faststart).

What can be copied is copied. The file stands under its final name only when it is whole.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import av

from broadcast.checksum import Hashing, must_equal
from broadcast.cuts import Chapter, Cut, kept, shift_chapters
from broadcast.errors import BroadcastError, MediaError, RenderError
from broadcast.ffmpeg import Ffmpeg
from broadcast.ledger import Ledger
from broadcast.levelling import Workbench
from broadcast.loudness import Values, gain_curve, integrated, is_off, kept_values, levelled
from broadcast.media import probe
from broadcast.original import Original, open_original, streams
from broadcast.progress import Progress
from broadcast.splice import IndexTooLarge, Sound, Splice
from broadcast.transcode import needs_transcoding, transcode

FLUSH_SECONDS = 0.5
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """The finished file. duration: s; width, height: as seen; loudness: integrated LUFS, None for silence; `cuts`
    as they were made (s of the original) and `chapters` on the clock of the rendition."""

    path: Path
    duration: float
    width: int
    height: int
    loudness: float | None
    cuts: tuple[Cut, ...]
    chapters: tuple[Chapter, ...]


def render(
    original: Path,
    *,
    cuts: Sequence[Cut],
    chapters: Sequence[Chapter],
    out: Path,
    ffmpeg: Ffmpeg,
    exact: bool = False,
    ledger: Ledger | None = None,
    title: str = "",
) -> Iterator[Progress | Rendered]:
    """Make `out` (an MP4) from a recording folder or a video file; last yields Rendered.

    `cuts` and `chapters` in s of the original. Cuts grow outwards to keyframes, or with `exact` are made to the
    frame. The sound is made again only when its integrated loudness is more than 1 LU from -16 LUFS (or its format
    is not for browsers), the picture only when its format is not for browsers. Abandoned or killed anywhere it
    leaves no file under `out`, and can be started again.

    Raises MediaError (the original is unusable or no longer what was recorded, or nothing is left of it),
    RenderError (disk full, ffmpeg failed).
    """
    work = out.with_name(f"{out.name}.work")
    before = done = 0.0
    with _plain_words(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        if not original.is_dir() and needs_transcoding(media := probe(original)):
            for progress in transcode(media, folder=work / "transcoded", ffmpeg=ffmpeg):
                yield Progress(progress.percent * 0.7)
            source, done = open_original(work / "transcoded"), 70.0
            # Made again it begins with its sound, and a picture stands where a whole frame of the new rate does.
            before = round(media.picture_at / source.frame) * source.frame
        else:
            source = open_original(original, ledger)
        splice, made = _planned(source, cuts, chapters, before, exact=exact, title=title)
        loudness: float | None = None
        for step in _finish(splice, out, work, ffmpeg):
            if isinstance(step, Progress):
                yield Progress(done + step.percent * (100 - done) / 100)
            else:
                loudness = step.loudness
        shutil.rmtree(work, ignore_errors=True)
        media = probe(out)
    yield Rendered(
        path=out, duration=media.duration, width=media.width, height=media.height,
        loudness=loudness, cuts=tuple(made), chapters=tuple(splice.chapters),
    )  # fmt: skip


def _planned(
    source: Original,
    cuts: Sequence[Cut],
    chapters: Sequence[Chapter],
    before: float,
    *,
    exact: bool,
    title: str,
) -> tuple[Splice, list[Cut]]:
    """What is to be joined, and the cuts as they will be made. `before`: s that stand before the original's
    second 0 in `source`; a cut from the beginning takes them with it."""
    moved = [Cut(cut.start + before if cut.start > 0 else 0.0, cut.end + before, cut.reason) for cut in cuts]
    moved = source.whole_frames(moved) if exact else source.snap(moved)
    pieces = kept(moved, source.duration)
    if not pieces:
        raise MediaError(
            "Ingenting blir kvar när allt är bortklippt: ändra klippen, eller publicera inte filmen."
        )
    later = [Chapter(chapter.start + before, chapter.title) for chapter in chapters]
    placed = shift_chapters(later, moved, sum(end - start for start, end in pieces))
    made = [Cut(max(0.0, cut.start - before), cut.end - before, cut.reason) for cut in moved]
    return Splice(
        original=source, pieces=pieces, chapters=placed, title=title, exact=exact and bool(made)
    ), made


@dataclass(frozen=True)
class _Loud:
    loudness: float | None


@contextmanager
def _proof(source: Original) -> Iterator[Callable[[], None]]:
    """Beside what is done meanwhile, read the recording's checksum; the function given raises MediaError unless it is
    the one with which the recording ended."""
    expected = None
    if source.ledger is not None and source.ledger.size == source.path.stat().st_size:
        expected = source.ledger.sha256
    if expected is None:
        yield lambda: None
        return
    hashing = Hashing(source.path)
    try:
        yield lambda: must_equal(hashing.result(), expected)
    finally:
        hashing.cancel()


def _finish(splice: Splice, out: Path, work: Path, ffmpeg: Ffmpeg) -> Iterator[Progress | _Loud]:
    """Sound first, if it must be made; then the file."""
    ledger = splice.original.ledger
    values = kept_values(ledger, splice.pieces) if ledger is not None else None
    again = _format_is_wrong(splice.original)
    loudness = integrated(values) if values is not None else None
    bench: Workbench | None = None
    done = 0.0
    if again or values is None or is_off(loudness):
        work.mkdir(parents=True, exist_ok=True)
        bench = Workbench(
            ffmpeg=ffmpeg,
            folder=work,
            kept=work / f"kept.{_sound_container(splice)}",
            seconds=splice.duration,
        )
        for step in _make_sound(splice, bench, values, again):
            if isinstance(step, Progress):
                done = step.percent * 0.7
                yield Progress(done)
            else:
                loudness, bench = step
    furthest = 0.0
    # Only now: while the sound is made every core is busy, while packets are copied one is free.
    with _proof(splice.original) as prove:
        for second in _write(splice, out, bench, prove):
            furthest = max(furthest, min(1.0, second / splice.duration))
            yield Progress(done + (100 - done) * furthest)
    yield _Loud(loudness)


def _make_sound(
    splice: Splice, bench: Workbench, values: Values | None, again: bool
) -> Iterator[Progress | tuple[float | None, Workbench | None]]:
    """Measure and level; last yields the loudness, and the workbench if the sound was made again."""
    for second in splice.write_sound(bench.kept):
        yield Progress(min(1.0, second / splice.duration) * 20)
    if values is None:
        for step in bench.measure():
            if isinstance(step, Progress):
                yield Progress(20 + step.percent * 0.2)
            else:
                values = step
    assert values is not None  # noqa: S101 - measure ends with them
    loudness = integrated(values)
    if not again and not is_off(loudness):
        yield loudness, None
        return
    curve = gain_curve(values) if is_off(loudness) else None
    for progress in bench.level(curve):
        yield Progress(40 + progress.percent * 0.6)
    yield integrated(levelled(values, curve)), bench


def _write(splice: Splice, out: Path, bench: Workbench | None, prove: Callable[[], None]) -> Iterator[float]:
    part = out.with_name(f"{out.name}.part")
    with _flushed(part):
        for one_pass in (True, False):
            try:
                if bench is None:
                    yield from splice.write(part, one_pass=one_pass)
                else:
                    with bench.template() as made:
                        sound = Sound(template=made.streams.audio[0], packets=bench.packets())
                        yield from splice.write(part, sound=sound, one_pass=one_pass)
                break
            except IndexTooLarge:
                continue
    prove()
    _sync(part)
    part.replace(out)
    _sync(out.parent)


@contextmanager
def _flushed(file: Path) -> Iterator[None]:
    """Have what is written to `file` on the disk all along, so that little waits to be written at the end."""
    done = threading.Event()

    def flush() -> None:
        while not done.wait(FLUSH_SECONDS):
            with suppress(OSError):  # whatever is wrong, the last flush says it
                _sync(file)

    thread = threading.Thread(target=flush, name="flush", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _format_is_wrong(original: Original) -> bool:
    """Whether browsers might not play its sound."""
    with original.read(0.0, 1.0) as container:
        context = streams(container)[1].codec_context
        return context.name != "aac" or context.channels > 2 or context.profile not in ("LC", None)


def _sound_container(splice: Splice) -> str:
    with splice.original.read(0.0, 1.0) as container:
        return "mp4" if streams(container)[1].codec_context.name == "aac" else "mkv"


@contextmanager
def _plain_words(out: Path) -> Iterator[None]:
    """Turn what libav and the disk say into one sentence."""
    try:
        yield
    except BroadcastError:
        raise
    except OSError as error:
        if error.errno in FULL:
            out.with_name(f"{out.name}.part").unlink(missing_ok=True)
            shutil.rmtree(out.with_name(f"{out.name}.work"), ignore_errors=True)
            raise RenderError(
                "Disken är full, filmen kunde inte göras: frigör utrymme och försök igen."
            ) from error
        raise RenderError(f"Filmen kunde inte göras: {error.strerror or type(error).__name__}.") from error
    except (av.FFmpegError, ValueError) as error:
        raise RenderError(f"Filmen kunde inte göras: {type(error).__name__}.") from error
