"""Slates can be read: Swedish letters, long names, the program's colours."""

from __future__ import annotations

import numpy as np
import pytest

from broadcast.ffmpeg import Ffmpeg
from broadcast.slate import PAPER, SlateText, black, draw, raw
from tests.broadcast.conftest import SMALL


@pytest.mark.parametrize("letter", "åäöÅÄÖé–")
def test_every_swedish_letter_has_a_form_of_its_own(letter: str) -> None:
    missing = np.asarray(draw(SlateText(heading="\ue000"), (640, 360)))  # a letter that no font has
    assert not np.array_equal(np.asarray(draw(SlateText(heading=letter), (640, 360))), missing)


@pytest.mark.parametrize("size", [(320, 180), (1280, 720), (1920, 1080)])
def test_long_text_is_wrapped_and_stays_within_the_picture(size: tuple[int, int]) -> None:
    text = SlateText(
        body="Utbildnings- och omsorgsnämnden, 25 november 2026",
        heading="Sammanträdet hålls inom stängda dörrar",
    )
    image = np.asarray(draw(text, size))
    edge = np.concatenate([image[:, -4:].reshape(-1, 3), image[-4:].reshape(-1, 3)])
    assert (edge == PAPER).all()
    assert (image != PAPER).any()


def test_a_slate_keeps_its_colours_as_a_frame(ffmpeg_binary: Ffmpeg) -> None:
    (frame,) = raw(ffmpeg_binary, [draw(SlateText(heading=""), (SMALL.width, SMALL.height))], SMALL)
    assert len(frame.data) == SMALL.frame_bytes
    red, green, blue = PAPER
    luma = 16 + 219 / 255 * (0.2126 * red + 0.7152 * green + 0.0722 * blue)  # ITU-R BT.709-6, limited range
    assert frame.data[0] == pytest.approx(luma, abs=2)
    assert bytes(black(SMALL).data[:2]) == b"\x10\x10"
