"""Title and description of a video within YouTube's limits.

Limits: https://developers.google.com/youtube/v3/docs/videos (snippet.title, snippet.description). A person's text is
never cut silently: it is refused with a sentence.
"""

from __future__ import annotations

TITLE_CHARACTERS = 100
DESCRIPTION_BYTES = 5000


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


def check_description(description: str) -> None:
    """Raises MetadataError where YouTube would refuse the description."""
    size = len(description.encode())
    if size > DESCRIPTION_BYTES:
        raise MetadataError(
            f"beskrivningen blir {size} byte och YouTube tar högst {DESCRIPTION_BYTES}: korta den"
        )
    _check_brackets(description, "beskrivningen")


def _check_brackets(text: str, what: str) -> None:
    if "<" in text or ">" in text:
        raise MetadataError(f"{what} innehåller < eller >, som YouTube inte tar: skriv om den")
