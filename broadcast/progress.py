"""How far a long piece of work has come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """`percent` (0–100) of the work is done; never falls."""

    percent: float
