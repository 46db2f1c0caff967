"""Publications on other channels than the film's home, as rows: what is to stand there, and what it stands without."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.adoption import adopt, broadcasts_of, is_whole, outdated_broadcast
from schedules.models import Publication, Video
from schedules.packing import audience_of
from schedules.settings import Settings
from schedules.states import PublicationState
from schedules.workshop import Workshop
from uploader.package import DOUBTED

SHOWING = frozenset({"playlist", "privacy"})
"""The steps by which a film comes to be seen; what hides it undoes them."""


def order(session: Session, workshop: Workshop, video: Video) -> None:
    """The video stands at home: have it put on its other channels, replaced where an older version stands, and shown
    again where it was hidden. What a platform recorded of a meeting whose film was cut is hidden on any channel."""
    if audience_of(workshop.settings, video) != "public":
        return
    known = {publication.channel: publication for publication in video.publications}
    settings = workshop.settings
    recorded = [] if is_whole(video) else [channel for channel, _ in broadcasts_of(settings, video)]
    elsewhere = [channel for channel in known if channel != video.channel]
    for channel in dict.fromkeys([*video.also, *elsewhere, *recorded]):
        publication = known.get(channel)
        if publication is None:
            publication = _new(video, channel)
        elif publication.state is PublicationState.DELETED:
            continue
        elif publication.version == video.version:
            if publication.state is PublicationState.WITHDRAWN:
                reopen(publication, SHOWING)
            continue
        if publication.address:
            publication.former = [*publication.former, {"address": publication.address, "hidden": False}]
        publication.version, publication.state = video.version, PublicationState.WAITING
        publication.address, publication.memory = "", {}
        publication.done, publication.notes, publication.error = [], {}, ""
        broadcast = adopt(settings, video, channel)
        if broadcast is not None:
            _adopt(publication, broadcast)
            publication.former = [was for was in publication.former if was["address"] != broadcast]
        elif outdated := outdated_broadcast(settings, video, channel, publication.former):
            publication.former = [*publication.former, {"address": outdated, "hidden": False}]


def claim_broadcasts(settings: Settings, video: Video) -> bool:
    """Take charge of what platforms recorded of the video's meeting, on channels of the video's or not, so that it is
    taken off the air with the film. False: there is nothing of it anywhere."""
    found = list(broadcasts_of(settings, video))
    for channel, address in found:
        publication = next((p for p in video.publications if p.channel == channel), None)
        if publication is None:
            publication = _new(video, channel)
            _adopt(publication, address)
        elif address not in [publication.address, *(was["address"] for was in publication.former)]:
            publication.former = [*publication.former, {"address": address, "hidden": False}]
            publication.state = PublicationState.WAITING
    return bool(found)


def _new(video: Video, channel: str) -> Publication:
    new = Publication(
        channel=channel, state=PublicationState.WAITING, version=0, address="", former=[], done=[], notes={}
    )
    video.publications.append(new)
    return new


def _adopt(publication: Publication, broadcast: str) -> None:
    publication.address, publication.memory = broadcast, {"adopted": True}


def publication_subject(publication_id: int) -> str:
    """How alarms and the audit log name a publication."""
    return f"publication {publication_id}"


def reopen(publication: Publication, again: Collection[str]) -> None:
    """Have `again` of its steps taken once more, with those that were never done."""
    publication.state, publication.error = PublicationState.WAITING, ""
    publication.done = [step for step in publication.done if step not in again]
    publication.notes = {step: note for step, note in publication.notes.items() if step in publication.done}


def doubt(publication: Publication) -> None:
    """Have its first step look whether it still stands there: a person may have deleted what had failed."""
    publication.memory = {**publication.memory, DOUBTED: True}
    publication.done = publication.done[1:]


def skipped(publication: Publication) -> list[str]:
    """The steps that failed for good and that the publication stands without."""
    return [step for step, note in publication.notes.items() if note["skipped"]]


def skip(publication: Publication, step: str, sentence: str, again: datetime | None = None) -> None:
    """Go on without `step`; `sentence` says why. again: when it is to be taken after all, by itself."""
    note = {"sentence": sentence, "skipped": True, "again": again.isoformat() if again else None}
    publication.notes = {**publication.notes, step: note}


def retake_deferred(session: Session, now: datetime) -> None:
    """Have the steps taken that were skipped until now, of what is published without them."""
    published = select(Publication).where(Publication.state == PublicationState.PUBLISHED)
    for publication in session.scalars(published.where(Publication.step == "")):
        times = [publication.notes[step].get("again") for step in skipped(publication)]
        if any(time and datetime.fromisoformat(time) <= now for time in times):
            reopen(publication, ())


def home_state(video: Video) -> PublicationState:
    """What became of the video on its own channel."""
    home = next((p for p in video.publications if p.channel == video.channel), None)
    return home.state if home is not None else PublicationState.WAITING


def withdraw_reason(video: Video) -> str:
    """Why it was withdrawn there."""
    home = next((p for p in video.publications if p.channel == video.channel), None)
    return home.withdraw_reason if home is not None else ""
