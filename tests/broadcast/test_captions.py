"""Captions: what is taken, what comes of it, and what is refused with which words."""

from __future__ import annotations

import pytest

from broadcast.captions import read_captions
from broadcast.errors import MediaError
from broadcast.ffmpeg import find_ffmpeg

VTT = "WEBVTT\n\n00:01.000 --> 00:02.500\nOrdföranden öppnar.\n\n00:03.000 --> 00:04.000\nTack!\n"
SRT = (
    "1\r\n00:00:01,000 --> 00:00:02,500\r\nOrdföranden öppnar.\r\n\r\n"
    "2\r\n00:00:03,000 --> 00:00:04,000\r\nTack!\r\n"
)


@pytest.mark.parametrize("content", [VTT.encode(), SRT.encode(), b"\xef\xbb\xbf" + VTT.encode()])
def test_both_formats_become_the_same(content: bytes) -> None:
    assert read_captions(content, find_ffmpeg()).strip() == VTT.strip()


def test_moved_to_another_clock() -> None:
    moved = read_captions(VTT.encode(), find_ffmpeg(), shift=120.5)
    assert "02:01.500 --> 02:03.000\nOrdföranden öppnar." in moved


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (SRT.encode("utf-16"), "UTF-8"),
        (b"", "ingen textning"),
        (b"WEBVTT\n\n", "ingen textning"),
        (b"%PDF-1.7 --> nothing", "ingen textning"),
    ],
)
def test_what_is_none_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(MediaError, match=words):
        read_captions(content, find_ffmpeg())
