"""The parts of the demo that can be judged without playing it."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from broadcast.events import OnAir
from broadcast.ledger import Ledger, Missing, Run
from schedules.cli import main
from schedules.demo import BODY, DemoError, DemoHouse, choose_port, settings_text, source_table
from schedules.demo_story import ACTS, ACTS_SECONDS, frames_lost
from schedules.settings import load_settings
from schedules.states import PHASE_MOVES, CommandKind, Phase


def test_a_taken_port_is_refused_when_asked_for_and_passed_over_otherwise() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"Porten {port} är upptagen"):
            choose_port(port)
    assert choose_port(port) == port
    assert choose_port(0) not in (0, 8080)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("rtsp://10.0.0.5/stream", "rtsp"), ("rtsps://10.0.0.5/stream", "rtsp"), ("rtmp://h/app/key", "rtmp"),
        ("rtmps://h/app/key", "rtmp"), ("srt://h:9000", "srt"), ("/dev/video0", "v4l2"), (None, "test"),
    ],
)  # fmt: skip
def test_sources_by_their_address(source: str | None, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "laktare.toml"
    file.write_text(settings_text(8080, source_table(source)))
    settings = load_settings(file)
    assert settings.sources["camera"].kind == kind
    assert settings.sources["camera"].address.get_secret_value() == (source or "")
    assert (settings.source_of(BODY), settings.bodies[BODY].review) == ("camera", "none")


def test_a_file_with_a_difficult_name(tmp_path: Path) -> None:
    film = tmp_path / 'rådet "maj" \\ 1.mp4'
    film.touch()
    file = tmp_path / "laktare.toml"
    file.write_text(settings_text(8080, source_table(str(film))), encoding="utf-8")
    assert load_settings(file).sources["camera"].address.get_secret_value() == str(film)


@pytest.mark.parametrize("source", ["/finns/inte.mp4", "http://example.org/film.mp4"])
def test_a_source_that_cannot_be_is_one_sentence_and_exit_1(source: str) -> None:
    answer = CliRunner().invoke(main, ["demo", "--source", source, "--exit"])
    assert answer.exit_code == 1
    assert len(answer.output.strip().splitlines()) == 1
    assert "Traceback" not in answer.output


def test_the_demo_forgets_the_settings_of_a_real_house(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKTARE_DATABASE", "sqlite:////tmp/the-real-one.db")
    house = DemoHouse(0, None)
    try:
        assert house.settings.database_url == f"sqlite:///{house.folder / 'data' / 'laktare.db'}"
    finally:
        house.log_file.unlink(missing_ok=True)
        (house.folder / "laktare.toml").unlink()
        house.folder.rmdir()


def test_every_act_is_allowed_when_its_turn_comes() -> None:
    phase, last = Phase.OPEN, 0.0
    for act in ACTS:
        assert act.at > last
        last = act.at
        if act.kind in PHASE_MOVES:
            allowed, after = PHASE_MOVES[act.kind]
            assert phase in allowed
            phase = after
    assert (phase, last) == (Phase.OVER, ACTS_SECONDS)
    assert [act.argument for act in ACTS if act.kind is CommandKind.MARK] == ["1", "2", "3"]


def test_lost_frames_are_counted_once() -> None:
    ledger = Ledger(datetime(2026, 10, 28, tzinfo=UTC), 25, 1280, 720)
    ledger.runs = [
        Run(0, 100, OnAir.SOURCE, ""),
        Run(100, 150, OnAir.LOST, ""),
        Run(150, 160, OnAir.SHED, ""),
    ]
    assert frames_lost(ledger) == 60
    ledger.missing = [Missing(90, 120, "killed"), Missing(155, 170, "killed"), Missing(300, 310, "killed")]
    assert frames_lost(ledger) == 70 + 10 + 10
