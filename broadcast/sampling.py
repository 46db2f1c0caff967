"""A look and a listen at a source before it is needed: does it give a picture, and sound, and how much of each?"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import ffmpeg as build
import numpy as np

from broadcast.errors import SourceError
from broadcast.ffmpeg import Ffmpeg, arguments
from broadcast.levels import QUIET
from broadcast.process import Child
from broadcast.source import SAMPLE_RATE, PictureFormat, Source, inputs

LARGEST_HEADER = 400  # bytes; a YUV4MPEG2 header is one line of some eighty
_METER = re.compile(r"lavfi\.r128\.M=(-?[\d.]+)")
_NO_SOUND_TRACK = ("matches no streams",)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a source gave for some seconds.

    width, height: pixels; fps: frames a second as the source says; luma_mean, luma_std: 16 (black) to 235, standard
    deviation over picture and time; loudness: LUFS, momentary maximum (EBU Tech 3341); peak: dBFS; both are -120
    for digital silence. audio: whether there is a sound track at all.
    """

    width: int
    height: int
    fps: float
    luma_mean: float
    luma_std: float
    loudness: float
    peak: float
    audio: bool


def sample(
    source: Source,
    ffmpeg: Ffmpeg,
    seconds: float = 4,
    timeout: float = 12,
    *,
    picture: PictureFormat | None = None,
) -> Sample:
    """Open the source, take `seconds` of it and close it again, within `timeout` seconds for each try (a source
    without a sound track is opened twice). picture: what a device is asked for; others give what they have.

    Raises SourceError, one Swedish sentence that names the cause and what to do, without the source's address.
    """
    with tempfile.TemporaryDirectory(prefix="laktare-sample-") as name:
        folder = Path(name)
        has_sound = True
        asked = picture or PictureFormat()
        args = _arguments(source, asked, folder, seconds, with_sound=True)
        look, child = _take(ffmpeg, args, seconds, timeout)
        if look is None and child.said(*_NO_SOUND_TRACK):
            has_sound = False
            args = _arguments(source, asked, folder, seconds, with_sound=False)
            look, child = _take(ffmpeg, args, seconds, timeout)
        if look is None:
            raise SourceError(_cause(source, child, timeout))
        sound = np.fromfile(folder / "sound", "<i2") if has_sound else np.empty(0, np.int16)
        meter = (folder / "meter").read_text() if has_sound and (folder / "meter").exists() else ""
    loudest = int(np.abs(sound.astype(np.int32)).max(initial=0))
    return Sample(
        width=look.width,
        height=look.height,
        fps=look.fps,
        luma_mean=look.mean,
        luma_std=look.std,
        loudness=max((float(value) for value in _METER.findall(meter)), default=QUIET),
        peak=QUIET if loudest == 0 else round(float(20 * np.log10(loudest / 32768)), 1),
        audio=has_sound,
    )


@dataclass(frozen=True)
class _Look:
    width: int
    height: int
    fps: float
    mean: float
    std: float


def _take(ffmpeg: Ffmpeg, args: list[str], seconds: float, timeout: float) -> tuple[_Look | None, Child]:
    """One run of ffmpeg: its picture is read here, its sound and the meter's values go to files."""
    child = Child(ffmpeg, args, pipe_out=True)
    # What has come by then is judged: a slow source is not a dead one.
    alarm = threading.Timer(timeout, child.kill)
    alarm.start()
    try:
        assert child.popen.stdout is not None  # noqa: S101 - asked for above
        with child.popen.stdout as stream:
            return _look(stream, seconds), child
    finally:
        child.stop(patience=2)
        alarm.cancel()


def _arguments(
    source: Source, asked: PictureFormat, folder: Path, seconds: float, *, with_sound: bool
) -> list[str]:
    video, audio = inputs(source, asked, silent=not with_sound)
    # Limited range whatever the source has, as the program has it: 16 is black. Cut by filters and not by -t: a live
    # source is analysed for some seconds whose frames are thrown away, and -t would count them.
    picture = (
        video.filter("scale", out_range="tv").filter("format", "yuv420p").filter("trim", duration=seconds)
    )
    outputs = [build.output(picture, "pipe:1", f="yuv4mpegpipe", fps_mode="passthrough", strict=-1)]
    if with_sound:
        metered = (
            audio.filter("atrim", duration=seconds)
            .filter("aformat", channel_layouts="stereo")
            .filter("ebur128", metadata=1)
            .filter("ametadata", "print", key="lavfi.r128.M", file=str(folder / "meter"), direct=1)
        )
        outputs.append(build.output(metered, str(folder / "sound"), f="s16le", ar=SAMPLE_RATE))
    return ["-y", *arguments(build.merge_outputs(*outputs) if with_sound else outputs[0])]


def _look(stream: IO[bytes], seconds: float) -> _Look | None:
    """Read a YUV4MPEG2 stream to its end. None: not one frame came."""
    header = stream.readline(LARGEST_HEADER).decode(errors="replace").split()
    fields = {field[0]: field[1:] for field in header[1:]}
    if not header or header[0] != "YUV4MPEG2":
        return None
    width, height = int(fields["W"]), int(fields["H"])
    means, squares = [], []
    for luma in _lumas(stream, width, height):
        means.append(float(luma.mean()))
        squares.append(float((luma**2).mean()))
    if not means:
        return None
    mean = float(np.mean(means))
    spread = max(0.0, float(np.mean(squares)) - mean**2) ** 0.5
    return _Look(
        width, height, _rate(fields.get("F", ""), len(means), seconds), round(mean, 1), round(spread, 1)
    )


def _lumas(stream: IO[bytes], width: int, height: int) -> Iterator[np.ndarray]:
    chroma = 2 * ((width + 1) // 2) * ((height + 1) // 2)
    while stream.readline(LARGEST_HEADER).startswith(b"FRAME"):
        data = _exactly(stream, width * height + chroma)
        if data is None:
            return
        # Every fourth pixel of every fourth line tells as much about light as all of them.
        yield (
            np.frombuffer(data, np.uint8, width * height).reshape(height, width)[::4, ::4].astype(np.float64)
        )


def _exactly(stream: IO[bytes], size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = stream.read(size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _rate(told: str, frames: int, seconds: float) -> float:
    above, _, below = told.partition(":")
    rate = int(above) / int(below) if above.isdigit() and below.isdigit() and int(below) else 0.0
    # Cameras with wall-clock stamps may claim 90,000 frames a second: then what came is counted.
    return round(rate if 1 <= rate <= 240 else frames / seconds, 2)


_CAUSES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("cannot open audio device",), "Källans ljudenhet kan inte öppnas: kontrollera `sound` och att ljudkortet är "
                                    "inkopplat och ledigt."),
    (("401 Unauthorized",), "Källan nekar inloggningen (401): rätta användare och lösenord i källans adress."),
    (("403 Forbidden",), "Källan nekar åtkomst (403): kontrollera kontots rättigheter i kameran."),
    (("404 Not Found",), "Källan finns men har ingen sådan ström (404): kontrollera vägen i källans adress."),
    (("Connection refused",), "Källan tar inte emot någon förbindelse: kontrollera adress och port, och att "
                              "kamerans ström är påslagen."),
    (("Failed to resolve", "Name or service not known"), "Källans namn finns inte i namntjänsten: kontrollera "
                                                         "värdnamnet i källans adress."),
    (("No route to host", "Network is unreachable"), "Källan kan inte nås på nätet: kontrollera nätkabel och "
                                                     "adress."),
    (("Address already in use",), "Porten som källan väntar på är upptagen: stäng det program som använder den."),
    (("No such device", "No such file", "Not a directory"), "Källans enhet eller fil finns inte: kontrollera "
                                                            "sökvägen och att kameran är inkopplad."),
    (("Permission denied",), "Källans enhet eller fil får inte läsas: ge kontot som kör Läktare rätt till den."),
    (("Device or resource busy",), "Källans enhet används redan av ett annat program: stäng det."),
    (("Is a directory", "Invalid data found", "moov atom not found"), "Källan ger inget som går att läsa som bild "
                                                                      "eller ljud: kontrollera att adressen leder "
                                                                      "till en video."),
    (("matches no streams", "does not contain any stream"), "Källan ger ingen bild: kontrollera att adressen leder "
                                                            "till en video och inte bara till ljud."),
    (("timed out", "Connection timeout"), "Källan svarar inte: kontrollera att kameran är på och adressen rätt."),
)  # fmt: skip
"""What ffmpeg says → the sentence. The first that fits; ALSA's own words hold "No such file" as well."""


def _cause(source: Source, child: Child, timeout: float) -> str:
    for phrases, sentence in _CAUSES:
        if child.said(*phrases):
            return sentence
    if source.listen:
        return (
            f"Ingen sändare kopplade upp sig på {timeout:.0f} sekunder: starta sändaren i salen och kontrollera att "
            "den sänder hit."
        )
    if source.kind == "srt" or not child.last_words:
        # SRT says "Input/output error" whether nobody is there or the passphrase is wrong.
        extra = ", att lösenfrasen stämmer" if source.kind == "srt" else ""
        return f"Källan svarar inte inom {timeout:.0f} sekunder: kontrollera att den är på{extra} och adressen rätt."
    return f"Källan ger ingen bild ({child.last_words}): kontrollera källan och dess adress."
