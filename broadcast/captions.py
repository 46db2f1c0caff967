"""Captions that a person hands in, WebVTT or SRT → clean WebVTT, which browsers and YouTube take."""

from __future__ import annotations

import ffmpeg as build

from broadcast.errors import BroadcastError, MediaError
from broadcast.ffmpeg import Ffmpeg, arguments, run


def read_captions(content: bytes, ffmpeg: Ffmpeg, *, shift: float = 0.0) -> str:
    """The captions in `content` as WebVTT, every cue `shift` s later. Raises MediaError where there are none."""
    try:
        text = content.decode("utf-8-sig").lstrip()
    except UnicodeDecodeError:
        raise MediaError("Textningen är inte skriven i UTF-8: spara om den så.") from None
    kind = "webvtt" if text.startswith("WEBVTT") else "srt"
    given = build.input("pipe:0", format=kind, itsoffset=shift)
    try:
        made = run(ffmpeg, arguments(given.output("pipe:1", format="webvtt")), given=text.encode())
    except BroadcastError:
        made = b""
    if b" --> " not in made:
        raise MediaError(
            "Filen är ingen textning i WebVTT eller SRT: exportera den på nytt i ett av de formaten."
        )
    return made.decode()
