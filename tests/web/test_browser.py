"""The pages in a real Chromium: a film plays and jumps, a live meeting plays and is followed from slate to archive."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from schedules.states import MeetingState, Phase, VideoState
from tests.web.conftest import ROOT, Site, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

PLAYS = """async () => {
  // Watches the player for a while: how far it got, how many different pictures, how loud.
  const video = document.querySelector('video');
  const sound = new AudioContext();
  const meter = sound.createAnalyser();
  sound.createMediaElementSource(video).connect(meter);
  meter.connect(sound.destination);
  await sound.resume();
  await video.play();
  const canvas = document.createElement('canvas');
  canvas.width = 64; canvas.height = 36;
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const pictures = new Set();
  const samples = new Float32Array(2048);
  let loudest = 0;
  const begun = video.currentTime;
  const end = performance.now() + 20000;
  while (performance.now() < end && (video.currentTime - begun < 1 || pictures.size < 5 || loudest < 0.01)) {
    await new Promise((done) => setTimeout(done, 100));
    pen.drawImage(video, 0, 0, 64, 36);
    pictures.add(pen.getImageData(0, 0, 64, 36).data.join());
    meter.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length));
  }
  return {moved: video.currentTime - begun, pictures: pictures.size, loudness: loudest, source: video.currentSrc};
}"""


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A tab that fails the test on a console error, an exception in a script or a request to another host."""
    page = browser.new_page(viewport={"width": 1024, "height": 800}, locale="sv-SE")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            complaints.append(request.url)
            if not request.url.startswith((site.address + "/", "blob:", "data:"))
            else None
        ),
    )
    page.set_default_timeout(15_000)
    yield page
    page.close()
    assert complaints == []


def published(site: Site, film: Path) -> int:
    """A meeting with a film of 20 s and three items."""
    meeting = site.town.over(agenda=("Upprop", "Budget", "Val"))
    chapters = [
        {"start": 0.0, "title": "Upprop"},
        {"start": 5.0, "title": "Budget"},
        {"start": 12.0, "title": "Val"},
    ]
    site.town.film(film, meeting_id=meeting, chapters=chapters)
    return meeting


def assert_plays(seen: dict[str, Any]) -> None:
    assert seen["moved"] >= 1, seen
    assert seen["pictures"] >= 5, seen
    assert seen["loudness"] >= 0.01, seen


def test_a_film_plays_and_the_agenda_jumps_in_place(page: Page, site: Site, short_film: Path) -> None:
    page.goto(f"{site.address}/sammantraden/{published(site, short_film)}")
    assert_plays(page.evaluate(PLAYS))
    page.evaluate("document.querySelector('video').pause(); window.same = true")
    page.get_by_role("link", name="Val").click()
    page.wait_for_function("document.querySelector('video').currentTime >= 12")
    assert page.evaluate("document.querySelector('video').currentTime") < 14
    page.wait_for_function("document.querySelector('a[aria-current]')?.textContent.includes('Val')")
    assert page.evaluate("window.same && location.search") == "?t=12"
    assert page.evaluate("document.activeElement.dataset.t") == "12.0"


def test_a_jump_lands_without_scripts(browser: Browser, site: Site, short_film: Path) -> None:
    meeting = published(site, short_film)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.address}/sammantraden/{meeting}")
    page.get_by_role("link", name="Budget").click()
    assert page.url.endswith(f"/sammantraden/{meeting}?t=5#player")
    # Playwright can still look in, though the page itself may run nothing.
    wait_for(lambda: page.evaluate("document.querySelector('video').currentTime") == 5, 10)
    assert page.evaluate("document.querySelector('video').error") is None
    context.close()


@pytest.fixture
def camera(site: Site) -> Iterator[Any]:
    """Starts ffmpeg writing HLS into a meeting's live folder, in real time, as the live process does."""
    running: list[subprocess.Popen[bytes]] = []

    def start(meeting: int) -> subprocess.Popen[bytes]:
        folder = site.town.settings.live_folder(meeting)
        folder.mkdir(parents=True)
        running.append(
            subprocess.Popen(
                ["ffmpeg", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25",
                 "-re", "-f", "lavfi", "-i", "sine=frequency=440", "-c:v", "libx264", "-preset", "ultrafast",
                 "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2", "-f", "hls", "-hls_time", "1",
                 "-hls_list_size", "20",
                 "-hls_flags", "temp_file+independent_segments", "-hls_segment_filename", str(folder / "%06d.ts"),
                 str(folder / "index.m3u8")],
            )
        )  # fmt: skip
        return running[-1]

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


def test_a_meeting_is_followed_from_the_slate_to_the_archive(
    page: Page, site: Site, short_film: Path, camera: Any
) -> None:
    town = site.town
    now = datetime.now(UTC)
    meeting = town.meeting(
        planned_start=now + timedelta(minutes=1), state=MeetingState.PREPARING, agenda=("Upprop", "Budget")
    )
    page.goto(f"{site.address}/sammantraden/{meeting}")
    page.evaluate("window.same = true; document.querySelector('.language').focus()")
    assert "Sändningen börjar snart." in page.locator("#state").inner_text()
    assert page.locator("video").count() == 0

    process = camera(meeting)
    town.change(meeting, state=MeetingState.LIVE, phase=Phase.OPEN, began_at=now)
    page.locator("#state .badge", has_text="Direktsänds nu").wait_for()
    assert "sänds direkt" in page.locator("#announcement").inner_text()
    page.wait_for_selector("video[data-live]")
    seen = page.evaluate(PLAYS)
    assert_plays(seen)
    assert seen["source"].startswith("blob:")  # hls.js, not the browser

    town.mark(meeting, 2, datetime.now(UTC))
    page.locator("#agenda .current", has_text="Budget").wait_for()
    town.change(meeting, phase=Phase.ADJOURNED)
    page.locator("#state .badge", has_text="Ajournerat").wait_for()
    assert page.evaluate("document.querySelector('video').paused") is False  # the player was let alone

    process.terminate()  # ffmpeg closes the playlist: the picture runs out, then the player goes
    process.wait(10)
    town.change(meeting, state=MeetingState.ENDED, phase=Phase.OVER, ended_at=datetime.now(UTC))
    page.locator("#state .sentence", has_text="Inspelningen bearbetas").wait_for()
    page.wait_for_selector("video", state="detached", timeout=25_000)

    chapters = [{"start": 0.0, "title": "Upprop"}, {"start": 12.0, "title": "Budget"}]
    town.film(short_film, meeting_id=meeting, chapters=chapters)
    page.wait_for_selector("video[data-film]")
    page.get_by_role("link", name="Budget").click()
    page.wait_for_function("document.querySelector('video').currentTime >= 12")
    assert page.evaluate("window.same") is True  # never reloaded
    assert page.evaluate("document.querySelector('a[data-t=\"12.0\"]') === document.activeElement")


def test_the_focus_stays_where_it_was(page: Page, site: Site) -> None:
    meeting = site.town.live()
    page.goto(f"{site.address}/sammantraden/{meeting}")
    page.evaluate("document.querySelector('.language').focus()")
    site.town.change(meeting, phase=Phase.CLOSED)
    page.locator("#state .badge", has_text="Stängda dörrar").wait_for()
    assert page.evaluate("document.activeElement.className") == "language"


PAGES = (
    "start",
    "soon",
    "live",
    "closed",
    "review",
    "published",
    "withdrawn",
    "cancelled",
    "film",
    "missing",
)


@pytest.fixture(scope="module")
def addresses(site: Site, short_film: Path) -> dict[str, str]:
    """A page of each kind, with words long enough to be in the way."""
    town = site.town
    long = "Anmälningsärenden, interpellationer, kommunfullmäktigesammanträdesplaneringsförutsättningar och motioner"
    live = town.live(agenda=("Upprop", long))
    town.mark(live, 2, town.now)
    folder = town.settings.live_folder(live)
    folder.mkdir(parents=True)
    (folder / "index.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n")
    review, withdrawn = town.over(), town.over()
    town.film(meeting_id=review, state=VideoState.REVIEW)
    town.film(meeting_id=withdrawn, state=VideoState.WITHDRAWN, withdraw_reason="Personuppgifter " * 8)
    soon = town.meeting(planned_start=town.now + timedelta(minutes=9), state=MeetingState.PREPARING)
    cancelled = town.meeting(
        planned_start=town.now + timedelta(days=2), state=MeetingState.CANCELLED, cancel_reason=long
    )
    film = town.film(
        short_film, title=long, description="Så gör du.\n" * 4, chapters=[{"start": 0.0, "title": long}]
    )
    meetings = {
        "soon": soon,
        "live": live,
        "closed": town.live(phase=Phase.CLOSED),
        "review": review,
        "published": published(site, short_film),
        "withdrawn": withdrawn,
        "cancelled": cancelled,
    }
    return {
        "start": "/",
        "film": f"/film/{film.id}",
        "missing": "/finns-inte",
        **{name: f"/sammantraden/{meeting}" for name, meeting in meetings.items()},
    }


AXE_RUNS = """async () => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const seen = await axe.run({runOnly: {type: 'tag', values: tags}});
  return seen.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`);
}"""
SMALL = """() => [...document.querySelectorAll('a.button, a.jump, a.language, a.name, h3 a')]
  .filter((a) => a.getBoundingClientRect().height < 24).map((a) => a.textContent)"""


def visit(browser: Browser, address: str, width: int, scheme: Any) -> Page:
    """The page with axe in it (which the content security policy would forbid)."""
    if not AXE.is_file():
        pytest.skip("axe-core is not fetched: make setup")
    page = browser.new_context(
        viewport={"width": width, "height": 640}, color_scheme=scheme, bypass_csp=True
    ).new_page()
    page.goto(address)
    page.add_script_tag(path=AXE)
    return page


@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_a_small_telephone_and_passes_axe(
    browser: Browser, site: Site, addresses: dict[str, str], name: str
) -> None:
    page = visit(browser, site.address + addresses[name], 320, "light")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.locator("h1").count() == 1
    assert page.evaluate(SMALL) == []  # WCAG 2.2, 2.5.8: what is pressed is at least 24 px
    assert page.evaluate(AXE_RUNS) == []
    page.context.close()


@pytest.mark.parametrize("name", ["start", "live", "published", "cancelled"])
def test_pages_in_the_dark_pass_axe(
    browser: Browser, site: Site, addresses: dict[str, str], name: str
) -> None:
    page = visit(browser, site.address + addresses[name], 1024, "dark")
    assert page.evaluate(AXE_RUNS) == []
    page.context.close()


def test_the_keyboard_gets_past_the_top(page: Page, site: Site) -> None:
    page.goto(site.address + "/")
    page.keyboard.press("Tab")
    link = page.locator(":focus")
    assert link.inner_text() == "Hoppa till innehållet"
    box = link.bounding_box()
    assert box is not None
    assert box["y"] >= 0  # seen when it has the focus
    page.keyboard.press("Enter")
    time.sleep(0.1)
    assert page.evaluate("document.activeElement.id") == "content"
