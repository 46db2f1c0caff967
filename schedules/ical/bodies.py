"""Whose meeting an event is, by the names of the bodies in its texts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from schedules.errors import CalendarError
from schedules.settings import Settings


def match_body(settings: Settings, texts: Iterable[str]) -> str:
    """The key of the body that is named in the texts, the longest name winning. Raises CalendarError."""
    texts = list(texts)
    named = {
        key: len(body.name)
        for key, body in settings.bodies.items()
        if any(_names(text, key, body.name) for text in texts)
    }
    longest = sorted(key for key, length in named.items() if length == max(named.values()))
    if not longest:
        raise CalendarError("inget organ känns igen i rubrik eller kategori; ange det med --body.")
    if len(longest) > 1:
        raise CalendarError(f"flera organ känns igen ({', '.join(longest)}); ange ett med --body.")
    return longest[0]


def _names(text: str, key: str, name: str) -> bool:
    # "Kommunfullmäktiges budgetsammanträde" is its own; "Kommunstyrelsens arbetsutskott" is another body.
    name = re.escape(name)
    meeting = r"((ordinarie|extra|konstituerande)\s+|budget)?(sammanträde|möte)"
    pattern = rf"(?<!\w){name}(?!\w)|(?<!\w){name}s\s+{meeting}"
    return text.strip().casefold() == key or re.search(pattern, text, re.IGNORECASE) is not None
