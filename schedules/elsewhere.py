"""Publications on other channels than the film's home: what each needs next, and how that step is taken.

A film goes elsewhere when it stands at home, and off again when it is withdrawn there. What is wanted follows from
the states of the video, its home and the publication; so a lost message, a killed worker or a change of mind in the
middle is harmless: the next look finds what is to be done.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from schedules.adoption import adopt, chapters_there, outdated_broadcast
from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import clear_alarm
from schedules.channels import open_remote, steps_of
from schedules.models import Publication, Video
from schedules.packing import audience_of, film_of, package_of
from schedules.states import PublicationState, VideoState
from schedules.transitions import audit, move_publication
from schedules.workshop import WRITE_SECONDS, Abandoned, NotWanted, Workshop
from uploader.errors import UploadError
from uploader.package import Done, Noted, Package, Progress, Remember, RemoteChannel, Standing

SETTLE, HIDE_FORMER, WITHDRAW, DELETE = "settle", "hide former", "withdraw", "delete"
TAKEDOWN = frozenset({WITHDRAW, DELETE})
"""The steps that take something off the air: they are tried until they have succeeded."""

WHO = "laktare"
log = structlog.get_logger(__name__)


def order(session: Session, workshop: Workshop, video: Video) -> None:
    """The video stands at home: have it put on its other channels, and replaced where an older version stands."""
    if audience_of(workshop.settings, video) != "public":
        return
    known = {publication.channel: publication for publication in video.publications}
    for channel in video.also:
        publication = known.get(channel)
        if publication is None:
            publication = Publication(channel=channel, state=PublicationState.WAITING)
            video.publications.append(publication)
        elif publication.state is PublicationState.DELETED or publication.version == video.version:
            continue
        if publication.address:
            publication.former = [*publication.former, {"address": publication.address, "hidden": False}]
        publication.version, publication.state = video.version, PublicationState.WAITING
        publication.address, publication.memory = "", {}
        publication.done, publication.notes, publication.error = [], {}, ""
        broadcast = adopt(workshop.settings, video, channel)
        if broadcast is not None:
            publication.address = broadcast
            publication.memory = {"adopted": True}
            publication.former = [was for was in publication.former if was["address"] != broadcast]
        elif outdated := outdated_broadcast(workshop.settings, video, channel, publication.former):
            publication.former = [*publication.former, {"address": outdated, "hidden": False}]


def wanting(session: Session) -> list[tuple[int, bool]]:
    """The publications elsewhere for which something is to be done: (id, whether it is to be taken off the air)."""
    home = aliased(Publication)
    up = and_(
        Publication.state == PublicationState.WAITING,
        Video.state == VideoState.PUBLISHED,
        home.state == PublicationState.PUBLISHED,
    )
    off = or_(
        and_(
            home.state == PublicationState.WITHDRAWN,
            Publication.state.not_in([PublicationState.WITHDRAWN, PublicationState.DELETED]),
        ),
        and_(Video.state == VideoState.DELETED, Publication.state != PublicationState.DELETED),
    )
    rows = session.execute(
        select(Publication.id, off.label("off"))
        .join(Publication.video)
        .join(home, and_(home.video_id == Video.id, home.channel == Video.channel))
        .where(Publication.channel != Video.channel, or_(up, off))
        .order_by(Publication.id)
    )
    return [(row.id, bool(row.off)) for row in rows]


def next_step(
    video: VideoState, home: PublicationState, publication: Publication, steps: Sequence[str]
) -> str | None:
    """What is to be done next for a publication, by its own state, its video's and its home's; None: nothing."""
    if video is VideoState.DELETED:
        return None if publication.state is PublicationState.DELETED else DELETE
    if home is PublicationState.WITHDRAWN:  # also while a new cut is being made of what was withdrawn
        gone = publication.state in (PublicationState.WITHDRAWN, PublicationState.DELETED)
        return None if gone else WITHDRAW
    if video is not VideoState.PUBLISHED or publication.state is not PublicationState.WAITING:
        return None
    for step in steps:
        if step not in publication.done and step not in skipped(publication):
            return step
    return HIDE_FORMER if any(not was["hidden"] for was in publication.former) else SETTLE


def wanted_step(workshop: Workshop, publication_id: int, *, takedown: bool) -> str | None:
    """What is to be done next for that publication; None: nothing of the kind that was asked for."""
    with workshop.database.session() as session:
        publication = session.get(Publication, publication_id)
        if publication is None:
            return None
        steps = steps_of(workshop.settings, publication.channel)
        step = next_step(publication.video.state, _home(publication.video), publication, steps)
    return step if (step in TAKEDOWN) is takedown else None


def take(workshop: Workshop, publication_id: int, step: str) -> None:
    """Take a step. Raises UploadError, and NotWanted where it is not the one that is wanted (any longer)."""
    with workshop.database.session() as session:
        publication = _wanted(session, workshop, publication_id, step)
        publication.step, publication.percent = step, 0.0
        video = publication.video
        addresses = [was["address"] for was in publication.former if step in TAKEDOWN or not was["hidden"]]
        if step in TAKEDOWN and publication.address:
            addresses.append(publication.address)
        reason = _reason(video)
        standing = Standing(address=publication.address, memory=dict(publication.memory))
        package = None
        if step not in (SETTLE, HIDE_FORMER, *TAKEDOWN):
            package = package_of(workshop.settings, video)
            if publication.memory.get("adopted"):
                package = chapters_there(workshop.settings, video, publication.channel, package)
        channel = None
        if step != SETTLE and (package is not None or addresses):
            channel = open_remote(workshop, publication, takedown=package is None)
    # No session is held meanwhile: this may take hours, and SQLite has one writer.
    if channel is not None and package is not None:
        _follow(workshop, publication_id, step, channel, package, standing)
    elif channel is not None:
        for address in addresses:
            if step == DELETE:
                channel.delete(address)
            else:
                channel.withdraw(address, reason)
    with workshop.database.session() as session:
        _conclude(session, workshop, publication_id, step)


def _wanted(session: Session, workshop: Workshop, publication_id: int, step: str) -> Publication:
    publication = session.get(Publication, publication_id, populate_existing=True)
    steps = () if publication is None else steps_of(workshop.settings, publication.channel)
    video = None if publication is None else publication.video
    if (
        publication is None
        or video is None
        or next_step(video.state, _home(video), publication, steps) != step
    ):
        raise NotWanted(f"publication {publication_id}: {step} is not what is to be done")
    return publication


def _follow(
    workshop: Workshop,
    publication_id: int,
    step: str,
    channel: RemoteChannel,
    package: Package,
    standing: Standing,
) -> None:
    """Advance the channel's step to its end; what it asks to have remembered is written before it goes on."""
    written = -WRITE_SECONDS
    taken = False
    with closing(_closable(channel.take(step, package, standing))) as events:
        for event in events:
            if workshop.stop.is_set():
                raise Abandoned
            if isinstance(event, Progress) and time.monotonic() - written < WRITE_SECONDS:
                continue
            written = time.monotonic() if isinstance(event, Progress) else written
            taken = taken or isinstance(event, Done)
            with workshop.database.session() as session:
                _write(_wanted(session, workshop, publication_id, step), step, event)
    if not taken:
        raise RuntimeError(f"{step} ended without being done")


def _write(publication: Publication, step: str, event: Any) -> None:
    if isinstance(event, Progress):
        publication.percent = round(event.percent, 1)
    elif isinstance(event, Remember):
        publication.memory = dict(event.memory)
        publication.address = event.address or publication.address
    elif isinstance(event, Noted):
        publication.notes = {**publication.notes, step: {"sentence": event.sentence, "skipped": False}}


def _closable(events: Any) -> Any:
    return events if hasattr(events, "close") else (event for event in events)


def _conclude(session: Session, workshop: Workshop, publication_id: int, step: str) -> None:
    publication = _wanted(session, workshop, publication_id, step)
    now = workshop.now()
    publication.error, publication.percent = "", 100.0
    subject = publication_subject(publication_id)
    if step == WITHDRAW:
        reason = _reason(publication.video)
        publication.former = [{**was, "hidden": True} for was in publication.former]
        move_publication(
            session, publication_id, PublicationState.WITHDRAWN, now=now, who=WHO,
            withdrawn_at=now, withdraw_reason=reason, step="",
        )  # fmt: skip
        for kind in (AlarmKind.STILL_PUBLIC, AlarmKind.PIPELINE_FAILED, AlarmKind.PUBLICATION_WAITS):
            clear_alarm(session, kind, subject, now)
    elif step == DELETE:
        move_publication(session, publication_id, PublicationState.DELETED, now=now, who=WHO, step="")
        clear_alarm(session, AlarmKind.STILL_PUBLIC, subject, now)
    elif step == HIDE_FORMER:
        publication.former = [{**was, "hidden": True} for was in publication.former]
        addresses = [was["address"] for was in publication.former]
        audit(session, WHO, "publication.replaced", subject, now, hidden=addresses)
    elif step == SETTLE:
        film = film_of(publication.video)
        move_publication(
            session, publication_id, PublicationState.PUBLISHED, now=now, who=WHO, film=film, step="",
            published_at=publication.published_at or now, withdrawn_at=None, withdraw_reason="",
        )  # fmt: skip
        over = [AlarmKind.PIPELINE_FAILED, AlarmKind.PUBLICATION_WAITS]
        over += [] if skipped(publication) else [AlarmKind.PUBLICATION_INCOMPLETE]
        for kind in over:
            clear_alarm(session, kind, subject, now)
    else:
        publication.done = [*publication.done, step]


def take_down(workshop: Workshop, video_id: int) -> list[tuple[str, str]]:
    """Take a withdrawn or deleted video off its other channels, now. Returns (channel, sentence) of those that could
    not be reached, or that a worker is at; the worker goes on with them."""
    with workshop.database.session() as session:
        rows = session.execute(
            select(Publication.id, Publication.channel).where(Publication.video_id == video_id)
        ).all()
        mine = [row for row in rows if row.id in dict(wanting(session))]
    left = []
    for row in mine:
        step = wanted_step(workshop, row.id, takedown=True)
        if step is None:
            continue
        try:
            take(workshop, row.id, step)
        except NotWanted:
            continue
        except UploadError as error:
            left.append((row.channel, str(error)))
    return left


def publication_subject(publication_id: int) -> str:
    """How alarms and the audit log name a publication."""
    return f"publication {publication_id}"


def reopen(publication: Publication, again: Collection[str]) -> None:
    """Have `again` of its steps taken once more, with those that were never done."""
    publication.state, publication.error = PublicationState.WAITING, ""
    publication.done = [step for step in publication.done if step not in again]
    publication.notes = {step: note for step, note in publication.notes.items() if step in publication.done}


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


def _home(video: Video) -> PublicationState:
    home = next((p for p in video.publications if p.channel == video.channel), None)
    return home.state if home is not None else PublicationState.WAITING


def _reason(video: Video) -> str:
    home = next((p for p in video.publications if p.channel == video.channel), None)
    return home.withdraw_reason if home is not None else ""
