"""The municipality's own archive: a folder per video, published by one rename."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from uploader.errors import UploadError
from uploader.package import VIDEO_NAME, Package, Progress, Published

METADATA_NAME = "metadata.json"
WITHDRAWN_NAME = "withdrawn.json"
_BLOCK = 4 << 20
_ADDRESS = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class LocalChannel:
    """Keeps each video in `archive`/<key>/. What is there is whole: it is built beside and renamed into place.

    `metadata.json` holds what is known of the video and the size and SHA-256 of every file.
    """

    def __init__(self, *, archive: Path, withdrawn: Path) -> None:
        self._archive = archive
        self._withdrawn = withdrawn

    def publish(self, package: Package) -> Iterator[Progress | Published]:
        """See Channel. The address is the package's key."""
        _check_address(package.key)
        with _one_sentence(self._archive):
            place, part, old = self._places(package.key)
            self._archive.mkdir(parents=True, exist_ok=True)
            _finish_interrupted_swap(place, old)
            _check_files(package)
            if _stands_already(package, place):
                _remove(part)
                yield Published(address=package.key, fresh=False)
                return
            _remove(part)
            part.mkdir()
            try:
                yield from _fill(package, part)
                _swap(part, place, old)
            except BaseException:  # also GeneratorExit: an abandoned publication leaves nothing half
                _remove(part)
                raise
            _remove(self._withdrawn / package.key)
        yield Published(address=package.key, fresh=True)

    def withdraw(self, address: str, reason: str) -> None:
        """See Channel. The folder is moved out of the public one and `reason` is laid in it."""
        _check_address(address)
        with _one_sentence(self._withdrawn):
            place, kept = self._archive / address, self._withdrawn / address
            if place.exists():
                self._withdrawn.mkdir(parents=True, exist_ok=True)
                _remove(kept)
                place.rename(kept)
                _sync(self._archive)
                _sync(self._withdrawn)
            elif not kept.exists():
                raise UploadError(
                    "Videon finns inte i arkivet, så den kan inte dras tillbaka.", permanent=True
                )
            # After the move: off the air at once matters more than the note.
            _write(kept / WITHDRAWN_NAME, {"reason": reason})

    def restore(self, address: str) -> None:
        """See Channel."""
        _check_address(address)
        with _one_sentence(self._archive):
            place, kept = self._archive / address, self._withdrawn / address
            if place.exists():
                return
            if not kept.exists():
                raise UploadError(
                    "Den tillbakadragna videons filer finns inte kvar; publicera den på nytt.", permanent=True
                )
            (kept / WITHDRAWN_NAME).unlink(missing_ok=True)
            kept.rename(place)
            _sync(self._archive)

    def delete(self, address: str) -> None:
        """See Channel."""
        _check_address(address)
        with _one_sentence(self._archive):
            place, part, old = self._places(address)
            for folder in (place, part, old, self._withdrawn / address):
                _remove(folder)

    def _places(self, key: str) -> tuple[Path, Path, Path]:
        # A leading dot: the pages serve no such folder.
        return self._archive / key, self._archive / f".{key}.part", self._archive / f".{key}.old"


@contextmanager
def _one_sentence(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise UploadError(
                f"Disken är full: det finns inte plats för videon i {folder}. Frigör plats och försök igen.",
                permanent=True,
            ) from error
        if error.errno in _CLOSED:
            raise UploadError(
                f"Läktare får inte skriva i {folder}. Ge programmets användare skrivrätt och försök igen.",
                permanent=True,
            ) from error
        raise UploadError(f"Arkivet i {folder} svarar inte som det ska ({error.strerror}).") from error


def _check_address(address: str) -> None:
    if not _ADDRESS.match(address):
        raise UploadError(f"{address!r} är ingen adress i arkivet.", permanent=True)


def _check_files(package: Package) -> None:
    if VIDEO_NAME not in package.files:
        raise UploadError("Det finns ingen färdig video att publicera.", permanent=True)
    for name, file in package.files.items():
        if Path(name).name != name or name in (METADATA_NAME, WITHDRAWN_NAME) or name.startswith("."):
            raise UploadError(f"{name!r} kan inte vara namnet på en publicerad fil.", permanent=True)
        if not file.is_file():
            raise UploadError(f"Filen {file} som skulle publiceras finns inte.", permanent=True)


def _describe(package: Package) -> dict[str, Any]:
    return {
        "key": package.key,
        "title": package.title,
        "description": package.description,
        "body": package.body,
        "recorded_at": package.recorded_at.isoformat(),
        "audience": package.audience,
        "duration": package.duration,
        "chapters": [{"start": chapter.start, "title": chapter.title} for chapter in package.chapters],
    }


def _stands_already(package: Package, place: Path) -> bool:
    try:
        known = json.loads((place / METADATA_NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    files = known.pop("files", {})
    if known != _describe(package) or set(files) != set(package.files):
        return False
    return all(_is_copy(source, place / name, files[name]) for name, source in package.files.items())


def _is_copy(source: Path, copy: Path, fact: dict[str, Any]) -> bool:
    if not copy.is_file() or not copy.stat().st_size == source.stat().st_size == fact["bytes"]:
        return False
    return copy.samefile(source) or _sha256(source) == fact["sha256"] == _sha256(copy)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fill(package: Package, part: Path) -> Iterator[Progress]:
    total = sum(file.stat().st_size for file in package.files.values()) or 1
    done = 0
    facts: dict[str, dict[str, Any]] = {}
    for name, source in package.files.items():
        digest, size = hashlib.sha256(), 0
        for block in _take_over(source, part / name):
            digest.update(block)
            size += len(block)
            yield Progress(percent=min(100 * (done + size) / total, 100))
        done += size
        facts[name] = {"bytes": size, "sha256": digest.hexdigest()}
    _write(part / METADATA_NAME, {**_describe(package), "files": facts})
    _sync(part)


def _take_over(source: Path, target: Path) -> Iterator[bytes]:
    """Link `source` to `target`, or copy it where the two lie on different disks; yields its content in blocks."""
    try:
        target.hardlink_to(source)
        linked = True
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise
        linked = False
    with source.open("rb") as reading:
        if linked:
            while block := reading.read(_BLOCK):
                yield block
            os.fsync(reading.fileno())
            return
        with target.open("xb") as writing:
            while block := reading.read(_BLOCK):
                writing.write(block)
                yield block
            writing.flush()
            os.fsync(writing.fileno())


def _swap(part: Path, place: Path, old: Path) -> None:
    if place.exists():
        place.rename(old)
    part.rename(place)
    _sync(place.parent)
    _remove(old)


def _finish_interrupted_swap(place: Path, old: Path) -> None:
    if old.exists() and not place.exists():
        old.rename(place)
    _remove(old)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _write(file: Path, content: dict[str, Any]) -> None:
    with file.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, ensure_ascii=False, indent=1)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
