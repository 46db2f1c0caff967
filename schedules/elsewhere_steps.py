"""How the steps of a publication elsewhere are taken: one at a time, each of them twice without harm."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from schedules.adoption import chapters_there, seconds_before
from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import clear_alarm
from schedules.captioning import CAPTIONS, FILES, moved_captions
from schedules.channels import details_of, open_remote, stem_of
from schedules.elsewhere import (
    DELETE,
    HIDE_FORMER,
    SETTLE,
    TAKEDOWN,
    WITHDRAW,
    must_want,
    wanted_step,
    wanting,
)
from schedules.elsewhere_rows import SHOWING, publication_subject, skipped, withdraw_reason
from schedules.locks import AdvisoryLock, FileLock
from schedules.models import Publication
from schedules.packing import film_of, package_of
from schedules.states import PublicationState
from schedules.transitions import audit, move_publication
from schedules.workshop import WRITE_SECONDS, Abandoned, NotWanted, Workshop
from uploader.errors import UploadError
from uploader.package import (
    Details,
    Done,
    Gone,
    Happening,
    Noted,
    Package,
    Progress,
    Remember,
    RemoteChannel,
    Standing,
)

WHO = "laktare"
CUT_SINCE = "Filmen har klippts."
ALARMS = (
    AlarmKind.STILL_PUBLIC,
    AlarmKind.PIPELINE_FAILED,
    AlarmKind.PUBLICATION_WAITS,
    AlarmKind.PUBLICATION_INCOMPLETE,
)
TURN_SECONDS = 60.0  # so long a step that shows a film may keep one that hides it waiting
LOCK_KEYS = 0x4C414B5500000000  # the database's advisory locks of publications: their row's id is added


@dataclass(frozen=True, kw_only=True)
class _Job:
    """All that a step needs to know, so that no session is held while it is taken."""

    publication_id: int
    step: str
    channel: str
    version: int
    standing: Standing
    former: tuple[str, ...]  # the addresses of what stood there before, hidden or, for a takedown, all
    details: Details | None
    package: Package | None
    moved: float  # s by which its captions come later there
    reason: str
    stem: str


def take(workshop: Workshop, publication_id: int, step: str) -> None:
    """Take a step. Raises UploadError, and NotWanted where it is not the one that is wanted (any longer)."""
    with _turn(workshop, publication_id, step):
        job = _begin(workshop, publication_id, step)
        if job.package is not None:
            if job.moved:
                files = moved_captions(dict(job.package.files), job.moved, workshop.ffmpeg)
                job = replace(job, package=replace(job.package, files=files))
            with open_remote(workshop, job.channel, job.details) as channel:
                _follow(workshop, job, channel)
        elif step != SETTLE:
            _hide(workshop, job)
        with workshop.database.session() as session:
            _conclude(session, workshop, job)


@contextmanager
def _turn(workshop: Workshop, publication_id: int, step: str) -> Iterator[None]:
    """Nothing shows a film while something hides it, or the last request to arrive would win. Raises UploadError."""
    if step not in SHOWING | TAKEDOWN:
        yield
        return
    file_lock = FileLock(workshop.settings.data / "run" / f"publication-{publication_id}.lock")
    advisory_lock = AdvisoryLock(workshop.database.engine, LOCK_KEYS + publication_id)
    until = time.monotonic() + TURN_SECONDS
    try:
        while not (file_lock.take() and advisory_lock.take()):
            if time.monotonic() > until:
                raise UploadError("En annan process arbetar just nu med filmen där; nytt försök görs.")
            if workshop.stop.wait(0.2):
                raise Abandoned
        yield
    finally:
        advisory_lock.give_back()
        file_lock.give_back()


def _begin(workshop: Workshop, publication_id: int, step: str) -> _Job:
    settings = workshop.settings
    with workshop.database.session() as session:
        publication = must_want(session, workshop, publication_id, step)
        video = publication.video
        publication.step, publication.percent = step, 0.0
        package, moved = None, 0.0
        if step not in (SETTLE, HIDE_FORMER, *TAKEDOWN):
            package = package_of(settings, video)
            if publication.memory.get("adopted"):
                package = chapters_there(settings, video, publication.channel, package)
                if step == CAPTIONS and any(Path(name).match(FILES) for name in package.files):
                    moved = seconds_before(settings, video, publication.channel)
        return _Job(
            publication_id=publication_id,
            step=step,
            channel=publication.channel,
            version=publication.version,
            standing=Standing(address=publication.address, memory=dict(publication.memory)),
            former=tuple(
                was["address"] for was in publication.former if step in TAKEDOWN or not was["hidden"]
            ),
            details=details_of(settings, video, publication, checked=package is not None),
            package=package,
            moved=moved,
            reason=withdraw_reason(video),
            stem=stem_of(video),
        )


def _hide(workshop: Workshop, job: _Job) -> None:
    """Take what stood there before, and in a takedown what stands there, off the air."""
    addresses = list(job.former)
    if job.step in TAKEDOWN and job.standing.address:
        addresses.append(job.standing.address)
    if not addresses and job.standing == Standing():  # never begun there
        return
    with open_remote(workshop, job.channel, job.details, takedown=True) as channel:
        if job.step == DELETE:
            # What an upload left whose end we never saw, too.
            for address in dict.fromkeys([*addresses, *channel.left_behind(job.stem)]):
                channel.delete(address)
            return
        for address in addresses:
            channel.withdraw(address, job.reason)


def _follow(workshop: Workshop, job: _Job, channel: RemoteChannel) -> None:
    """Advance the channel's step to its end; what it asks to have remembered is written before it goes on."""
    assert job.package is not None  # noqa: S101 - take has looked
    written = -WRITE_SECONDS
    taken = False
    with closing(_closable(channel.take(job.step, job.package, job.standing))) as events:
        for event in events:
            if workshop.stop.is_set():
                raise Abandoned
            if isinstance(event, Progress) and time.monotonic() - written < WRITE_SECONDS:
                continue
            written = time.monotonic() if isinstance(event, Progress) else written
            taken = taken or isinstance(event, Done)
            if isinstance(event, Remember) and event.address != job.standing.address:
                _note_arrival(workshop, job, event)
            with workshop.database.session() as session:
                _write(
                    must_want(session, workshop, job.publication_id, job.step, job.version), job.step, event
                )
    if not taken:
        raise RuntimeError(f"{job.step} ended without being done")


def _note_arrival(workshop: Workshop, job: _Job, arrived: Remember) -> None:
    """A video stands there: that is so even where it is wanted no longer; what was deleted is to be again."""
    if not arrived.address:
        return
    with workshop.database.session() as session:
        publication = session.get(Publication, job.publication_id, populate_existing=True)
        if publication is None:
            return
        if publication.version == job.version:
            _write(publication, job.step, arrived)
        else:
            publication.former = [*publication.former, {"address": arrived.address, "hidden": False}]
        if publication.state is PublicationState.DELETED:
            move_publication(
                session, job.publication_id, PublicationState.WAITING, now=workshop.now(), who=WHO
            )


def _write(publication: Publication, step: str, event: Happening) -> None:
    if isinstance(event, Progress):
        publication.percent = round(event.percent, 1)
    elif isinstance(event, Remember):
        publication.memory = dict(event.memory)
        publication.address = event.address or publication.address
    elif isinstance(event, Gone):
        publication.address, publication.memory, publication.done = "", {}, []
    elif isinstance(event, Noted):
        publication.notes = {**publication.notes, step: {"sentence": event.sentence, "skipped": False}}


def _closable(events: Any) -> Any:
    return events if hasattr(events, "close") else (event for event in events)


def _conclude(session: Session, workshop: Workshop, job: _Job) -> None:
    publication = must_want(session, workshop, job.publication_id, job.step, job.version)
    now, step = workshop.now(), job.step
    publication.error, publication.percent = "", 100.0
    if step == WITHDRAW:
        _concealed(session, publication, job.reason, now)
    elif step == DELETE:
        _move(session, publication, PublicationState.DELETED, now)
        audit(session, WHO, "publication.destroyed", publication_subject(publication.id), now,
              channel=job.channel, addresses=[*job.former, job.standing.address])  # fmt: skip
    elif step == HIDE_FORMER:
        publication.former = [{**was, "hidden": True} for was in publication.former]
        addresses = [was["address"] for was in publication.former]
        audit(
            session, WHO, "publication.replaced", publication_subject(publication.id), now, hidden=addresses
        )
    elif step == SETTLE and not publication.address:
        _concealed(session, publication, CUT_SINCE, now)
    elif step == SETTLE:
        published = {"published_at": publication.published_at or now, "film": film_of(publication.video)}
        _move(session, publication, PublicationState.PUBLISHED, now,
              withdrawn_at=None, withdraw_reason="", **published)  # fmt: skip
    else:
        publication.done = [*publication.done, step]


def _concealed(session: Session, publication: Publication, reason: str, now: datetime) -> None:
    publication.former = [{**was, "hidden": True} for was in publication.former]
    _move(session, publication, PublicationState.WITHDRAWN, now, withdrawn_at=now, withdraw_reason=reason)


def _move(
    session: Session, publication: Publication, to: PublicationState, now: datetime, **changes: Any
) -> None:
    """It has come as far as it goes, and nothing of it is to be alarmed about but what is missing on it."""
    move_publication(session, publication.id, to, now=now, who=WHO, step="", **changes)
    incomplete = to is PublicationState.PUBLISHED and skipped(publication)
    for kind in ALARMS:
        if not (incomplete and kind is AlarmKind.PUBLICATION_INCOMPLETE):
            clear_alarm(session, kind, publication_subject(publication.id), now)


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
