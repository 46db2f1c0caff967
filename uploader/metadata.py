"""Title and description of a video within YouTube's limits.

Limits: https://developers.google.com/youtube/v3/docs/videos (snippet.title, snippet.description), chapters:
https://support.google.com/youtube/answer/9884579. A person's text is never cut silently: it is refused with a sentence.
Pure.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from uploader.package import Chapter

TITLE_CHARACTERS = 100
DESCRIPTION_BYTES = 5000
CHAPTERS_LEAST = 3
CHAPTER_SECONDS = 10
MARKER = "Läktare-ref: "
_BRACKETS = str.maketrans("<>", "‹›")


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A description as it is sent. `chapters_left_out`: there are some, and no room for them."""

    text: str
    chapters_left_out: bool


class MetadataError(ValueError):
    """A text breaks YouTube's limits. The message is a Swedish sentence that says what to do."""


def check_title(title: str) -> None:
    """Raises MetadataError where YouTube would refuse the title."""
    if not title.strip():
        raise MetadataError("titeln blir tom: skriv något i den")
    if len(title) > TITLE_CHARACTERS:
        raise MetadataError(
            f"titeln blir {len(title)} tecken och YouTube tar högst {TITLE_CHARACTERS}: korta den"
        )
    _check_brackets(title, "titeln")


def tidy_title(title: str) -> str:
    """The title as it is sent. Raises MetadataError."""
    title = unicodedata.normalize("NFC", title).strip()
    check_title(title)
    return title


def check_description(description: str) -> None:
    """Raises MetadataError where YouTube would refuse the description."""
    size = len(description.encode())
    if size > DESCRIPTION_BYTES:
        raise MetadataError(
            f"beskrivningen blir {size} byte och YouTube tar högst {DESCRIPTION_BYTES}: korta den"
        )
    _check_brackets(description, "beskrivningen")


def compose(text: str, chapters: Sequence[Chapter], duration: float, marker: str) -> Composed:
    """A person's text, the chapters and, last, the line by which the video is found again. Raises MetadataError."""
    text = unicodedata.normalize("NFC", text).strip()
    marked = MARKER + marker
    bare = "\n\n".join(filter(None, (text, marked)))
    check_description(bare)
    lines = chapter_lines(chapters, duration)
    full = "\n\n".join(filter(None, (text, "\n".join(lines), marked)))
    fits = len(full.encode()) <= DESCRIPTION_BYTES
    return Composed(text=full if fits else bare, chapters_left_out=bool(lines) and not fits)


def chapter_lines(chapters: Sequence[Chapter], duration: float) -> list[str]:
    """Lines that YouTube makes chapters of: the first at 00:00, ascending, each 10 s or longer; or none, below three.

    What is shorter shares the line of the one before it (the first: of the one after it), so that no agenda item is
    lost; what comes before the first one gets a chapter of its own.
    """
    starts: list[tuple[int, str]] = []
    for chapter in sorted(chapters, key=lambda each: each.start):
        title = " ".join(unicodedata.normalize("NFC", chapter.title).translate(_BRACKETS).split())
        second = max(0, int(chapter.start))
        if not starts and second >= CHAPTER_SECONDS:
            starts.append((0, "Inledning"))
        if starts and (second - starts[-1][0] < CHAPTER_SECONDS or duration - second < CHAPTER_SECONDS):
            starts[-1] = (starts[-1][0], f"{starts[-1][1]} · {title}")
        else:
            starts.append((second if starts else 0, title))
    if len(starts) < CHAPTERS_LEAST:
        return []
    return [f"{_clock(second)} {title}" for second, title in starts]


def is_marked(description: str, marker: str) -> bool:
    """Whether a video's description ends in this marker."""
    lines = description.rstrip().splitlines()
    return bool(lines) and lines[-1].strip() == MARKER + marker


def has_marker(description: str, stem: str) -> bool:
    """Whether a video's description ends in a marker that begins with `stem`."""
    lines = description.rstrip().splitlines()
    return bool(lines) and lines[-1].strip().startswith(MARKER + stem)


def _clock(second: int) -> str:
    minutes, seconds = divmod(second, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def _check_brackets(text: str, what: str) -> None:
    if "<" in text or ">" in text:
        raise MetadataError(f"{what} innehåller < eller >, som YouTube inte tar: skriv om den")
