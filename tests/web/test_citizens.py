"""The citizens' pages, without a browser: what is said at each stage, in both languages, and what is never said."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from schedules.models import Observation
from schedules.states import Audience, MeetingState, Phase, VideoState
from tests.web.conftest import NOW, Town

STAGES = {
    "planned": (
        "Planerat",
        "Sammanträdet är planerat till torsdag 29 oktober 2026 klockan 18.30. Det sänds här.",
    ),
    "soon": ("Börjar snart", "Sammanträdet är planerat att börja klockan 18.40."),
    "late": ("Planerat", "skulle enligt planen börja klockan 18.00. Sändningen har inte börjat ännu."),
    "live": ("Direktsänds nu", "började klockan 18.02 och sänds direkt."),
    "adjourned": ("Ajournerat", "Sammanträdet är ajournerat sedan klockan 18.20."),
    "closed": (
        "Stängda dörrar",
        "Sammanträdet hålls just nu bakom stängda dörrar, och den delen visas inte.",
    ),
    "interrupted": ("Avbrott", "Sändningen är avbruten av ett tekniskt fel."),
    "ended": ("Avslutat", "Sammanträdet avslutades klockan 17.30. Inspelningen bearbetas"),
    "review": ("Avslutat", "Sammanträdet avslutades klockan 17.30. Inspelningen förbereds."),
    "delayed": ("Avslutat", "Inspelningen är försenad."),
    "published": ("Inspelning", "Inspelning av sammanträdet onsdag 28 oktober 2026."),
    "withdrawn": ("Tillbakadragen", "Inspelningen har dragits tillbaka. Skäl: En uppgift om en enskild."),
    "unrecorded": ("Avslutat", "Sammanträdet avslutades klockan 17.30."),
    "cancelled": ("Inställt", "Sammanträdet är inställt. Skäl: Ordföranden är sjuk."),
    "missed": ("Sändes inte", "Sammanträdet sändes inte under den planerade tiden."),
}


def make(town: Town, stage: str) -> int:
    """A meeting at the stage named."""
    if stage == "planned":
        return town.meeting(planned_start=NOW + timedelta(days=1))
    if stage == "soon":
        return town.meeting(
            planned_start=NOW + timedelta(minutes=10), state=MeetingState.PREPARING, on_air_at=NOW
        )
    if stage == "late":
        return town.meeting()
    if stage == "cancelled":
        return town.meeting(state=MeetingState.CANCELLED, cancel_reason="Ordföranden är sjuk")
    if stage == "missed":
        return town.meeting(planned_start=NOW - timedelta(hours=5), state=MeetingState.MISSED)
    if stage in {"live", "adjourned", "closed", "interrupted"}:
        phases = {"adjourned": Phase.ADJOURNED, "closed": Phase.CLOSED}
        meeting = town.live(phase=phases.get(stage, Phase.OPEN))
        town.heartbeat(meeting, NOW - timedelta(seconds=40 if stage == "interrupted" else 1))
        if stage == "adjourned":
            seen = Observation(
                meeting_id=meeting,
                at=NOW - timedelta(minutes=10),
                kind="program_changed",
                detail={"slate": "adjourned"},
            )
            with town.database.session() as session:
                session.add(seen)
        return meeting
    meeting = town.over()
    states = {
        "ended": VideoState.PROCESSING,
        "review": VideoState.REVIEW,
        "delayed": VideoState.FAILED,
        "withdrawn": VideoState.WITHDRAWN,
    }
    town.film(
        meeting_id=meeting,
        state=states.get(stage, VideoState.PUBLISHED),
        audience=Audience.STAFF if stage == "unrecorded" else Audience.PUBLIC,
        withdraw_reason="En uppgift om en enskild." if stage == "withdrawn" else "",
    )
    return meeting


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_is_said_as_it_was_observed(client: FlaskClient, town: Town, stage: str) -> None:
    label, sentence = STAGES[stage]
    meeting = make(town, stage)
    answer = client.get(f"/sammantraden/{meeting}")
    assert answer.status_code == 200
    state = re.search(r'id="state".*?</div>', answer.text, re.DOTALL)
    assert state is not None
    assert label in state[0]
    assert sentence in state[0]
    assert ("<video" in answer.text) == (stage == "published")
    assert answer.text.count("<h1") == 1
    told = client.get(f"/sammantraden/{meeting}/status.json").get_json()
    assert sentence in told["sentence"]


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_is_said_in_english_too(client: FlaskClient, town: Town, stage: str) -> None:
    meeting = make(town, stage)
    page = client.get(f"/en/sammantraden/{meeting}").text
    assert '<html lang="en">' in page
    assert f'href="/sammantraden/{meeting}" lang="sv"' in page
    assert not re.search(r"Sammanträdet|Ärenden|Inspelning", page)


def test_the_start_page_calls_to_what_is_live(client: FlaskClient, town: Town) -> None:
    live = make(town, "live")
    ended = make(town, "review")
    coming = make(town, "planned")
    page = client.get("/").text
    assert page.index("Pågår nu") < page.index("Kommande sammanträden") < page.index("På väg till arkivet")
    assert re.search(rf'class="button" href="/sammantraden/{live}">Se direkt', page)
    assert f'href="/sammantraden/{coming}"' in page
    assert f'href="/sammantraden/{ended}"' in page
    assert "Det finns inga inspelningar ännu." in page


def test_the_start_page_leads_to_the_newest_recordings(client: FlaskClient, town: Town) -> None:
    meeting = make(town, "published")
    film = town.film(title="Vintervägar", recorded_at=NOW)
    for state in (VideoState.PROCESSING, VideoState.REVIEW, VideoState.WITHDRAWN, VideoState.FAILED):
        town.film(title="Osedd", state=state)
    town.film(title="Osedd", audience=Audience.STAFF)
    page = client.get("/").text
    assert page.index(f'href="/film/{film.id}"') < page.index(f'href="/sammantraden/{meeting}"')
    assert "Osedd" not in page
    assert "Pågår nu" not in page


def test_what_is_not_for_the_public_is_not_found(client: FlaskClient, town: Town) -> None:
    meeting = town.live(audience=Audience.STAFF)
    staff_film = town.film(audience=Audience.STAFF)
    waiting = town.film(state=VideoState.REVIEW)
    for address in (
        f"/sammantraden/{meeting}",
        f"/sammantraden/{meeting}/status.json",
        f"/film/{staff_film.id}",
        f"/film/{waiting.id}",
        "/sammantraden/999",
        "/film/999",
    ):
        assert client.get(address).status_code == 404, address
    assert "Kommunfullmäktige" not in client.get("/").text


def test_a_withdrawn_film_says_why(client: FlaskClient, town: Town) -> None:
    film = town.film(state=VideoState.WITHDRAWN, withdraw_reason="Musiken fick inte användas.")
    answer = client.get(f"/film/{film.id}")
    assert answer.status_code == 410
    assert "Filmen har dragits tillbaka." in answer.text
    assert "Skäl: Musiken fick inte användas." in answer.text


def test_the_film_of_a_meeting_is_on_the_page_of_the_meeting(client: FlaskClient, town: Town) -> None:
    meeting = town.over()
    film = town.film(meeting_id=meeting)
    answer = client.get(f"/en/film/{film.id}")
    assert (answer.status_code, answer.location) == (301, f"/en/sammantraden/{meeting}")


def published(town: Town) -> int:
    """A meeting with a film of 200 s, an agenda of three of which two were marked, and a chapter that is no item."""
    meeting = town.over(agenda=("Upprop", "Ej behandlat", "Budget <2027>"))
    town.mark(meeting, 1, NOW - timedelta(hours=3))
    town.mark(meeting, 3, NOW - timedelta(hours=2))
    chapters = [
        {"start": 0.0, "title": "Upprop"},
        {"start": 60.5, "title": "Paus"},
        {"start": 120.0, "title": "Budget <2027>"},
    ]
    town.film(meeting_id=meeting, duration=200.0, chapters=chapters)
    return meeting


def test_agenda_links_work_without_scripts(client: FlaskClient, town: Town) -> None:
    meeting = published(town)
    page = client.get(f"/sammantraden/{meeting}").text
    links = re.findall(r'href="(\?t=[^"]+)" data-t', page)
    assert links == ["?t=0#player", "?t=60.5#player", "?t=120#player"]
    assert page.index("Ej behandlat") < page.index("Paus") < page.index("Budget &lt;2027&gt;")
    assert re.search(r'src="/media/\w+/video.mp4"', page)
    jumped = client.get(f"/sammantraden/{meeting}?t=120").text
    assert re.search(r'src="/media/\w+/video.mp4#t=120.0"', jumped)


@pytest.mark.parametrize("wrong", ["", "abc", "-1", "nan", "inf", "201", "1e400", '1"><script>'])
def test_a_time_that_is_none_is_passed_over(client: FlaskClient, town: Town, wrong: str) -> None:
    meeting = published(town)
    answer = client.get(f"/sammantraden/{meeting}", query_string={"t": wrong})
    assert answer.status_code == 200
    assert "#t=" not in answer.text
    assert "<script>" not in answer.text


def test_marked_items_show_when_they_were_seen_to_begin(client: FlaskClient, town: Town) -> None:
    meeting = town.live(agenda=("Upprop", "Budget", "Val"))
    town.mark(meeting, 1, NOW - timedelta(minutes=28))
    town.mark(meeting, 2, NOW - timedelta(minutes=5))
    page = client.get(f"/sammantraden/{meeting}").text
    items = re.findall(r"<li( class=\"current\" aria-current=\"true\")?>(.*?)</li>", page, re.DOTALL)
    assert [bool(current) for current, _ in items] == [False, True, False]
    assert "18.02" in items[0][1]
    assert "18.25" in items[1][1]
    assert "<time" not in items[2][1]


def test_the_live_player_is_there_when_there_is_a_stream(client: FlaskClient, town: Town) -> None:
    meeting = town.live()
    assert "<video" not in client.get(f"/sammantraden/{meeting}").text
    before = client.get(f"/sammantraden/{meeting}/status.json").get_json()["version"]
    folder = town.settings.live_folder(meeting)
    folder.mkdir(parents=True)
    (folder / "index.m3u8").write_text("#EXTM3U\n")
    page = client.get(f"/sammantraden/{meeting}").text
    assert f'data-live="/live/{meeting}/index.m3u8"' in page
    assert f'<a href="/live/{meeting}/index.m3u8">' in page.split("<noscript>")[1]
    assert 'http-equiv="refresh"' not in page
    assert client.get(f"/sammantraden/{meeting}/status.json").get_json()["version"] != before


def test_an_open_page_is_answered_in_few_bytes(client: FlaskClient, town: Town) -> None:
    meeting = town.live()
    first = client.get(f"/sammantraden/{meeting}/status.json")
    assert first.headers["Cache-Control"] == "public, max-age=2"
    assert len(first.data) < 400
    again = client.get(
        f"/sammantraden/{meeting}/status.json", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")
    town.change(meeting, phase=Phase.ADJOURNED)
    moved = client.get(
        f"/sammantraden/{meeting}/status.json", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert moved.status_code == 200
    assert moved.get_json()["stage"] == "adjourned"


def test_a_page_is_asked_about_every_time_and_seldom_sent_twice(client: FlaskClient, town: Town) -> None:
    make(town, "planned")
    first = client.get("/")
    assert first.headers["Cache-Control"] == "public, no-cache"
    again = client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("address", ["/", "/en/", "/sammantraden/1", "/film/9", "/status", "/nowhere"])
def test_no_page_sets_a_cookie_and_all_are_protected(client: FlaskClient, town: Town, address: str) -> None:
    town.live()
    answer = client.get(address)
    assert "Set-Cookie" not in answer.headers
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", answer.text)


def test_captions_are_offered_in_their_languages(client: FlaskClient, town: Town) -> None:
    film = town.film()
    assert 'kind="captions"' not in client.get(f"/film/{film.id}").text
    folder = town.settings.archive_folder(film.key)
    folder.mkdir(parents=True, exist_ok=True)
    for language in ("sv", "se-FI"):
        (folder / f"captions.{language}.vtt").write_text("WEBVTT\n", encoding="utf-8")
    page = client.get(f"/film/{film.id}").text
    tracks = re.findall(r'<track kind="captions" srclang="([^"]+)" label="([^"]+)" src="([^"]+)"', page)
    assert [(code, name) for code, name, _ in tracks] == [
        ("se-FI", "nordsamiska (Finland)"),
        ("sv", "svenska"),
    ]
    answer = client.get(tracks[1][2])
    assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/vtt", "WEBVTT\n")
    assert client.get(tracks[1][2].replace("sv.vtt", "fi.vtt")).status_code == 404
