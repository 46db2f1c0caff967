"""What every test may ask for: settings, a migrated database, a browser. And no test may be skipped in CI."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from schedules.database import Database, open_database
from schedules.settings import BodySettings, Picture, Settings, Site
from tests.house import House
from tests.standins.camera import Camera
from tests.standins.postgres import Postgres, find_programs, run_postgres

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
            "--autoplay-policy=no-user-gesture-required")  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A throw-away data folder; body "kf" on the test picture, small and quick, published without review."""
    return Settings(
        data=tmp_path / "data",
        site=Site(municipality="Provköping", port=0),
        picture=Picture(width=320, height=180, video_kbit=300, audio_kbit=64),
        bodies={"kf": BodySettings(name="Kommunfullmäktige", source="test", review="none", minutes=60)},
    )


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite file to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    database = open_database(f"sqlite:///{file}")
    database.migrate()
    database.close()  # the last connection folds the write-ahead log into the file
    return file


@pytest.fixture
def sqlite_database(settings: Settings, migrated_sqlite: Path) -> Iterator[Database]:
    """A migrated SQLite database at `settings.database_url`."""
    file = make_url(settings.database_url).database
    assert file is not None
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(migrated_sqlite, file)
    database = open_database(settings.database_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of our own, with a migrated database "migrated" to be copied."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL's programs (initdb, postgres) are not installed: apt-get install postgresql")
    with run_postgres(programs) as server:
        database = open_database(server.create("migrated"))
        database.migrate()
        database.close()
        yield server


@pytest.fixture(scope="session")
def new_postgres_url(postgres: Postgres) -> Callable[[str], str]:
    """Gives the URL of a new database, a copy of the named one ("migrated", or "template0" for an empty one)."""
    number = itertools.count(1)
    return lambda template: postgres.create(f"test{next(number)}", template)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database, once on SQLite (at `settings.database_url`) and once on PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_database")
        return
    database = open_database(request.getfixturevalue("new_postgres_url")("migrated"))
    yield database
    database.close()


@pytest.fixture
def database_settings(settings: Settings, database: Database) -> Settings:
    """`settings` that name the very database of the fixture `database`."""
    url = database.engine.url.render_as_string(hide_password=False)
    return settings.model_copy(update={"database": SecretStr(url)})


@pytest.fixture
def camera() -> Iterator[Camera]:
    """A camera that sends a real clip over SRT."""
    camera = Camera()
    camera.start()
    yield camera
    camera.close()


@pytest.fixture
def running_house(tmp_path: Path, camera: Camera) -> Iterator[House]:
    """`laktare run` with that camera in the hall, its pages open."""
    house = House(tmp_path, camera.address)
    house.start()
    house.until_open()
    yield house
    house.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; each test opens pages of its own by `browser.new_page()`.

    Closed at the end of its file: while Playwright's synchronous interface is open, asyncio fails in its thread.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        yield browser
        browser.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole evenings first: begun last, they would leave one of two processes idle for minutes."""
    items.sort(key=lambda item: item.path.parent != Path(__file__).parent)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where LAKTARE_NO_SKIP is set."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("LAKTARE_NO_SKIP"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{item.nodeid} must not be skipped here. {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips itself."""
    report = yield
    if report.skipped and os.environ.get("LAKTARE_NO_SKIP"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{collector.nodeid} must not be skipped here. {reason}"
    return report
