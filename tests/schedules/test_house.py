"""What keeps the house from starting, each as one sentence; and who looks when the scheduler is silent."""

from __future__ import annotations

import io
import json
import logging
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner
from pydantic import SecretStr

from schedules import house as house_module
from schedules.alarms.raising import open_alarms
from schedules.cli import main
from schedules.house import House, HouseError, house_parts, pass_on
from schedules.logs import configure_logs
from schedules.models import Meeting
from schedules.settings import Settings, Site


def at_port(settings: Settings, port: int) -> Settings:
    return settings.model_copy(update={"site": Site(port=port)})


def test_a_taken_port(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HouseError, match=f"Porten {port} på 127.0.0.1 är upptagen"):
            House(at_port(settings, port), patience=0)
    House(at_port(settings, port), patience=0).close()  # what failed holds nothing back


def test_a_port_that_is_given_back_in_time_is_waited_for(settings: Settings) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    threading.Timer(0.5, taken.close).start()
    House(at_port(settings, taken.getsockname()[1]), patience=5).close()


def test_an_address_that_is_not_ours(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"site": Site(host="192.0.2.1", port=8080)})
    with pytest.raises(HouseError, match=r"rätta site\.host"):
        House(elsewhere, patience=0)


def test_a_second_house_on_the_same_data(settings: Settings) -> None:
    first = House(settings)
    with pytest.raises(HouseError, match="Ett annat laktare run"):
        House(settings)
    first.close()
    House(settings).close()


@pytest.mark.parametrize("url", ["postgresql+psycopg://laktare:hemlig@127.0.0.1:1/laktare", "ingen:adress"])
def test_a_database_that_cannot_be_opened_is_told_without_its_password(settings: Settings, url: str) -> None:
    with pytest.raises(HouseError, match="Databasen kan inte öppnas") as refused:
        House(settings.model_copy(update={"database": SecretStr(url)}))
    assert "hemlig" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_data_that_is_a_file(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "fil").touch()
    with pytest.raises(HouseError, match="går inte att skriva i"):
        House(settings.model_copy(update={"data": tmp_path / "fil"}))


def test_the_parts_are_commands_that_exist(settings: Settings, tmp_path: Path) -> None:
    parts = {part.name: part.command for part in house_parts(settings, tmp_path / "laktare.toml")}
    assert set(parts) == {"web", "scheduler", "worker"}
    assert parts["web"][2] == "web.server"
    assert find_spec(parts["web"][2]) is not None
    for name in ("scheduler", "worker"):
        assert find_spec(f"{parts[name][2]}.__main__") is not None
        answer = CliRunner().invoke(main, [*parts[name][3:], "--help"])
        assert (answer.exit_code, name in answer.output) == (0, True)


def test_while_the_scheduler_is_silent_the_house_itself_sees_what_is_missing_from_air(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house_module, "WATCH_SECONDS", 0.05)
    monkeypatch.setattr(house_module, "SCHEDULER_SILENT_SECONDS", 0.3)
    house, now, stop = House(settings), datetime.now(UTC), threading.Event()
    with house.database.session() as session:
        session.add(
            Meeting(body="kf", title="KF", planned_start=now - timedelta(hours=1), planned_end=now + timedelta(hours=1),
                    source="test", platforms=["local"], channel="archive")
        )  # fmt: skip
    watcher = threading.Thread(target=house.watch, args=(stop,))
    watcher.start()
    until = time.monotonic() + 10
    kinds: list[str] = []
    while not kinds and time.monotonic() < until:
        time.sleep(0.05)
        with house.database.session() as session:
            kinds = [alarm.kind for alarm in open_alarms(session)]
    stop.set()
    watcher.join()
    house.close()
    assert kinds == ["not_on_air"]


def test_a_part_that_keeps_dying_has_its_alarm_until_it_is_well(settings: Settings) -> None:
    house = House(settings)

    def alarms(wanted: int) -> list[str]:
        until = time.monotonic() + 10
        while True:
            with house.database.session() as session:
                found = [f"{alarm.kind} {alarm.subject}" for alarm in open_alarms(session)]
            if len(found) == wanted or time.monotonic() > until:
                return found
            time.sleep(0.05)

    house.on_trouble("worker", True)
    assert alarms(1) == ["process_dead worker"]
    house.on_trouble("worker", False)
    assert alarms(0) == []
    house.close()


def test_lines_of_a_part_come_through_with_their_fields_and_its_name() -> None:
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    configure_logs("json", stream=stream)
    try:
        pass_on("web", '{"event": "request", "level": "warning", "status": 404, "timestamp": "x"}')
        for line in ("Traceback (most recent call last):", "{inte json", ""):
            pass_on("web", line)
    finally:
        root.handlers, root.level = before
        structlog.reset_defaults()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["level"], line["part"]) for line in lines] == [
        ("request", "warning", "web"), ("Traceback (most recent call last):", "info", "web"),
        ("{inte json", "info", "web"),
    ]  # fmt: skip
    assert lines[0]["status"] == 404
