"""What films and broadcasts are called elsewhere: the bodies' templates, filled in, within the limits there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from schedules.models import Meeting, Video
from schedules.settings import Settings, YouTubeWording
from schedules.templates import Facts, fill
from uploader.metadata import check_description, check_title

MONTHS = (
    "januari", "februari", "mars", "april", "maj", "juni",
    "juli", "augusti", "september", "oktober", "november", "december",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Wording:
    """A title and a description that YouTube takes."""

    title: str
    description: str


def meeting_page(settings: Settings, meeting_id: int) -> str:
    """The address of a meeting's page."""
    return f"{settings.address}/sammantraden/{meeting_id}"


def film_page(settings: Settings, video_id: int) -> str:
    """The address of the page of a film that is not of a meeting."""
    return f"{settings.address}/film/{video_id}"


def meeting_wording(settings: Settings, meeting: Meeting) -> Wording:
    """What a meeting is called on YouTube. Raises MetadataError."""
    return planned_wording(
        settings,
        body=meeting.body,
        title=meeting.title,
        start=meeting.planned_start,
        page=meeting_page(settings, meeting.id),
        agenda=[item.title for item in meeting.agenda],
    )


def planned_wording(
    settings: Settings, *, body: str, title: str, start: datetime, page: str = "", agenda: Sequence[str] = ()
) -> Wording:
    """The same of a meeting that is not in the calendar yet. Raises MetadataError."""
    facts = _facts(settings, body=body, title=title, at=start, page=page, agenda=agenda)
    return _fit(templates_of(settings, body), facts)


def video_wording(settings: Settings, video: Video) -> Wording:
    """What a film is called on YouTube. Raises MetadataError."""
    meeting = video.meeting
    facts = _facts(
        settings,
        body=video.body,
        title=video.title,
        at=meeting.planned_start if meeting else video.recorded_at,
        page=meeting_page(settings, meeting.id) if meeting else film_page(settings, video.id),
        description=video.description,
        agenda=[item.title for item in meeting.agenda] if meeting else (),
    )
    return _fit(templates_of(settings, video.body), facts)


def templates_of(settings: Settings, body: str | None) -> YouTubeWording:
    """How the body's films and broadcasts look there; the usual way for a film of none."""
    known = settings.bodies.get(body or "")
    return known.youtube if known else YouTubeWording()


def written_day(at: datetime, zone: ZoneInfo) -> str:
    """The day as it is written in Swedish, "30 september 2026"."""
    local = at.astimezone(zone)
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def _facts(
    settings: Settings,
    *,
    body: str | None,
    title: str,
    at: datetime,
    page: str,
    description: str = "",
    agenda: Sequence[str] = (),
) -> Facts:
    known = settings.bodies.get(body or "")
    return Facts(
        title=title,
        description=description,
        body=known.name if known else body or "",
        municipality=settings.site.municipality,
        site=settings.site.name,
        page=page,
        date=written_day(at, settings.zone),
        time=f"{at.astimezone(settings.zone):%H.%M}",
        agenda=tuple(agenda),
    )


def _fit(templates: YouTubeWording, facts: Facts) -> Wording:
    title, description = fill(templates.title, facts), fill(templates.description, facts)
    wording = Wording(title=" ".join(title.split()), description=description.strip())
    check_title(wording.title)
    check_description(wording.description)
    return wording
