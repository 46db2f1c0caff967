"""Titles and descriptions elsewhere: filled in, and refused when they are saved rather than when they are needed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schedules.database import Database
from schedules.errors import CalendarError
from schedules.queries import add_meeting, edit_meeting
from schedules.settings import AccountSettings, BodySettings, ChannelSettings, Settings, YouTubeWording
from schedules.templates import check_template
from schedules.wording import planned_wording

START = datetime(2026, 9, 30, 16, 0, tzinfo=UTC)


@pytest.fixture
def town(settings: Settings) -> Settings:
    """Its council goes to YouTube."""
    channel = ChannelSettings(kind="youtube", name="YouTube", account="kommunen")
    body = BodySettings(name="Kommunfullmäktige", source="test", also=("youtube",))
    return settings.model_copy(
        update={
            "accounts": {"kommunen": AccountSettings(kind="youtube", name="Kommunen")},
            "channels": {**settings.channels, "youtube": channel},
            "bodies": {"kf": body},
        }
    )


def with_templates(settings: Settings, **templates: str) -> Settings:
    wording = YouTubeWording(**templates)  # type: ignore[arg-type]
    body = settings.bodies["kf"].model_copy(update={"youtube": wording})
    return settings.model_copy(update={"bodies": {"kf": body}})


@pytest.mark.parametrize(
    ("title", "filled"),
    [
        ("{{ title }} {{ date }}", "Budget 30 september 2026"),
        ("{{ body }} kl. {{ time }}", "Kommunfullmäktige kl. 18.00"),
        ("{{ municipality }}: {{ title }}\n", "Provköping: Budget"),
        ("{{ agenda | join(', ') }}", "Upprop, Val"),
    ],
)
def test_filled_in(town: Settings, title: str, filled: str) -> None:
    made = planned_wording(
        with_templates(town, title=title), body="kf", title="Budget", start=START, agenda=["Upprop", "Val"]
    )
    assert made.title == filled


@pytest.mark.parametrize(
    ("template", "part", "words"),
    [
        ("{{ titel }}", "title", "kan använda title, description"),
        ("{{ title", "title", "går inte att fylla i"),
        ("{{ title.__class__.__mro__ }}", "title", "går inte att fylla i"),
        ("<b>{{ title }}</b>", "title", "< eller >"),
        ("x" * 101, "title", "101 tecken"),
        ("", "title", "tom"),
        ("å" * 2501, "description", "5002 byte"),
    ],
)
def test_refused_when_saved(template: str, part: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_template(template, part)


def test_a_title_that_is_too_long_there_is_refused_in_the_calendar(
    town: Settings, sqlite_database: Database
) -> None:
    now = datetime(2026, 9, 1, tzinfo=UTC)
    with sqlite_database.session() as session:
        with pytest.raises(CalendarError, match="YouTube tar högst 100: korta den"):
            add_meeting(session, town, body="kf", title="B" * 99, start=START, now=now, who="eva")
        meeting = add_meeting(session, town, body="kf", title="Budget", start=START, now=now, who="eva")
        with pytest.raises(CalendarError, match="< eller >"):
            edit_meeting(session, town, meeting.id, title="Budget <2027>", now=now, who="eva")
        assert edit_meeting(session, town, meeting.id, also=(), title="B" * 99, now=now, who="eva").also == []
