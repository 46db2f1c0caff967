"""`laktare check` as a person and as a monitoring system call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from schedules.cli import main
from schedules.database import open_database

SETTINGS = """
[bodies.kf]
name = "Kommunfullmäktige"
source = "sal"

[sources.sal]
kind = "{kind}"
address = "{address}"
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings and a migrated database; a source gives what there is in one second."""
    monkeypatch.setattr("schedules.source_check.SECONDS", 1.0)
    (tmp_path / "laktare.toml").write_text(SETTINGS.format(kind="test", address=""))
    database = open_database(f"sqlite:///{tmp_path / 'data' / 'laktare.db'}")
    database.migrate()
    database.close()
    return tmp_path


def visit(house: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["--settings", str(house / "laktare.toml"), "check", *options])


def test_without_mail_and_not_started_it_warns(house: Path) -> None:
    result = visit(house)
    assert result.exit_code == 1, result.output
    lines = result.output.splitlines()
    assert any(line.startswith("OK ") and "källan sal, bild: Bilden är bra" in line for line in lines)
    assert any(line.startswith("VARNING") and "schemaläggare:" in line for line in lines)
    assert not any(line.startswith("FEL") for line in lines)
    assert lines[-1].endswith("att ta hand om.")


def test_a_dead_camera_is_critical(house: Path) -> None:
    (house / "laktare.toml").write_text(
        SETTINGS.format(kind="rtmp", address="rtmp://u:hemligt@127.0.0.1:1/x")
    )
    result = visit(house, "--json")
    assert result.exit_code == 2
    told = json.loads(result.stdout)
    assert told["level"] == "FEL"
    assert [row["part"] for row in told["findings"] if row["level"] == "FEL"] == ["källan sal"]
    assert "hemligt" not in result.output


def test_broken_and_missing_settings_are_critical_and_say_so(house: Path) -> None:
    (house / "laktare.toml").write_text("[site]\nport = 99999\nprot = 1\n")
    result = visit(house, "--json")
    assert result.exit_code == 2
    faults = [
        row["sentence"] for row in json.loads(result.stdout)["findings"] if row["part"] == "inställningar"
    ]
    assert any("site.port" in fault for fault in faults)
    assert any("site.prot" in fault for fault in faults)
    (house / "laktare.toml").unlink()
    assert visit(house).exit_code == 2


def test_as_a_program_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "laktare.toml").write_text("data = 3")
    command = [
        sys.executable,
        "-m",
        "schedules.cli",
        "--settings",
        str(tmp_path / "laktare.toml"),
        "check",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["level"] == "FEL"
