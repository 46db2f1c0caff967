"""What a check found: a part, how it is, and one Swedish sentence that says what to do. Shared by all checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How serious a finding is. The values are what people read."""

    OK = "OK"
    WARNING = "VARNING"  # works, but should be looked at
    FAULT = "FEL"  # something will not work


EXIT_CODES = {Level.OK: 0, Level.WARNING: 1, Level.FAULT: 2}
"""As monitoring plugins have them: OK, WARNING, CRITICAL."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """part: what was looked at, in Swedish; sentence: how it is and, where it is not well, what to do."""

    part: str
    level: Level
    sentence: str

    @property
    def ok(self) -> bool:
        """Whether it needs nobody's hand before a meeting. A warning does not."""
        return self.level is not Level.FAULT


def well(part: str, sentence: str) -> Finding:
    """All is well with `part`."""
    return Finding(part=part, level=Level.OK, sentence=sentence)


def warning(part: str, sentence: str) -> Finding:
    """`part` works but should be looked at."""
    return Finding(part=part, level=Level.WARNING, sentence=sentence)


def fault(part: str, sentence: str) -> Finding:
    """`part` does not work."""
    return Finding(part=part, level=Level.FAULT, sentence=sentence)


def worst(levels: list[Level]) -> Level:
    """The most serious of them; OK for none."""
    return max(levels, key=lambda level: EXIT_CODES[level], default=Level.OK)
