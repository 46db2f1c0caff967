"""The pages for what is missing or broken, and the door for monitors."""

from __future__ import annotations

import os
import time

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from schedules.database import open_database
from schedules.settings import Settings
from web import create_app


@pytest.mark.parametrize(
    ("address", "language", "words"),
    [("/finns-inte", "sv", "Sidan finns inte här"), ("/en/not-there", "en", "The page is not here")],
)
def test_a_missing_page_helps_on(client: FlaskClient, address: str, language: str, words: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert f'<html lang="{language}">' in answer.text
    assert f"<h1>{words}</h1>" in answer.text
    assert f'href="/{"en/" if language == "en" else ""}"' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_broken_page_says_so_and_tells_the_log_why(app: Flask) -> None:
    @app.get("/trasig")
    def broken() -> str:
        raise RuntimeError("rtmp://camera/secret-key")

    with structlog.testing.capture_logs() as logs:
        answer = app.test_client().get("/trasig")
    assert answer.status_code == 500
    assert "<h1>Något gick fel hos oss</h1>" in answer.text
    assert "secret-key" not in answer.text
    assert "Traceback" not in answer.text
    assert [(line["event"], line["path"]) for line in logs] == [("page failed", "/trasig")]
    assert isinstance(logs[0]["exc_info"], RuntimeError)


def test_pages_without_a_database_are_500_and_the_fault_page_needs_none(settings: Settings) -> None:
    empty = open_database(settings.database_url)  # no tables
    client = create_app(settings, empty).test_client()
    with structlog.testing.capture_logs():
        assert client.get("/").status_code == 500
        assert "Något gick fel hos oss" in client.get("/sammantraden/1").text
        assert client.get("/finns-inte").status_code == 404
    empty.close()


def test_a_wrong_method_is_refused_with_what_is_allowed(client: FlaskClient) -> None:
    answer = client.post("/")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_the_monitor_is_told_what_can_be_seen(client: FlaskClient, settings: Settings) -> None:
    answer = client.get("/status")
    assert answer.status_code == 200
    assert answer.get_json() == {
        "healthy": True,
        "database": True,
        "scheduler": None,
        "scheduler_seconds": None,
    }
    assert answer.headers["Cache-Control"] == "no-store"
    heartbeat = settings.data / "run" / "scheduler.heartbeat"
    heartbeat.parent.mkdir(parents=True)
    heartbeat.touch()
    assert client.get("/status").get_json()["scheduler"] is True
    os.utime(heartbeat, (time.time() - 300, time.time() - 300))
    stale = client.get("/status")
    assert stale.status_code == 503
    assert stale.get_json()["scheduler"] is False
    assert 299 < stale.get_json()["scheduler_seconds"] < 310


def test_the_monitor_is_told_when_the_database_does_not_answer(settings: Settings) -> None:
    empty = open_database(settings.database_url)
    answer = create_app(settings, empty).test_client().get("/status")
    assert answer.status_code == 503
    assert answer.get_json()["database"] is False
    empty.close()
