"""YouTube for `laktare demo --youtube`: the tests' stand-in, in a process of its own, and the demo's account connected.

It comes with a clone of the repository, not with an installed Läktare.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import requests

from schedules.database import Database
from schedules.demo import DemoError
from schedules.settings import Settings
from schedules.youtube.accounts import meter_of
from schedules.youtube.connecting import PASTED_TO, Consent
from schedules.youtube.oauth_client import AccountError, read_client
from schedules.youtube.tokens import store_token

ACCOUNT = "kommunen"
ANSWER_SECONDS = 20


class DemoYouTube:
    """The stand-in. Raises DemoError where it is not there or does not start."""

    def __init__(self, folder: Path) -> None:
        if find_spec("tests") is None or find_spec("tests.standins") is None:
            raise DemoError(
                "--youtube behöver ersättaren för YouTube, som bara följer med en klon av källkoden: kör make demo där."
            )
        self._log = (folder / "youtube.log").open("ab")
        command = [sys.executable, "-m", "tests.standins.youtube", "--folder", str(folder / "youtube")]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101 - opened above
        try:
            told = json.loads(self._process.stdout.readline())
        except json.JSONDecodeError:
            self.close()
            raise DemoError(
                "Ersättaren för YouTube startade inte: den behöver nginx, libnginx-mod-rtmp och ffmpeg, som make test"
                " lägger in."
            ) from None
        self.url, self.client_secrets = str(told["url"]), str(told["client_secrets"])
        os.environ["REQUESTS_CA_BUNDLE"] = str(told["ca_file"])  # the demo's own processes inherit it

    def connect(self, settings: Settings, database: Database) -> None:
        """Connect the demo's account, as `laktare connect youtube --paste` does; the stand-in consents by itself."""
        client = read_client(settings.youtube)
        consent = Consent(client)
        try:
            address = consent.address()
            while not address.startswith(PASTED_TO):
                answer = requests.get(address, allow_redirects=False, timeout=ANSWER_SECONDS)
                address = requests.compat.urljoin(address, answer.headers["Location"])
            consent.pasted(address)
            channel = consent.channel(settings, meter_of(settings, database, client))
        except (AccountError, KeyError, requests.RequestException) as error:
            # Only the kind of error: its text may hold the address with what is secret in it.
            why = str(error) if isinstance(error, AccountError) else type(error).__name__
            raise DemoError(f"Kontot på ersättaren för YouTube kunde inte anslutas ({why}).") from None
        store_token(settings, ACCOUNT, consent.token(channel, datetime.now(UTC)))

    def settings_lines(self) -> list[str]:
        """See DemoElsewhere."""
        return [
            'platforms = ["local", "youtube"]',
            'also = ["youtube"]',
            "[youtube]",
            f"client_secrets = {json.dumps(self.client_secrets)}",
            f"api = {json.dumps(self.url)}",
            f"[accounts.{ACCOUNT}]",
            'kind = "youtube"',
            'name = "Kommunens kanal"',
            "[platforms.local]",
            'kind = "local"',
            'name = "Webbplatsen"',
            "[platforms.youtube]",
            'kind = "youtube"',
            'name = "YouTube (ersättare)"',
            f'account = "{ACCOUNT}"',
            "[channels.archive]",
            'kind = "local"',
            'name = "Arkivet"',
            "[channels.youtube]",
            'kind = "youtube"',
            'name = "YouTube (ersättare)"',
            f'account = "{ACCOUNT}"',
        ]

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()
