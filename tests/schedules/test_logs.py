"""What the logs say, and what they never say."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from schedules.logs import configure_logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs("json", stream=stream)
    yield stream
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_a_line_is_json_with_time_level_and_fields(lines: io.StringIO) -> None:
    structlog.get_logger("schedules.sweep").info("live process started", meeting=7, titel="Fullmäktige")
    line = json.loads(lines.getvalue())
    assert (line["event"], line["meeting"], line["level"], line["titel"]) == (
        "live process started", 7, "info", "Fullmäktige",
    )  # fmt: skip
    assert line["timestamp"].endswith("Z")


def test_libraries_take_the_same_way_and_chatty_ones_are_quiet(lines: io.StringIO) -> None:
    logging.getLogger("gunicorn.error").warning("worker %s timed out", 12)
    logging.getLogger("apscheduler.executors.default").info("Running job")
    assert [json.loads(line)["event"] for line in lines.getvalue().splitlines()] == ["worker 12 timed out"]


@pytest.mark.parametrize(
    "fields",
    [
        {"address": "rtmps://a.rtmp.youtube.com/live2/hemlig-nyckel"},
        {"address": "rtsp://admin:hemlig@10.0.0.5/stream1"},
        {"url": "postgresql+psycopg://laktare:hemlig@db/laktare"},
        {"url": "https://up.example.org/x?upload_id=hemlig&a=1"},
        {"password": "hemlig"},
        {"mail": {"user": "anna", "password": "hemlig"}},
        {"argv": ["ffmpeg", "-i", "srt://host:9000?passphrase=hemlig"]},
        {"stream_key": "hemlig"},
        {"access_token": "hemlig"},
    ],
)
def test_no_secret_is_ever_written(lines: io.StringIO, fields: dict[str, object]) -> None:
    structlog.get_logger().warning("link lost", **fields)
    structlog.get_logger().warning(f"link lost {fields.get('address', '')} {fields.get('url', '')}")
    assert "hemlig" not in lines.getvalue()
    assert lines.getvalue().count("link lost") == 2


def test_a_secret_in_an_exception_is_blotted_out_but_its_place_is_kept(lines: io.StringIO) -> None:
    try:
        raise RuntimeError("cannot open rtsp://admin:hemlig@10.0.0.5/")
    except RuntimeError:
        structlog.get_logger().exception("failed")
    assert "hemlig" not in lines.getvalue()
    assert "test_logs.py" in json.loads(lines.getvalue())["exception"]


def test_the_site_s_own_address_stays_readable(lines: io.StringIO) -> None:
    structlog.get_logger().info("up", address="http://127.0.0.1:8080/sammantraden/1?t=120")
    assert json.loads(lines.getvalue())["address"] == "http://127.0.0.1:8080/sammantraden/1?t=120"
