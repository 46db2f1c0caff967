"""Takes a film from a file into the house: probed first, copied into the data folder, then a row for the worker."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from broadcast.errors import MediaError
from broadcast.media import probe
from schedules.database import Database
from schedules.models import Video
from schedules.settings import Settings, wrong_channels
from schedules.states import Audience
from schedules.videos import VideoRefused, add_file, new_key

_BLOCK = 64 << 20
ROOM = 2.1  # the copy, the rendition, and a little for pictures


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a film is to be published. None: as the body has it, or the usual."""

    title: str | None = None
    body: str | None = None
    channel: str | None = None
    also: tuple[str, ...] | None = None
    audience: Audience | None = None
    review: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Copied:
    """So many per cent of the file are copied."""

    percent: float


def take_in(
    settings: Settings, database: Database, file: Path, wish: Wish, *, who: str, now: datetime
) -> Iterator[Copied | Video]:
    """Take in `file`; the last thing yielded is its Video, in PROCESSING.

    Raises VideoRefused and MediaError, each with one Swedish sentence; nothing is kept then.
    """
    chosen = _choose(settings, wish)
    probe(file)
    size, changed = file.stat().st_size, file.stat().st_mtime
    key = new_key()
    folder = (settings.data / "originals" / key).absolute()
    _check_room(settings, size)
    try:
        yield from _copy(file, folder)
        with database.session() as session:
            video = add_file(
                session,
                key=key,
                original=folder / file.name,
                title=(wish.title or file.stem).strip()[:200] or "Utan titel",
                body=wish.body,
                channel=chosen.channel,
                also=list(chosen.also),
                audience=chosen.audience,
                review=chosen.review,
                recorded_at=min(datetime.fromtimestamp(changed, UTC), now),
                who=who,
                now=now,
            )
    except BaseException:  # also an interruption by hand: a film that was not taken in takes no room
        shutil.rmtree(folder, ignore_errors=True)
        raise
    yield video


@dataclass(frozen=True, kw_only=True)
class _Choice:
    channel: str
    also: tuple[str, ...]
    audience: Audience
    review: bool


def _choose(settings: Settings, wish: Wish) -> _Choice:
    body = settings.bodies.get(wish.body) if wish.body is not None else None
    if wish.body is not None and body is None:
        raise VideoRefused(
            f"Organet {wish.body!r} finns inte i inställningarna; där finns {_names(settings.bodies)}."
        )
    channel = wish.channel or (body.channel if body else _first_home(settings))
    also = wish.also if wish.also is not None else body.also if body else ()
    for key in (channel, *also):
        if key not in settings.channels:
            raise VideoRefused(
                f"Kanalen {key!r} finns inte i inställningarna; där finns {_names(settings.channels)}."
            )
    audience = wish.audience or (body.audience if body else settings.channels[channel].audience)
    if wish.also is None and audience is Audience.STAFF:
        also = ()  # what only the staff may see never leaves the machine, however the body publishes the rest
    for fault in wrong_channels("", settings.channels, channel, also, audience):
        raise VideoRefused(f"{fault[0].upper()}{fault[1:]}.")
    review = wish.review if wish.review is not None else body is None or body.review == "required"
    return _Choice(channel=channel, also=also, audience=audience, review=review)


def _first_home(settings: Settings) -> str:
    return next((key for key, channel in settings.channels.items() if channel.kind == "local"), "")


def _names(known: object) -> str:
    return ", ".join(sorted(known)) if isinstance(known, dict) and known else "inga"


def _check_room(settings: Settings, size: int) -> None:
    settings.data.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.data).free
    if free < size * ROOM:
        raise VideoRefused(
            f"Disken rymmer inte filmen: {size * ROOM / 1e9:.1f} GB behövs och {free / 1e9:.1f} GB är lediga. "
            "Frigör plats och försök igen."
        )


def _copy(file: Path, folder: Path) -> Iterator[Copied]:
    """A copy, not a link: whoever goes on to edit the file must not change what the municipality keeps."""
    part = folder / f".{file.name}.part"
    try:
        folder.mkdir(parents=True)
        with file.open("rb") as reading, part.open("xb") as writing:
            size, done = max(os.fstat(reading.fileno()).st_size, 1), 0
            while count := _copy_block(reading.fileno(), writing.fileno()):
                done += count
                yield Copied(percent=min(100 * done / size, 100))
            os.fsync(writing.fileno())
        part.rename(folder / file.name)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise VideoRefused(
                "Disken är full: frigör plats och försök igen. Ingenting av filmen är sparat."
            ) from error
        raise MediaError(f"Filen {file} kunde inte kopieras: {error.strerror}.") from error


def _copy_block(source: int, target: int) -> int:
    try:
        # Shares the blocks where the file system can (btrfs, XFS), so even hours of film take no time and no room.
        return os.copy_file_range(source, target, _BLOCK)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        return os.sendfile(target, source, None, _BLOCK)
