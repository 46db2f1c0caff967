"""The steps after the gavel, each a function of the workshop and a video's id. Every one can be taken twice.

verify, render, pictures and settle are taken in PROCESSING, publish in APPROVED. What a step makes is built in a folder
of that try alone and renamed into place: not even an orphaned ffmpeg of a killed worker can spoil the next try.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from broadcast.cuts import Chapter, Cut, automatic_cuts
from broadcast.ledger import Ledger, read_ledger
from broadcast.pictures import Pictures, make_pictures
from broadcast.recording_check import Verified, verify
from broadcast.rendition import Rendered, render
from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import clear_alarm, raise_alarm
from schedules.captioning import drop_captions
from schedules.channels import open_channel
from schedules.elsewhere_rows import order as order_elsewhere
from schedules.models import Publication, Video
from schedules.packing import film_of, package_of, rendition_of
from schedules.settings import Settings
from schedules.states import PublicationState, VideoState
from schedules.transitions import move_video
from schedules.workshop import NotWanted, Workshop
from uploader import package as parcel

UNEXPLAINED_SECONDS = 2.0  # the last seconds before a power cut may never have reached the disk
PROCESSING_STEPS = ("verify", "render", "pictures", "settle")


def verify_original(workshop: Workshop, video_id: int) -> None:
    """Is the original whole? Writes its checksum, duration and gaps. Raises MediaError."""
    workshop.tell(video_id, "verify", 0)
    with workshop.database.session() as session:
        original = workshop.video(session, video_id, VideoState.PROCESSING).original
    found = workshop.watch(video_id, "verify", verify(original), Verified)
    gaps = list(found.gaps)
    workshop.save(video_id, VideoState.PROCESSING, checksum=found.sha256, duration=found.duration, gaps=gaps)
    if found.unexplained > UNEXPLAINED_SECONDS:
        with workshop.database.session() as session:
            raise_alarm(
                session,
                AlarmKind.RECORDING_GAP,
                f"video {video_id}",
                f"Inspelningen är {found.unexplained:.0f} s kortare än liggaren säger, utan känd orsak."
                " Se igenom filmen innan den godkänns.",
                workshop.now(),
            )


def render_video(workshop: Workshop, video_id: int) -> None:
    """Cut, level, chapter: the finished MP4 in the work folder."""
    workshop.tell(video_id, "render", 0)
    with workshop.database.session() as session:
        order = _order(workshop.settings, workshop.video(session, video_id, VideoState.PROCESSING))
    folder = workshop.settings.work_folder(order.key).absolute()
    target = folder / parcel.VIDEO_NAME
    with _own_folder(folder, "render") as own:
        events = render(
            order.original,
            cuts=order.cuts,
            chapters=order.chapters,
            out=own / parcel.VIDEO_NAME,
            ffmpeg=workshop.ffmpeg,
            ledger=order.ledger,
            title=order.title,
            # Not every change from a slate to the room is a keyframe, and nothing of the open meeting shall go with it.
            exact=True,
        )
        made = workshop.watch(video_id, "render", events, Rendered)
        drop_captions(folder)
        made.path.replace(target)
    workshop.save(
        video_id,
        VideoState.PROCESSING,
        rendition=target,
        duration=made.duration,
        width=made.width,
        height=made.height,
        version=order.version + 1,
        loudness=made.loudness,
        made_cuts=[{"start": cut.start, "end": cut.end, "reason": cut.reason} for cut in made.cuts],
        chapters=[{"start": chapter.start, "title": chapter.title} for chapter in made.chapters],
    )


def make_pictures_of(workshop: Workshop, video_id: int) -> None:
    """Poster, sprite, waveform and chapter list, beside the finished MP4."""
    workshop.tell(video_id, "pictures", 0)
    with workshop.database.session() as session:
        video = workshop.video(session, video_id, VideoState.PROCESSING)
        order, rendition = _order(workshop.settings, video), rendition_of(video)
        chapters = [Chapter(float(c["start"]), str(c["title"])) for c in video.chapters]
    with _own_folder(rendition.parent, "pictures") as own:
        events = make_pictures(
            rendition,
            out=own,
            original=order.original,
            ledger=order.ledger,
            cuts=order.cuts,
            chapters=chapters,
        )
        workshop.watch(video_id, "pictures", events, Pictures)
        for made in sorted(own.iterdir()):
            made.replace(rendition.parent / made.name)


def settle(workshop: Workshop, video_id: int) -> None:
    """Processed: now a person's approval, or straight on to the channel."""
    now = workshop.now()
    with workshop.database.session() as session:
        video = workshop.video(session, video_id, VideoState.PROCESSING)
        to = VideoState.REVIEW if video.review else VideoState.APPROVED
        if not move_video(session, video_id, to, now=now, who="laktare", step="", percent=0.0, error=""):
            raise NotWanted(f"video {video_id} has moved on")
        session.refresh(video)
        if video.review and to is VideoState.APPROVED:
            raise NotWanted(f"video {video_id} was hidden just now, and is to be reviewed")
        clear_alarm(session, AlarmKind.PIPELINE_FAILED, f"video {video_id}", now)
        if to is VideoState.REVIEW:
            message = f"{video.title} är färdig och väntar på godkännande. Kör: laktare approve {video_id}"
            raise_alarm(
                session, AlarmKind.REVIEW_WAITING, f"video {video_id}", message, now, video.meeting_id
            )


def publish(workshop: Workshop, video_id: int) -> None:
    """Put an approved video on its channel and write down its address."""
    workshop.tell(video_id, "publish", 0)
    with workshop.database.session() as session:
        video = workshop.video(session, video_id, VideoState.APPROVED)
        channel, package = video.channel, package_of(workshop.settings, video)
    steps = open_channel(workshop.settings, channel).publish(package)
    published = workshop.watch(video_id, "publish", steps, parcel.Published)
    now = workshop.now()
    with workshop.database.session() as session:
        video = workshop.video(session, video_id, VideoState.APPROVED)
        known = session.scalar(select(Publication).filter_by(video_id=video_id, channel=channel))
        if known is None:
            known = Publication(channel=channel)
            video.publications.append(known)
        known.state, known.address, known.film = PublicationState.PUBLISHED, published.address, film_of(video)
        known.published_at = known.published_at or now
        known.version, known.withdrawn_at, known.withdraw_reason = video.version, None, ""
        order_elsewhere(session, workshop, video)
        found = {"published_at": video.published_at or now, "step": "", "percent": 100.0, "error": ""}
        if not move_video(session, video_id, VideoState.PUBLISHED, now=now, who="laktare", **found):
            raise NotWanted(f"video {video_id} has moved on")
        clear_alarm(session, AlarmKind.PIPELINE_FAILED, f"video {video_id}", now)


STEPS: dict[str, Callable[[Workshop, int], None]] = {
    "verify": verify_original,
    "render": render_video,
    "pictures": make_pictures_of,
    "settle": settle,
    "publish": publish,
}


@dataclass(frozen=True, kw_only=True)
class _Order:
    """What is to be rendered. Seconds of cuts and chapters count on the original."""

    key: str
    title: str
    version: int  # of the rendition that stands, 0 for none
    original: Path
    ledger: Ledger | None
    cuts: Sequence[Cut]
    chapters: Sequence[Chapter]


def _order(settings: Settings, video: Video) -> _Order:
    ledger = read_ledger(video.original) if video.original.is_dir() else None
    cuts = [Cut(float(cut["start"]), float(cut["end"]), str(cut["reason"])) for cut in video.cuts]
    if ledger is not None:
        cuts += automatic_cuts(ledger, silence_below=settings.live.silence_below)
    return _Order(
        key=video.key,
        title=video.title,
        version=video.version,
        original=video.original,
        ledger=ledger,
        cuts=cuts,
        chapters=_marked(video, ledger.epoch) if ledger is not None else (),
    )


def _marked(video: Video, epoch: datetime) -> list[Chapter]:
    """The agenda items that were seen to begin, in that order; `start` counts from the recording's epoch."""
    if video.meeting is None:
        return []
    marks = [
        (item.marked_at, item.position, item.title)
        for item in video.meeting.agenda
        if item.marked_at is not None
    ]
    return [
        Chapter(start=max((at - epoch).total_seconds(), 0.0), title=title) for at, _, title in sorted(marks)
    ]


@contextmanager
def _own_folder(parent: Path, step: str) -> Iterator[Path]:
    """A new folder for this try of `step`; what earlier tries left is thrown away."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f".{step}-*"):
        shutil.rmtree(left, ignore_errors=True)
    own = parent / f".{step}-{secrets.token_hex(4)}"
    own.mkdir()
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
