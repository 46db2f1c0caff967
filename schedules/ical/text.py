"""The texts of an exported event: HTML made plain, an agenda found where there clearly is one. Pure."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_PARAGRAPH = re.compile(r"§+\s*\d+\b.*\S")
_NUMBERED = re.compile(r"(\d{1,3})[.)]\s+\S.*")
_LONGEST_ITEM = 500


def plain_text(text: str) -> str:
    """`text` without the HTML that Google and Outlook write into descriptions."""
    if not re.search(r"<(br|p|div|ol|ul|li|html|span)\b", text, re.IGNORECASE):
        return text
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts)


def agenda_in(text: str) -> tuple[str, ...]:
    """The agenda in a description: at least two lines that begin with "§ 12", or with 1. 2. 3. in order. Else empty:
    better none than one made of a telephone number."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    paragraphs = [line for line in lines if _PARAGRAPH.fullmatch(line)]
    if len(paragraphs) >= 2:
        return tuple(one_line(line, _LONGEST_ITEM) for line in paragraphs)
    numbered = [(int(found[1]), line) for line in lines if (found := _NUMBERED.fullmatch(line))]
    if len(numbered) >= 2 and [number for number, _ in numbered] == list(range(1, len(numbered) + 1)):
        return tuple(one_line(line, _LONGEST_ITEM) for _, line in numbered)
    return ()


def one_line(text: str, longest: int) -> str:
    """`text` on one line, cut to `longest` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


class _Reader(HTMLParser):
    """Keeps the text; a block is a line, an item of an ordered list a numbered one."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._numbers: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("br", "p", "div", "li", "ol", "ul"):
            self.parts.append("\n")
        if tag in ("ol", "ul"):
            self._numbers.append(0 if tag == "ol" else -1)
        elif tag == "li" and self._numbers and self._numbers[-1] >= 0:
            self._numbers[-1] += 1
            self.parts.append(f"{self._numbers[-1]}. ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "div", "li", "ol", "ul"):
            self.parts.append("\n")
        if tag in ("ol", "ul") and self._numbers:
            self._numbers.pop()

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
