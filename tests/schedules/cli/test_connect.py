"""`laktare connect youtube` as a person uses it: with a browser on the machine, and without one."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import structlog
from click.testing import CliRunner, Result

from schedules.cli import main
from schedules.settings import load_settings
from schedules.youtube.tokens import load_token, token_file
from tests.standins.youtube import YouTube
from tests.standins.youtube_oauth import EVERY_CALL

SETTINGS = """
[youtube]
client_secrets = "google.json"
api = "{api}"
[accounts.kommunen]
kind = "youtube"
name = "Kommunens kanal"
channel_id = "{channel}"
[bodies.kf]
name = "Kommunfullmäktige"
source = "test"
"""
Change = Callable[[str], str]


class Person(io.RawIOBase):
    """Standard input: goes to the address that was printed, and brings back what the browser ended on, changed."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._line = b""
        self._asked = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._asked:
            self._asked = True
            sys.stdout.flush()
            printed: Any = sys.stdout.buffer
            address = printed_address(printed.getvalue().decode())
            self._line = f"{self._change(ended_on(address))}\n".encode()
        taken, self._line = self._line[: len(buffer)], self._line[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def printed_address(text: str) -> str:
    found = re.search(r"^https://\S+$", text, re.MULTILINE)
    assert found, text
    return found[0]


def ended_on(address: str) -> str:
    """Where Google sends the browser, which goes no further: nothing listens there."""
    return requests.get(address, allow_redirects=False, timeout=10).headers["Location"]


@dataclass(frozen=True)
class Home:
    """A folder with settings whose account leads to the stand-in."""

    folder: Path
    youtube: YouTube

    @property
    def file(self) -> Path:
        return self.folder / "laktare.toml"

    @property
    def stored(self) -> Path:
        return token_file(load_settings(self.file), "kommunen")

    def write(self, *, channel: str = "", more: str = "") -> None:
        self.file.write_text(SETTINGS.format(api=self.youtube.url, channel=channel) + more)

    def paste(self, *options: str, change: Change = lambda answer: answer) -> Result:
        """`--paste`, where the person changes the address before bringing it."""
        words = ["--settings", str(self.file), "connect", "youtube", "--paste", *options]
        return CliRunner().invoke(main, words, input=io.BufferedReader(Person(change)))

    def refused(self, *options: str, change: Change = lambda answer: answer) -> str:
        """The one sentence that is said where it comes to nothing."""
        before = self.stored.read_bytes() if self.stored.exists() else None
        result = self.paste(*options, change=change)
        assert result.exit_code == 2, result.output
        assert (self.stored.read_bytes() if self.stored.exists() else None) == before
        sentence = result.stderr.strip().splitlines()[-1]
        assert sentence.endswith(".")
        self.without_secrets(result.output)
        return sentence

    def start(self) -> subprocess.Popen[str]:
        """The command in a process of its own, without a screen, waiting for a browser on this machine."""
        environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        command = [sys.executable, "-m", "schedules.cli", "--settings", str(self.file), "connect", "youtube"]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**environment, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip

    def without_secrets(self, text: str) -> None:
        for secret in self.youtube.sign_on.secrets():
            assert secret not in text or secret.startswith(
                "4/"
            )  # the person pastes the code that is good once


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    with YouTube(tmp_path / "youtube", ingest=False) as youtube:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(youtube.ca_file))
        youtube.add_account("kommunen", title="Provköpings kommun")
        youtube.write_client_secrets(tmp_path / "google.json")
        home = Home(tmp_path, youtube)
        home.write()
        yield home
        assert youtube.violations == []
    root.handlers, root.level = before
    structlog.reset_defaults()


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("https://"):
            return line.strip()
    raise AssertionError(process.communicate()[1])


def test_with_a_browser_on_the_machine(home: Home) -> None:
    process = home.start()
    address = address_of(process)
    asked = parse_qs(urlsplit(address).query)
    assert (asked["access_type"], asked["code_challenge_method"]) == (["offline"], ["S256"])
    assert set(asked["scope"][0].split()) == set(EVERY_CALL)
    assert "Gå tillbaka till kommandoraden" in requests.get(address, timeout=10).text
    out, err = process.communicate(timeout=20)
    channel = home.youtube.sign_on.accounts["kommunen"]
    assert (process.returncode, err) == (0, "")
    assert f"Kanalen är Provköpings kommun ({channel.channel_id})." in out
    assert "Kontot kommunen är anslutet." in out
    home.without_secrets(out.replace(address, ""))
    token = load_token(load_settings(home.file), "kommunen")
    assert (token.channel_id, token.expires_at) == (channel.channel_id, None)
    assert home.stored.stat().st_mode & 0o777 == 0o600
    assert home.youtube.quota_used == 1


def test_interrupted_nothing_is_changed(home: Home) -> None:
    process = home.start()
    address_of(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (2, "Avbrutet, och ingenting är ändrat.\n")
    assert not home.stored.exists()


def test_without_a_browser_the_answer_is_pasted(home: Home) -> None:
    # A terminal may break a long line.
    result = home.paste(change=lambda answer: f"  {answer[:40]} {answer[40:]}")
    assert result.exit_code == 0, result.output
    assert "Kontot kommunen är anslutet." in result.stdout
    home.without_secrets(result.output)
    assert json.loads(home.stored.read_text())["channel_title"] == "Provköpings kommun"


def test_a_consent_screen_in_testing_is_told_of(home: Home) -> None:
    home.youtube.sign_on.testing = True
    result = home.paste()
    assert result.exit_code == 0
    assert "Testing" in result.stderr
    token = load_token(load_settings(home.file), "kommunen")
    assert token.expires_at is not None
    assert 6.9 < (token.expires_at - token.connected_at).total_seconds() / 86400 < 7


def test_consent_that_is_denied_or_given_in_part(home: Home) -> None:
    home.youtube.sign_on.denies = True
    assert home.refused() == "Tillståndet gavs inte, och ingenting är ändrat."
    home.youtube.sign_on.denies, home.youtube.sign_on.granted = False, frozenset(EVERY_CALL[:1])
    assert "gäller inte yt-analytics.readonly" in home.refused()


def test_what_is_pasted_is_not_the_answer(home: Home) -> None:
    assert "inte adressen som webbläsaren stannade på" in home.refused(
        change=lambda _: "https://youtube.com/"
    )
    assert "inte adressen som webbläsaren stannade på" in home.refused(change=lambda _: "4/abc")
    assert "annat försök" in home.refused(change=lambda answer: re.sub("state=[^&]+", "state=other", answer))
    assert "Google nekade" in home.refused(change=lambda answer: re.sub("code=[^&]+", "code=4/no", answer))
    assert "Google nekade" in home.refused(change=lambda answer: re.sub("code=[^&]+&", "", answer))


def test_the_network_and_google_in_trouble(home: Home) -> None:
    home.youtube.faults.add("/token", "cut")
    assert "Försök igen när nätet fungerar" in home.refused()
    home.youtube.faults.add("youtube.channels.list", "cut")
    assert "Försök igen när nätet fungerar" in home.refused()
    home.youtube.faults.add("youtube.channels.list", "error", status=403, reason="accessNotConfigured")
    assert "kontrollera att YouTube Data API v3 är påslaget" in home.refused()


def test_another_channel_is_refused(home: Home) -> None:
    first = home.youtube.sign_on.accounts["kommunen"]
    other = home.youtube.add_account("privat", title="Annas katter")
    assert home.paste().exit_code == 0
    home.youtube.sign_on.consents_as = "privat"
    said = home.refused()
    assert f"har varit anslutet till kanalen Provköpings kommun ({first.channel_id})" in said
    assert f'channel_id = "{other.channel_id}"' in said
    home.write(channel=first.channel_id)
    assert f"är till för kanalen {first.channel_id}" in home.refused()
    home.write(channel=other.channel_id)  # so a person changes channel
    assert home.paste().exit_code == 0
    assert load_token(load_settings(home.file), "kommunen").channel_id == other.channel_id


def test_a_damaged_token_file_is_replaced(home: Home) -> None:
    home.stored.parent.mkdir(parents=True)
    home.stored.write_text("{")
    assert home.paste().exit_code == 0
    assert load_token(load_settings(home.file), "kommunen").channel_title == "Provköpings kommun"


def test_which_account_and_which_client(home: Home) -> None:
    home.write(more='[accounts.museet]\nkind = "youtube"\nname = "Museet"\n')
    assert home.refused() == "Det finns flera konton: ange --account med ett av kommunen, museet."
    assert home.refused("--account", "kyrkan").startswith("Kontot kyrkan finns inte: ange --account")
    assert home.paste("--account", "museet").exit_code == 0
    assert [path.name for path in home.stored.parent.iterdir()] == ["museet.json"]
    (home.folder / "google.json").unlink()
    assert "google.json (youtube.client_secrets) finns inte" in home.refused("--account", "museet")
