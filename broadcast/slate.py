"""What is shown before, in pauses, in closed session, when the source is lost, and after: a held picture with text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import ffmpeg as build
import font_lato
from PIL import Image, ImageDraw, ImageFont

from broadcast.ffmpeg import Ffmpeg, arguments, run
from broadcast.frames import Picture
from broadcast.source import PictureFormat

INK, PAPER, ACCENT = (255, 255, 255), (22, 51, 61), (240, 180, 60)


class Slate(StrEnum):
    """Which held picture is shown. The names stand in the ledger."""

    WAITING = "waiting"
    ADJOURNED = "adjourned"
    CLOSED = "closed"
    SOURCE_LOST = "source-lost"
    OVER = "over"


@dataclass(frozen=True, kw_only=True)
class SlateText:
    """What a slate says: who, what, and a line below it. Plain text in the municipality's language."""

    heading: str
    line: str = ""
    body: str = ""


def draw(text: SlateText, size: tuple[int, int]) -> Image.Image:
    """The slate as an RGB picture of `size` (width, height) pixels. Long text is wrapped, never cut."""
    width, height = size
    image = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(image)
    margin = width // 12
    pen.rectangle(
        (margin, height // 3 - height // 40, margin + width // 10, height // 3 - height // 60), fill=ACCENT
    )
    y = height // 3
    for words, scale, fill, face in (
        (text.body, 26, INK, font_lato.Lato),
        (text.heading, 13, INK, font_lato.LatoBold),
        (text.line, 24, INK, font_lato.Lato),
    ):
        font = ImageFont.truetype(face, max(height // scale, 8))
        for line in _wrap(words, font, width - 2 * margin):
            pen.text((margin, y), line, font=font, fill=fill)
            y += int(font.size * 1.35)
    return image


def _wrap(words: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def raw(ffmpeg: Ffmpeg, images: Sequence[Image.Image], picture: PictureFormat) -> list[Picture]:
    """The images, all of one size, as yuv420p BT.709 frames of the program. Raises BroadcastError."""
    width, height = images[0].size
    stream = build.input("pipe:0", f="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=picture.fps)
    stream = stream.filter("scale", picture.width, picture.height, out_color_matrix="bt709", out_range="tv")
    stream = stream.filter("format", "yuv420p")
    given = b"".join(image.tobytes() for image in images)
    frames = run(ffmpeg, arguments(build.output(stream, "pipe:1", f="rawvideo")), given=given)
    size = picture.frame_bytes
    return [Picture(bytearray(frames[start : start + size])) for start in range(0, len(images) * size, size)]


def black(picture: PictureFormat) -> Picture:
    """A black frame, for when no slate could be drawn: going out black beats not going out."""
    luma = picture.width * picture.height
    return Picture(bytearray(b"\x10" * luma + b"\x80" * (luma // 2)))
