"""Before a meeting: does YouTube know of it, and may the channel send live?"""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import select

from broadcast.platforms.youtube.plan import OVER
from broadcast.platforms.youtube.reasons import PlatformError
from schedules.broadcast_rows import DELETED, wanted_platforms
from schedules.database import Database
from schedules.findings import Finding, fault, warning, well
from schedules.models import Broadcast, Meeting
from schedules.platforms import connect_youtube
from schedules.settings import Settings


def check_youtube(settings: Settings, database: Database | None, meeting: Meeting, key: str) -> Finding:
    """Whether the meeting can be sent on the platform: one request. Never raises for what it finds."""
    part, name = f"plattformen {key}", settings.platforms[key].name
    if key not in wanted_platforms(settings, meeting):
        return well(part, f"Sammanträdet är bara för anställda och sänds inte på {name}.")
    address, trouble = _known(database, meeting, key)
    try:
        with closing(connect_youtube(settings, database, settings.platforms[key].account or "")) as calls:
            if not address:
                calls.stream_titled(f"Läktare {meeting.source}")
                return warning(part, f"Sändningen är inte upplagd på {name} ännu; det görs när den börjar.")
            life = calls.life(address)
    except PlatformError as error:
        return fault(part, str(error))
    if life is None:
        return fault(
            part,
            f"Sändningen har tagits bort på {name}: ta bort plattformen ur sammanträdet och lägg till den igen.",
        )
    if life in OVER:
        return fault(part, f"Sändningen på {name} är redan avslutad där: hänvisa tittarna till webbplatsen.")
    if trouble:
        return warning(part, f"Sändningen är upplagd på {name}, men inte som den ska vara: {trouble}")
    return well(part, f"Sändningen är upplagd på {name}.")


def _known(database: Database | None, meeting: Meeting, key: str) -> tuple[str, str]:
    """Its address there, and why the last try to change something there failed; "" where there is none."""
    if database is None:
        return "", ""
    with database.session() as session:
        known = select(Broadcast.address, Broadcast.error).where(
            Broadcast.meeting_id == meeting.id, Broadcast.platform == key, Broadcast.state != DELETED
        )
        row = session.execute(known).one_or_none()
        return ("", "") if row is None else (row.address, row.error)
