"""The templates of titles and descriptions: checked when the settings are read, filled in for a meeting or a film.

Templates are Jinja's, in its sandbox. They may use: title, description, body, municipality, site, page (the address of
our own page), date ("30 september 2026"), time ("18.00") and agenda (a list of titles).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from uploader.metadata import MetadataError, check_description, check_title

_jinja = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a template may use."""

    title: str
    description: str
    body: str
    municipality: str
    site: str
    page: str
    date: str
    time: str
    agenda: tuple[str, ...]


_SAMPLE = Facts(
    title="Kommunfullmäktige",
    description="",
    body="Kommunfullmäktige",
    municipality="Provköpings kommun",
    site="Sammanträden",
    page="https://sammantraden.kommunen.example/sammantraden/1",
    date="30 september 2026",
    time="18.00",
    agenda=("Upprop", "Budget"),
)


def check_template(template: str, part: str) -> None:
    """Raises ValueError with a Swedish sentence where the template (part: title or description) is broken, uses a word
    that does not exist, or breaks YouTube's limits for an ordinary meeting."""
    try:
        text = fill(template, _SAMPLE)
        if part == "title":
            check_title(text)
        else:
            check_description(text)
    except TemplateError as error:
        words = ", ".join(asdict(_SAMPLE))
        raise ValueError(f"mallen går inte att fylla i ({error}); den kan använda {words}") from None
    except MetadataError as error:
        raise ValueError(str(error)) from None


def fill(template: str, facts: Facts) -> str:
    """`template` with what it uses filled in. Raises jinja2.TemplateError."""
    values: dict[str, str | Sequence[str]] = {
        name: unicodedata.normalize("NFC", value) if isinstance(value, str) else value
        for name, value in asdict(facts).items()
    }
    return _jinja.from_string(template).render(values)
