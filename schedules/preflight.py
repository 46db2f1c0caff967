"""Before a meeting: does the source give picture and sound, has the disk room, is the platform ready?"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.alarms.watch import GB, STALE, free_bytes
from schedules.database import Database
from schedules.findings import Finding, fault, well
from schedules.models import LiveProcess, Meeting
from schedules.platform_check import check_youtube
from schedules.settings import Settings
from schedules.source_check import check_source
from schedules.states import ON_AIR

MARGIN = 2  # times the planned length, since meetings run over
OVERHEAD = 1.06  # MPEG-TS around the streams


def preflight(
    meeting: Meeting,
    settings: Settings,
    now: datetime,
    *,
    captured: Mapping[str, LiveProcess] | None = None,
    database: Database | None = None,
) -> list[Finding]:
    """Try everything a meeting needs. Takes some seconds; never raises for what it finds.

    captured: source → the live process that has it open now (`sources_on_air`): such a source is not opened a
    second time, for many cameras serve one client only. database: where the broadcasts elsewhere are known, and what
    asking about them costs is counted; None: neither.
    """
    holder = (captured or {}).get(meeting.source)
    source = check_source(settings, meeting.source) if holder is None else [_held(meeting, holder)]
    return [
        *source,
        check_room(settings, _length_left(meeting, now)),
        *check_platforms(settings, meeting, database),
    ]


def sources_on_air(session: Session, now: datetime) -> dict[str, LiveProcess]:
    """The sources that a living live process has open, with that process."""
    rows = session.execute(
        select(Meeting.source, LiveProcess)
        .join(Meeting, LiveProcess.meeting_id == Meeting.id)
        .where(Meeting.state.in_(ON_AIR), LiveProcess.heartbeat_at >= now - STALE)
    )
    return {source: process for source, process in rows}


def _held(meeting: Meeting, holder: LiveProcess) -> Finding:
    part = f"källan {meeting.source}"
    owner = "detta sammanträde" if holder.meeting_id == meeting.id else f"sammanträde {holder.meeting_id}"
    if holder.status.get("source", True):
        return well(part, f"Källan är redan öppen för {owner} och ger bild; den öppnas inte två gånger.")
    return fault(
        part, f"Källan är öppen för {owner} men ger ingen bild: kontrollera kamerans ström och kabel."
    )


def _length_left(meeting: Meeting, now: datetime) -> timedelta:
    return meeting.planned_end - max(now, meeting.planned_start)


def check_room(settings: Settings, length: timedelta) -> Finding:
    """Whether the disk has room for twice `length` of recording, beyond what is to stay free."""
    need = recording_bytes(settings, length) * MARGIN
    free = free_bytes(settings.data)
    figures = f"{_gb(free)} ledigt, {_gb(need)} behövs för dubbla den planerade tiden"
    if free < need + settings.live.low_disk_gb * GB:
        reserve = (
            f" och {settings.live.low_disk_gb:g} GB ska förbli lediga" if settings.live.low_disk_gb else ""
        )
        return fault(
            "disk", f"Disken har inte rum för sammanträdet ({figures}{reserve}): flytta eller ta bort filer."
        )
    return well("disk", f"Disken har rum för sammanträdet ({figures}).")


def recording_bytes(settings: Settings, length: timedelta) -> float:
    """How many bytes a recording of `length` takes."""
    kbit = settings.picture.video_kbit + settings.picture.audio_kbit
    return max(0.0, length.total_seconds()) * kbit * 1000 / 8 * OVERHEAD


def check_platforms(settings: Settings, meeting: Meeting, database: Database | None = None) -> list[Finding]:
    """Whether each platform of a meeting can take its stream, and the recording folder its recording."""
    findings = []
    for key in meeting.platforms:
        platform = settings.platforms.get(key)
        if platform is None:
            findings.append(
                fault(
                    f"plattformen {key}",
                    f"Plattformen {key} finns inte i inställningarna: ta bort den ur mötet.",
                )
            )
        elif platform.kind == "youtube":
            findings.append(check_youtube(settings, database, meeting, key))
        else:
            findings.append(check_folder(f"plattformen {key}", settings.live_folder(meeting.id)))
    findings.append(check_folder("inspelningen", settings.recording_folder(meeting.id)))
    return findings


def check_folder(part: str, folder: Path) -> Finding:
    """Whether a file can be written where `folder` is, or is to be made. Leaves nothing behind."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        handle, name = tempfile.mkstemp(prefix=".laktare-", dir=there)
        try:
            os.write(handle, bytes(4096))  # an empty file is made on a full disk, too
        finally:
            os.close(handle)
            Path(name).unlink()
    except OSError as error:
        return fault(part, f"Det går inte att skriva i {there} ({error.strerror}): ge kontot som kör Läktare rätt "
                           "till mappen och plats på disken.")  # fmt: skip
    return well(part, f"Det går att skriva i {folder}.")


def _gb(size: float) -> str:
    return f"{size / GB:.1f} GB".replace(".", ",")
