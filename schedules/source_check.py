"""Judges a source by a few seconds of it."""

from __future__ import annotations

from broadcast.errors import BroadcastError
from broadcast.ffmpeg import find_ffmpeg
from broadcast.levels import BLACK_LUMA, BLACK_SPREAD
from broadcast.sampling import Sample, sample
from broadcast.source import PictureFormat, Source
from schedules.findings import Finding, fault, warning, well
from schedules.settings import Settings

SECONDS = 4.0
TIMEOUT = 12.0
DEAD_LINE = -70.0  # LUFS: the absolute gate of ITU-R BS.1770, below which it counts as no sound at all
CLIPPING = -0.1  # dBFS


def check_source(
    settings: Settings, key: str, *, seconds: float | None = None, timeout: float = TIMEOUT
) -> list[Finding]:
    """Open the source `key` for `seconds` and say how its picture and sound are. Faults are findings, never raised."""
    part = f"källan {key}"
    if key not in settings.sources:
        known = ", ".join(sorted(settings.sources))
        return [fault(part, f"Källan {key} finns inte i inställningarna: byt till någon av {known}.")]
    try:
        taken = sample(
            as_source(settings, key),
            find_ffmpeg(settings.ffmpeg),
            SECONDS if seconds is None else seconds,
            timeout,
            picture=PictureFormat(
                width=settings.picture.width, height=settings.picture.height, fps=settings.picture.fps
            ),
        )
    except BroadcastError as error:
        return [fault(part, str(error))]
    return [judge_picture(part, taken), judge_sound(part, taken)]


def as_source(settings: Settings, key: str) -> Source:
    """A source of the settings as the engine takes it."""
    chosen = settings.sources[key]
    return Source(
        kind=chosen.kind, address=chosen.address.get_secret_value(), sound=chosen.sound, listen=chosen.listen
    )


def judge_picture(part: str, taken: Sample) -> Finding:
    """Pure: how the picture of a sample is."""
    if taken.luma_std < BLACK_SPREAD:
        what = "svart" if taken.luma_mean < BLACK_LUMA else "enfärgad"
        return fault(
            f"{part}, bild",
            f"Bilden är {what}: kontrollera linsskydd, belysning och att rätt kamera är inkopplad.",
        )
    size = f"{taken.width}×{taken.height}, {taken.fps:g} bilder i sekunden".replace(".", ",")
    if taken.fps < 10:
        return warning(
            f"{part}, bild", f"Bilden hackar ({size}): kontrollera nätet och kamerans inställningar."
        )
    return well(f"{part}, bild", f"Bilden är bra ({size}).")


def judge_sound(part: str, taken: Sample) -> Finding:
    """Pure: how the sound of a sample is."""
    part = f"{part}, ljud"
    if not taken.audio:
        return fault(
            part, "Källan har inget ljudspår: koppla ljudbordet till kameran eller slå på kamerans ljud."
        )
    if taken.loudness < DEAD_LINE:
        return fault(
            part, "Källans ljud är alldeles tyst: slå på ljudbordet och mikrofonerna och kontrollera kabeln."
        )
    level = f"{taken.loudness:.0f} LUFS".replace("-", "−")
    if taken.peak > CLIPPING:
        return warning(part, f"Ljudet är överstyrt ({level}): sänk nivån på ljudbordet.")
    return well(part, f"Ljudet är bra ({level}).")
