"""The end follows the meeting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from schedules.ending import reason_to_end
from schedules.settings import Live
from schedules.states import Phase

END = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
LIVE = Live(silence_ends_minutes=10, extend_limit_minutes=180)


@pytest.mark.parametrize(
    ("minutes", "phase", "silent_for", "expected"),
    [
        (-1, Phase.OPEN, 59, None),  # a silent vote before the planned end ends nothing
        (0, Phase.OPEN, 9.9, None),
        (0, Phase.OPEN, 10, "silence"),  # the room went home early
        (45, Phase.OPEN, 0, None),  # they still speak
        (45, Phase.OPEN, 10, "silence"),
        (45, Phase.ADJOURNED, 45, None),  # a pause is no silence
        (45, Phase.CLOSED, 45, None),
        (45, Phase.WAITING, 45, None),
        (180, Phase.OPEN, 0, "limit"),
        (180, Phase.CLOSED, 0, "limit"),  # forgotten
    ],
)
def test_why_a_meeting_ends(minutes: float, phase: Phase, silent_for: float, expected: str | None) -> None:
    now = END + timedelta(minutes=minutes)
    spoke = now - timedelta(minutes=silent_for)
    assert reason_to_end(planned_end=END, now=now, phase=phase, last_speech=spoke, live=LIVE) == expected


def test_an_extended_meeting_ends_later() -> None:
    now = END + timedelta(minutes=20)
    spoke = now - timedelta(minutes=15)
    assert (
        reason_to_end(planned_end=END, now=now, phase=Phase.OPEN, last_speech=spoke, live=LIVE) == "silence"
    )
    later = END + timedelta(minutes=30)
    assert reason_to_end(planned_end=later, now=now, phase=Phase.OPEN, last_speech=spoke, live=LIVE) is None
