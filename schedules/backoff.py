"""How long to wait before what keeps dying is started again. Pure but for its memory; time is an argument."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class Backoff:
    """Delays that grow ×2 from `first` to `longest` seconds, and begin again once it has lived `healthy` seconds."""

    first: float = 1.0
    longest: float = 30.0
    healthy: float = 60.0
    failures: int = 0

    def died(self, lived: float) -> float:
        """It died after `lived` seconds. Returns how many seconds to wait before the next start."""
        self.failures = 1 if lived >= self.healthy else self.failures + 1
        return float(min(self.longest, self.first * 2 ** min(self.failures - 1, 30)))
