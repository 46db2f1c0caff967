"""Local time and UTC, on ordinary days and on both nights when the clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.errors import CalendarError
from schedules.times import parse_local, show_local, show_span

STOCKHOLM = ZoneInfo("Europe/Stockholm")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-10-28 18:00", datetime(2026, 10, 28, 17, tzinfo=UTC)),
        ("2026-10-28T18:00", datetime(2026, 10, 28, 17, tzinfo=UTC)),
        (" 2026-07-01 18.00 ", datetime(2026, 7, 1, 16, tzinfo=UTC)),
        ("2026-03-29 01:59", datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        ("2026-03-29 03:00", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("2026-10-25 01:59", datetime(2026, 10, 24, 23, 59, tzinfo=UTC)),
        ("2026-10-25 03:00", datetime(2026, 10, 25, 2, tzinfo=UTC)),
    ],
)
def test_a_local_time_is_one_instant_and_back(text: str, instant: datetime) -> None:
    assert parse_local(text, STOCKHOLM) == instant
    assert parse_local(text, STOCKHOLM).utcoffset() == timedelta(0)
    assert show_local(instant, STOCKHOLM) == text.strip().replace("T", " ").replace("18.00", "18:00")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-03-29 02:00", "finns inte"),
        ("2026-03-29 02:30", "finns inte"),
        ("2026-03-29 02:59", "finns inte"),
        ("2026-10-25 02:00", "inträffar två gånger"),
        ("2026-10-25 02:30", "inträffar två gånger"),
        ("2026-10-25 02:59", "inträffar två gånger"),
    ],
)
def test_the_hour_that_is_skipped_or_comes_twice_is_refused_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(CalendarError, match=words) as refusal:
        parse_local(text, STOCKHOLM)
    assert str(refusal.value).endswith("Ange en tid före 02:00 eller från 03:00.")


@pytest.mark.parametrize(
    "text",
    ["", "i morgon", "2026-13-01 18:00", "2026-02-30 18:00", "2026-10-28", "18:00", "2026-10-28 24:00"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(CalendarError, match="skriv den som 2026-10-28 18:00"):
        parse_local(text, STOCKHOLM)


def test_the_two_hours_of_the_autumn_night_are_told_apart() -> None:
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert show_local(first, STOCKHOLM) == "2026-10-25 02:30 CEST"
    assert show_local(second, STOCKHOLM) == "2026-10-25 02:30 CET"


def test_a_span_names_the_day_of_the_end_only_when_it_is_another() -> None:
    start = datetime(2026, 10, 28, 17, tzinfo=UTC)
    assert show_span(start, start + timedelta(hours=3), STOCKHOLM) == "ons 2026-10-28 18:00–21:00"
    assert show_span(start, start + timedelta(hours=8), STOCKHOLM) == "ons 2026-10-28 18:00–2026-10-29 02:00"
