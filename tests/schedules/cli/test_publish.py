"""`laktare publish`, `approve` and `video …` as a clerk types them, in processes of their own where they work."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import av
import pytest
from click.testing import CliRunner

from schedules.cli import main
from tests.standins.films import make_film
from tests.standins.worker import wait_until

SETTINGS = """
data = "{data}"
[bodies.kf]
name = "Kommunfullmäktige"
source = "test"
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A settings file of its own."""
    file = tmp_path / "laktare.toml"
    file.write_text(SETTINGS.format(data=tmp_path / "data"))
    return file


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("films") / "Fullmäktige.mp4", seconds=3)


def command(house: Path, *words: str | Path) -> list[str]:
    return [sys.executable, "-m", "schedules.cli", "--settings", str(house), *map(str, words)]


def laktare(house: Path, *words: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a quick command."""
    said = CliRunner().invoke(main, ["--settings", str(house), *map(str, words)])
    return said.exit_code, said.stdout, said.stderr


def test_from_a_file_to_the_archive_and_back(house: Path, film: Path) -> None:
    ran = subprocess.run(
        command(house, "publish", film, "--body", "kf"), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "Väntar på godkännande." in ran.stdout
    assert laktare(house, "video", "list")[1].count("väntar på godkännande") == 1
    captions = house.with_name("Textning.srt")
    captions.write_text("1\n00:00:01,000 --> 00:00:02,000\nTack!\n")
    assert laktare(house, "video", "captions", "1", captions)[:2] == (0, "Video 1 är textad.\n")
    ran = subprocess.run(
        command(house, "approve", "1", "--wait"), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    file = Path(ran.stdout.rsplit("Publicerad: ", 1)[1].strip())
    assert "Tack!" in file.with_name("captions.sv.vtt").read_text()
    with av.open(str(file)) as media:
        assert sum(1 for _ in media.decode(video=0)) == pytest.approx(75, abs=2)
    code, out, _ = laktare(house, "video", "show", "1")
    assert code == 0
    for words in ("Kommunfullmäktige", "är publicerad", "0:00:03", "320×180", "LUFS"):
        assert words in out
    assert laktare(house, "video", "withdraw", "1", "--reason", "Personuppgift")[0] == 0
    assert not file.exists()
    assert "Personuppgift" in laktare(house, "video", "show", "1")[1]
    assert laktare(house, "video", "restore", "1")[:2] == (0, "Video 1 är publicerad.\n")
    assert file.exists()


def test_no_wait_leaves_it_to_the_worker(house: Path, film: Path) -> None:
    code, out, err = laktare(house, "publish", film, "--no-review", "--no-wait")
    assert (code, err) == (0, "")
    assert "laktare video show 1" in out
    worker = subprocess.Popen(command(house, "worker"), stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: list(house.with_name("data").glob("archive/[!.]*/video.mp4")) != [], 60)
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0


def test_every_refusal_is_one_sentence(house: Path, film: Path, tmp_path: Path) -> None:
    empty = tmp_path / "tom.mp4"
    empty.touch()
    laktare(house, "publish", film, "--no-wait")
    refused = {
        ("publish", str(empty)): "tom",
        ("publish", str(tmp_path / "saknas.mp4")): "finns inte",
        ("publish", str(film), "--body", "xx"): "där finns kf",
        ("approve", "77"): "laktare video list",
        ("approve", "1"): "bearbetas",
        ("video", "withdraw", "1", "--reason", "x"): "Bara en publicerad",
        ("video", "restore", "1"): "Bara en tillbakadragen",
        ("video", "retry", "1"): "Bara en video som stannat",
        ("video", "show", "nej"): "finns inte",
        ("video", "captions", "1", str(film)): "UTF-8",
        ("video", "captions", "1", str(tmp_path / "saknas.vtt")): "kan inte läsas",
    }
    for words, expected in refused.items():
        code, out, err = laktare(house, *words)
        assert (code, out) == (2, ""), words
        assert expected in err
        assert err.count("\n") == 1
    assert len(list((tmp_path / "data" / "originals").iterdir())) == 1


def test_no_videos(house: Path) -> None:
    assert laktare(house, "video", "list") == (0, "Det finns inga videor.\n", "")
