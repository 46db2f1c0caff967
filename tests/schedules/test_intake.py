"""What is taken in, what is refused and why; nothing is kept of what was refused."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from broadcast.errors import MediaError
from schedules.database import Database
from schedules.intake import Copied, Wish, take_in
from schedules.models import Video
from schedules.settings import BodySettings, ChannelSettings, Settings
from schedules.states import Audience
from schedules.videos import VideoRefused
from tests.standins.films import make_film

NOW = datetime(2026, 9, 30, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("films") / "Nämnden mars.mp4", seconds=2)


def take(settings: Settings, database: Database, file: Path, wish: Wish | None = None) -> Video:
    *copied, video = take_in(settings, database, file, wish or Wish(), who="eva", now=NOW)
    assert isinstance(video, Video)
    assert [type(step) for step in copied] == [Copied] * len(copied)
    return video


def test_a_copy_of_its_own(settings: Settings, sqlite_database: Database, film: Path) -> None:
    mine = film.with_name("edited later.mp4")
    mine.write_bytes(film.read_bytes())
    changed = datetime(2026, 3, 5, 9, tzinfo=UTC)
    os.utime(mine, (changed.timestamp(), changed.timestamp()))
    video = take(settings, sqlite_database, mine)
    with mine.open("r+b") as file:
        file.write(b"edited in place")
    assert video.original == (settings.data / "originals" / video.key / mine.name).absolute()
    assert video.original.read_bytes() == film.read_bytes()
    assert (video.title, video.recorded_at) == ("edited later", changed)
    assert [entry.name for entry in video.original.parent.iterdir()] == [mine.name]


def test_the_body_decides_what_is_not_said(settings: Settings, sqlite_database: Database, film: Path) -> None:
    staff = ChannelSettings(kind="local", name="Internt", audience=Audience.STAFF)
    body = BodySettings(name="Ledningen", source="test", channel="internal", audience=Audience.STAFF)
    settings = settings.model_copy(
        update={
            "channels": {**settings.channels, "internal": staff},
            "bodies": {**settings.bodies, "led": body},
        }
    )
    video = take(settings, sqlite_database, film, Wish(body="led"))
    assert (video.channel, video.audience, video.review) == ("internal", Audience.STAFF, True)
    assert take(settings, sqlite_database, film, Wish(body="kf")).review is False
    assert take(settings, sqlite_database, film).review is True  # nobody's film is not published unseen
    assert take(settings, sqlite_database, film, Wish(channel="internal")).audience is Audience.STAFF
    video = take(
        settings, sqlite_database, film, Wish(body="led", channel="archive", title=" Öppet ", review=False)
    )
    assert (video.channel, video.title, video.review) == ("archive", "Öppet", False)


def bad_files(folder: Path, film: Path) -> dict[str, Path]:
    whole = film.read_bytes()
    (folder / "tom.mp4").write_bytes(b"")
    (folder / "avhuggen.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "text.mp4").write_text("Detta är ett protokoll.\n" * 50)
    make_film(folder / "stum.mp4", seconds=1, sound=False)
    return {
        "tom": folder / "tom.mp4",
        "avhuggen": folder / "avhuggen.mp4",
        "ingen videofil": folder / "text.mp4",
        "inget ljud": folder / "stum.mp4",
        "finns inte": folder / "saknas.mp4",
    }


def test_each_bad_file_has_its_sentence_and_leaves_nothing(
    settings: Settings, sqlite_database: Database, film: Path, tmp_path: Path
) -> None:
    for words, file in bad_files(tmp_path, film).items():
        with pytest.raises(MediaError, match=words) as caught:
            take(settings, sqlite_database, file)
        assert str(caught.value).endswith(".")
    assert not (settings.data / "originals").exists()
    with sqlite_database.session() as session:
        assert session.scalars(select(Video)).all() == []


@pytest.mark.parametrize(
    ("wish", "words"),
    [(Wish(body="xx"), "Organet 'xx' .* där finns kf"), (Wish(channel="xx"), "där finns archive")],
)
def test_names_that_are_not_in_the_settings(
    settings: Settings, sqlite_database: Database, film: Path, wish: Wish, words: str
) -> None:
    with pytest.raises(VideoRefused, match=words):
        take(settings, sqlite_database, film, wish)


def test_interrupted_in_the_middle_leaves_nothing(
    settings: Settings, sqlite_database: Database, film: Path
) -> None:
    steps = take_in(settings, sqlite_database, film, Wish(), who="eva", now=NOW)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert list((settings.data / "originals").iterdir()) == []
    with sqlite_database.session() as session:
        assert session.scalars(select(Video)).all() == []
