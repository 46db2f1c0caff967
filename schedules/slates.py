"""What the slates of a meeting say, in Swedish."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from broadcast.slate import Slate, SlateText

MONTHS = (
    "januari", "februari", "mars", "april", "maj", "juni",
    "juli", "augusti", "september", "oktober", "november", "december",
)  # fmt: skip


def slate_texts(body: str, planned_start: datetime, zone: ZoneInfo) -> dict[Slate, SlateText]:
    """The text of every slate of a meeting of `body` (its name for people), planned to start at `planned_start`."""
    local = planned_start.astimezone(zone)
    above = f"{body}, {local.day} {MONTHS[local.month - 1]} {local.year}"
    said = {
        Slate.WAITING: (
            f"Sändningen börjar kl. {local:%H.%M}",
            "Välkommen! Bild och ljud kommer när mötet öppnas.",
        ),
        Slate.ADJOURNED: (
            "Sammanträdet är ajournerat",
            "Sändningen fortsätter här när sammanträdet återupptas.",
        ),
        Slate.CLOSED: (
            "Sammanträdet hålls inom stängda dörrar",
            "Sändningen fortsätter här när dörrarna öppnas igen.",
        ),
        Slate.SOURCE_LOST: (
            "Bilden är borta för tillfället",
            "Vi arbetar på det. Sändningen fortsätter här.",
        ),
        Slate.OVER: (
            "Sammanträdet är avslutat",
            "Tack för att du följde det. Inspelningen publiceras på webbplatsen.",
        ),
    }
    return {
        slate: SlateText(body=above, heading=heading, line=line) for slate, (heading, line) in said.items()
    }
