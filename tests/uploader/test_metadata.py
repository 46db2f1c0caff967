"""Titles, descriptions and chapters within YouTube's limits."""

from __future__ import annotations

import unicodedata

import pytest

from uploader.metadata import (
    DESCRIPTION_BYTES,
    MetadataError,
    chapter_lines,
    check_description,
    check_title,
    compose,
    is_marked,
    tidy_title,
)
from uploader.package import Chapter


def _chapters(*starts: float) -> list[Chapter]:
    return [Chapter(start=start, title=f"§ {n}") for n, start in enumerate(starts, 1)]


@pytest.mark.parametrize(
    ("starts", "duration", "lines"),
    [
        ([0, 15, 40], 60, ["00:00 § 1", "00:15 § 2", "00:40 § 3"]),
        ([4.9, 15, 40], 60, ["00:00 § 1", "00:15 § 2", "00:40 § 3"]),
        ([30, 60, 90], 200, ["00:00 Inledning", "00:30 § 1", "01:00 § 2", "01:30 § 3"]),
        ([0, 12, 15, 40], 60, ["00:00 § 1", "00:12 § 2 · § 3", "00:40 § 4"]),
        ([0, 9.9, 20, 40], 60, ["00:00 § 1 · § 2", "00:20 § 3", "00:40 § 4"]),
        ([0, 20, 40, 55], 60, ["00:00 § 1", "00:20 § 2", "00:40 § 3 · § 4"]),
        ([0, 20.999, 30.001, 45], 60, ["00:00 § 1", "00:20 § 2", "00:30 § 3", "00:45 § 4"]),
        ([40, 0, 15], 60, ["00:00 § 2", "00:15 § 3", "00:40 § 1"]),
        ([0, 600, 3599, 3661, 36_000], 40_000, [
            "00:00 § 1", "10:00 § 2", "59:59 § 3", "1:01:01 § 4", "10:00:00 § 5"]),
        ([0, 20], 60, []),
        ([0, 3, 6, 9], 60, []),
        ([], 60, []),
    ],
)  # fmt: skip
def test_chapters_keep_to_the_rules(starts: list[float], duration: float, lines: list[str]) -> None:
    assert chapter_lines(_chapters(*starts), duration) == lines


def test_a_chapter_is_one_line_without_angle_brackets() -> None:
    chapters = [Chapter(start=10 * n, title="a <b>\n c" + "x" * 200) for n in range(3)]
    assert chapter_lines(chapters, 60)[1] == "00:10 a ‹b› c" + "x" * 200


def test_a_description_ends_in_its_marker() -> None:
    composed = compose("  Text med å.\n", _chapters(0, 15, 40), 60, "abc-1")
    assert composed.text == "Text med å.\n\n00:00 § 1\n00:15 § 2\n00:40 § 3\n\nLäktare-ref: abc-1"
    assert not composed.chapters_left_out
    assert is_marked(composed.text + "\n", "abc-1")
    assert not is_marked(composed.text, "abc-11")
    assert not is_marked(composed.text, "bc-1")
    assert not is_marked(composed.text + "\nOch mera.", "abc-1")
    assert not is_marked("", "abc-1")


def test_no_text_and_no_chapters_leave_the_marker() -> None:
    assert compose("", [], 60, "abc-1").text == "Läktare-ref: abc-1"


def test_letters_are_composed() -> None:
    text = unicodedata.normalize("NFD", "Ägare på ön")
    assert compose(text, [], 60, "m").text == "Ägare på ön\n\nLäktare-ref: m"


@pytest.mark.parametrize("room", [0, 1])
def test_chapters_that_do_not_fit_are_left_out_whole(room: int) -> None:
    chapters = _chapters(0, 15, 40)
    rest = len(compose("", chapters, 60, "m").text.encode()) + len("\n\n")
    composed = compose("x" * (DESCRIPTION_BYTES - rest + room), chapters, 60, "m")
    assert composed.chapters_left_out is bool(room)
    assert ("00:15" in composed.text) is not bool(room)
    assert len(composed.text.encode()) <= DESCRIPTION_BYTES
    assert is_marked(composed.text, "m")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("å" * 2500, r"beskrivningen blir 50\d\d byte"),
        ("a > b", "innehåller < eller >"),
    ],
)
def test_a_text_of_a_person_is_refused_and_never_cut(text: str, sentence: str) -> None:
    with pytest.raises(MetadataError, match=sentence):
        compose(text, [], 60, "m")
    with pytest.raises(MetadataError):
        check_description(text + "x")


@pytest.mark.parametrize(
    ("title", "sentence"), [(" ", "tom"), ("å" * 101, "101 tecken"), ("<b>", "< eller >")]
)
def test_titles_that_youtube_refuses(title: str, sentence: str) -> None:
    with pytest.raises(MetadataError, match=sentence):
        check_title(title)


def test_a_title_of_a_hundred_letters_is_taken() -> None:
    check_title("å" * 100)
    assert tidy_title(unicodedata.normalize("NFD", " " + "å" * 100)) == "å" * 100
