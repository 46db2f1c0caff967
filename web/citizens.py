"""The pages citizens read: what is on now, a meeting, a film."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import timedelta

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from schedules import public
from schedules.public import ON_AIR_STAGES, MeetingView, Stage
from web import house, wording
from web.languages import language_name, page_url
from web.media import CAPTIONS

pages = Blueprint("citizens", __name__)

SOON = timedelta(minutes=30)
FRESH = {"Cache-Control": "public, no-cache"}  # may be kept, must be asked about: answered by 304


@pages.get("/")
def start() -> Response:
    """What is on now, what comes, what can be watched."""
    kept = house()
    with kept.database.session() as session:
        front = public.front_page(session, now=kept.clock())
    return _page(render_template("citizens/start.html", front=front, **_words()))


@pages.get("/sammantraden/<int:meeting_id>")
def meeting(meeting_id: int) -> Response:
    """A meeting, from the plan to the recording."""
    view = _meeting_or_404(meeting_id)
    return _page(
        render_template(
            "citizens/meeting.html",
            view=view,
            stream=_stream(view),
            jump=_jump(view.film.duration if view.film else None),
            version=_version(view),
            poll=_poll_seconds(view),
            has_poster=view.film is not None and _has(view.film.key, "poster.jpg"),
            captions=_captions(view.film.key) if view.film else (),
            **_words(),
        )
    )


@pages.get("/sammantraden/<int:meeting_id>/status.json")
def meeting_status(meeting_id: int) -> Response:
    """What an open page asks every few seconds: has anything changed?"""
    view = _meeting_or_404(meeting_id)
    told = {
        "stage": view.stage,
        "sentence": wording.sentence(view),
        "version": _version(view),
        "poll": _poll_seconds(view),
    }
    response = make_response(json.dumps(told, ensure_ascii=False, separators=(",", ":")))
    response.mimetype = "application/json"
    response.headers["Cache-Control"] = "public, max-age=2"
    response.add_etag()
    response.make_conditional(request)
    return response


@pages.get("/film/<int:video_id>")
def film(video_id: int) -> AnyResponse:
    """A film that is not of a meeting; one that is has its place on the meeting's page."""
    with house().database.session() as session:
        found = public.film(session, video_id)
    if found is None:
        raise NotFound
    if isinstance(found, public.Withdrawn):
        return make_response(render_template("citizens/withdrawn.html", film=found, **_words()), 410)
    if found.meeting_id is not None:
        return redirect(page_url("meeting", meeting_id=found.meeting_id), 301)
    return _page(
        render_template(
            "citizens/film.html",
            film=found,
            jump=_jump(found.duration),
            has_poster=_has(found.key, "poster.jpg"),
            captions=_captions(found.key),
            **_words(),
        )
    )


def _page(html: str) -> Response:
    response = make_response(html)
    response.headers.update(FRESH)
    response.add_etag()
    response.make_conditional(request)
    return response


def _meeting_or_404(meeting_id: int) -> MeetingView:
    kept = house()
    with kept.database.session() as session:
        view = public.meeting_view(session, meeting_id, now=kept.clock())
    if view is None:
        raise NotFound
    return view


def _words() -> dict[str, object]:
    bodies = house().settings.bodies

    def body_name(key: str | None) -> str:
        # A body that has left the settings still has its old meetings.
        return bodies[key].name if key in bodies else (key or "")

    return {
        "label": wording.label,
        "sentence": wording.sentence,
        "body_name": body_name,
        "on_air": ON_AIR_STAGES,
    }


def _jump(duration: float | None) -> float | None:
    """The second to begin at, from `?t=120`; what is no time in the film is passed over."""
    try:
        seconds = float(request.args.get("t", ""))
    except ValueError:
        return None
    if not math.isfinite(seconds) or seconds < 0 or (duration is not None and seconds > duration):
        return None
    return seconds


def _stream(view: MeetingView) -> bool:
    """Whether there is a stream of ours to watch: the playlist has been written."""
    folder = house().settings.live_folder(view.id)
    return view.stage in ON_AIR_STAGES and (folder / "index.m3u8").is_file()


def _has(key: str, name: str) -> bool:
    return (house().settings.archive_folder(key) / name).is_file()


def _captions(key: str) -> list[tuple[str, str]]:
    """The languages in which the film is captioned: code and name."""
    names = sorted(file.name for file in house().settings.archive_folder(key).glob("captions.*.vtt"))
    return [(found[1], language_name(found[1])) for name in names if (found := CAPTIONS.fullmatch(name))]


def _version(view: MeetingView) -> str:
    """Changes when an open page has something new to show."""
    return hashlib.sha256(repr((view, _stream(view))).encode()).hexdigest()[:12]


def _poll_seconds(view: MeetingView) -> int:
    """How often an open page asks again; 0: never, there is nothing to wait for."""
    if view.stage in ON_AIR_STAGES or view.stage == Stage.ENDED or view.late:
        return 3
    if view.stage == Stage.PLANNED:
        return 3 if view.planned_start - house().clock() < SOON else 60
    if view.stage in {Stage.REVIEW, Stage.DELAYED}:
        return 15
    return 0
