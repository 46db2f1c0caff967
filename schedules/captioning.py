"""Captions of a film: handed in by a person, kept beside its rendition and published with it."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from broadcast.captions import read_captions
from broadcast.ffmpeg import Ffmpeg
from schedules.elsewhere_rows import reopen
from schedules.models import Video
from schedules.packing import rendition_of
from schedules.states import PublicationState, VideoState
from schedules.transitions import audit, move_video
from schedules.videos import VideoRefused

CAPTIONS = "captions"  # the step that puts them on a channel elsewhere
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
FILES = "captions.*.vtt"


def caption(session: Session, video: Video, text: str, *, language: str, who: str, now: datetime) -> None:
    """Give the film these captions (WebVTT) in `language` (BCP 47), in place of those it has; a published one gets them
    wherever it stands, by the worker. Raises VideoRefused."""
    if LANGUAGE.fullmatch(language) is None:
        raise VideoRefused(f"{language!r} är inget språk: skriv en språkkod som sv, en eller fi.")
    if video.state not in (VideoState.REVIEW, VideoState.PUBLISHED):
        raise VideoRefused(
            f"Video {video.id} kan inte textas nu: bara en film som väntar på godkännande eller är publicerad kan det."
        )
    try:
        folder = rendition_of(video).parent
    except FileNotFoundError:
        raise VideoRefused(f"Den färdiga filen till video {video.id} finns inte kvar.") from None
    _write(folder / f"captions.{language}.vtt", text)
    audit(session, who, "video.captioned", f"video {video.id}", now, language=language)
    if video.state is VideoState.REVIEW:
        return
    again = {"step": "", "percent": 0.0, "error": ""}
    if not move_video(session, video.id, VideoState.APPROVED, now=now, who=who, **again):
        raise VideoRefused(f"Video {video.id} ändrades just av någon annan. Se efter och försök igen.")
    session.refresh(video)
    for publication in video.publications:
        if publication.channel == video.channel:
            continue
        if publication.state is PublicationState.PUBLISHED:
            reopen(publication, {CAPTIONS})
        publication.done = [step for step in publication.done if step != CAPTIONS]


def drop_captions(folder: Path) -> None:
    """The film in `folder` is about to be another: its captions would not fit, and may hold what is being cut."""
    for file in folder.glob(FILES):
        file.unlink()


def moved_captions(files: dict[str, Path], shift: float, ffmpeg: Ffmpeg) -> dict[str, Path]:
    """A package's files with its captions `shift` s later, for a recording that began so much before the film."""
    moved = dict(files)
    for name, file in files.items():
        if Path(name).match(FILES):
            moved[name] = file.with_name(f".{name}")
            _write(moved[name], read_captions(file.read_bytes(), ffmpeg, shift=shift))
    return moved


def _write(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
