"""Publications on other channels than the film's home: what each needs next.

A film goes elsewhere when it stands at home, and off again when it is withdrawn there. What is wanted follows from
the states of the video, its home and the publication; so a lost message, a killed worker or a change of mind in the
middle is harmless: the next look finds what is to be done.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from schedules.channels import steps_of
from schedules.elsewhere_rows import home_state, skipped
from schedules.models import Publication, Video
from schedules.states import PublicationState, VideoState
from schedules.workshop import NotWanted, Workshop

SETTLE, HIDE_FORMER, WITHDRAW, DELETE = "settle", "hide former", "withdraw", "delete"
TAKEDOWN = frozenset({WITHDRAW, DELETE})
"""The steps that take something off the air: they are tried until they have succeeded."""


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
        .outerjoin(home, and_(home.video_id == Video.id, home.channel == Video.channel))
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
        step = None if publication is None else _next(workshop, publication)
    return step if (step in TAKEDOWN) is takedown else None


def _next(workshop: Workshop, publication: Publication) -> str | None:
    video = publication.video
    # What is only kept of a platform's own recording is never put anywhere.
    ours = publication.channel in video.also or publication.address
    steps = steps_of(workshop.settings, publication.channel) if ours else ()
    return next_step(video.state, home_state(video), publication, steps)


def must_want(
    session: Session, workshop: Workshop, publication_id: int, step: str, version: int | None = None
) -> Publication:
    """The publication, if that step of it (and of that version) is the next. Raises NotWanted."""
    publication = session.get(Publication, publication_id, populate_existing=True)
    if (
        publication is None
        or _next(workshop, publication) != step
        or version not in (None, publication.version)
    ):
        raise NotWanted(f"publication {publication_id}: {step} is not what is to be done")
    return publication
