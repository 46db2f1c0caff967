"""What is written down, and who is told, when a step of a publication elsewhere fails."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import raise_alarm
from schedules.channels import is_optional
from schedules.elsewhere_rows import publication_subject, skip
from schedules.models import Publication
from schedules.states import PublicationState
from schedules.transitions import move_publication
from schedules.workshop import Workshop


def note_wait(workshop: Workshop, publication_id: int, step: str, words: str, *, told: bool) -> None:
    """It is tried again; told: so late, or so often already, that a person should know."""
    with workshop.database.session() as session:
        publication = session.get_one(Publication, publication_id)
        publication.step, publication.error = step, words
        if told:
            message = f"{publication.video.title} på {publication.channel}: {words}"
            _raise(session, workshop, AlarmKind.PUBLICATION_WAITS, publication, message)


def defer(workshop: Workshop, publication_id: int, step: str, words: str, wait: float) -> bool:
    """True: `step` would hold up for long what can stand without it; it is skipped, and taken after `wait` seconds or
    more by `retake_deferred`."""
    with workshop.database.session() as session:
        publication = session.get_one(Publication, publication_id)
        if not is_optional(workshop.settings, publication.channel, step):
            return False
        skip(publication, step, words, again=workshop.now() + timedelta(seconds=wait))
        return True


def give_up(workshop: Workshop, publication_id: int, step: str, words: str) -> bool:
    """`step` cannot succeed by itself. True: it is skipped and the publication goes on; False: it is FAILED."""
    with workshop.database.session() as session:
        publication = session.get_one(Publication, publication_id)
        again = f"{words} Försök igen med: laktare video retry {publication.video_id}"
        message = f"{publication.video.title} på {publication.channel}: {again}"
        if is_optional(workshop.settings, publication.channel, step):
            skip(publication, step, words)
            _raise(session, workshop, AlarmKind.PUBLICATION_INCOMPLETE, publication, message)
            return True
        to = PublicationState.FAILED
        if move_publication(
            session, publication_id, to, now=workshop.now(), who="laktare", step=step, error=words
        ):
            _raise(session, workshop, AlarmKind.PIPELINE_FAILED, publication, message)
        return False


def mourn_takedown(workshop: Workshop, publication_id: int, words: str) -> None:
    """It could not be taken off the air; it is tried again, but a person may be faster."""
    with workshop.database.session() as session:
        publication = session.get_one(Publication, publication_id)
        publication.error = words
        message = (
            f"{publication.video.title} är tillbakadragen här men kan ses på {publication.channel}: {words} "
            "Nya försök görs hela tiden; dölj den för hand där om det brådskar."
        )
        _raise(session, workshop, AlarmKind.STILL_PUBLIC, publication, message)


def _raise(
    session: Session, workshop: Workshop, kind: AlarmKind, publication: Publication, message: str
) -> None:
    subject = publication_subject(publication.id)
    raise_alarm(session, kind, subject, message, workshop.now(), publication.video.meeting_id)
