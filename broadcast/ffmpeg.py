"""Finds the ffmpeg to use and runs the short commands. Long-running children are `process.Child`."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from broadcast.errors import BroadcastError, FfmpegMissing

OLDEST = (5, 1)
QUIET = ("-hide_banner", "-nostdin", "-loglevel", "warning")
_SECRET = re.compile(r"((?:rtmps?|rtsps?|srt|https?)://)[^\s'\"]+", re.IGNORECASE)


@dataclass(frozen=True)
class Ffmpeg:
    """An ffmpeg binary and its version, e.g. (5, 1)."""

    path: Path
    version: tuple[int, ...]
    bundled: bool  # from the imageio-ffmpeg wheel

    def __str__(self) -> str:
        origin = "imageio-ffmpeg" if self.bundled else "PATH"
        return f"ffmpeg {'.'.join(map(str, self.version))} ({origin}, {self.path})"


@cache
def find_ffmpeg(chosen: Path | None = None) -> Ffmpeg:
    """The `chosen` binary; else the one on PATH if it is new enough (5.1); else the one in the imageio-ffmpeg wheel."""
    if chosen is not None:
        version = _version(chosen)
        if version is None or version < OLDEST:
            raise FfmpegMissing(
                f"The ffmpeg set in the settings ({chosen}) does not answer or is older than 5.1."
            )
        return Ffmpeg(chosen, version, bundled=False)
    on_path = shutil.which("ffmpeg")
    if on_path is not None and (version := _version(Path(on_path))) is not None and version >= OLDEST:
        return Ffmpeg(Path(on_path), version, bundled=False)
    try:
        wheel = Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        wheel = Path("ffmpeg")
    version = _version(wheel)
    if version is None or version < OLDEST:
        raise FfmpegMissing(
            "No ffmpeg of at least version 5.1 was found: install ffmpeg or the imageio-ffmpeg wheel."
        )
    return Ffmpeg(wheel, version, bundled=True)


def _version(binary: Path) -> tuple[int, ...] | None:
    try:
        answer = subprocess.run([binary, "-version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"ffmpeg version n?(\d+)\.(\d+)(?:\.(\d+))?", answer.stdout)
    # A build from git ("N-109…") carries no release number; it is newer than any release we know.
    return tuple(int(part) for part in found.groups() if part) if found else (99, 0)


def arguments(stream: Any) -> list[str]:
    """The arguments (without the binary) of a command built with ffmpeg-python."""
    compiled: list[str] = stream.compile(cmd=[])
    return compiled


def run(ffmpeg: Ffmpeg, args: Sequence[str], *, given: bytes | None = None, timeout: float = 120) -> bytes:
    """Run one short command to its end and return its standard output.

    Raises BroadcastError with the last thing ffmpeg said, without addresses (they may carry keys).
    """
    try:
        done = subprocess.run(
            [ffmpeg.path, *QUIET, *args], input=given, capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BroadcastError(f"ffmpeg gave no answer within {timeout:.0f} s.") from error
    if done.returncode != 0:
        raise BroadcastError(last_words(done.stderr.decode(errors="replace")))
    return done.stdout


def last_words(stderr: str) -> str:
    """The last line ffmpeg said, with every address blotted out."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return without_secrets(lines[-1]) if lines else "ffmpeg ended without a word"


def without_secrets(text: str) -> str:
    """`text` with what follows the scheme of any stream address replaced by dots."""
    return _SECRET.sub(r"\1…", text)
