"""No word of the pages lacks its Swedish, and no Swedish word is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

import web
from schedules.database import Database
from schedules.settings import Settings, Site
from web import create_app

WEB = Path(web.__file__).parent
PLACE = re.compile(r"%\(\w+\)s")


def words() -> set[str]:
    """Every word the pages ask for."""
    found = extract_from_dir(WEB, [("**.py", "python"), ("templates/**.html", "jinja2")])
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def test_every_word_has_its_swedish() -> None:
    with (WEB / "translations/sv/LC_MESSAGES/messages.po").open("rb") as po:
        catalogue = read_po(po, locale="sv")
    swedish = {str(m.id): str(m.string) for m in catalogue if m.id and not m.fuzzy}
    assert len(words()) > 50
    assert words() - {word for word, translation in swedish.items() if translation} == set()
    assert set(swedish) - words() == set()
    for word, translation in swedish.items():
        assert sorted(PLACE.findall(word)) == sorted(PLACE.findall(translation)), word


@pytest.mark.parametrize(("address", "other"), [("/", "/en/"), ("/en/", "/"), ("/film/9", "/en/film/9")])
def test_every_page_leads_to_itself_in_the_other_language(
    client: FlaskClient, address: str, other: str
) -> None:
    assert f'<a class="language" href="{other}"' in client.get(address).text


def test_a_house_in_english_has_swedish_beside_it(settings: Settings, sqlite_database: Database) -> None:
    english = settings.model_copy(update={"site": Site(language="en")})
    client = create_app(english, sqlite_database).test_client()
    assert '<h2 id="next">Next meetings</h2>' in client.get("/").text
    assert '<h2 id="next">Kommande sammanträden</h2>' in client.get("/sv/").text


def test_a_path_that_only_begins_like_a_language_is_not_one(client: FlaskClient) -> None:
    assert '<html lang="sv">' in client.get("/energi").text
