"""A publication as the house keeps it, and a client of the stand-in: what tests of the YouTube channel share."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document

from schedules.youtube.http import Transport
from schedules.youtube.methods import document
from schedules.youtube.quota import NoMeter
from tests.standins.youtube import YouTube
from uploader.package import (
    Chapter,
    Details,
    Happening,
    Noted,
    Package,
    Progress,
    Remember,
    RemoteChannel,
    Standing,
)
from uploader.resumable import Chunks

ACCOUNT = "kommunen"
DETAILS = Details(
    title="Kommunfullmäktige 24 november", description="Sammanträdet i sin helhet.", marker="f3a9-1"
)
CHAPTERS = (
    Chapter(start=0, title="§ 1 Upprop"),
    Chapter(start=15, title="§ 2 Budget < 2027 >"),
    Chapter(start=40, title="§ 3 Avslutning"),
)


def fixed(chunk_bytes: int) -> Chunks:
    """Chunks that are small, and of one size however fast they leave."""
    return Chunks(least=chunk_bytes, most=chunk_bytes)


def make_bytes(path: Path, size: int, seed: int = 1) -> Path:
    """A file of random bytes, the same for the same seed."""
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_package(video: Path, **changes: Any) -> Package:
    known: dict[str, Any] = {
        "key": "k1", "title": "Fullmäktige", "description": "", "body": "Kommunfullmäktige", "audience": "public",
        "recorded_at": datetime(2026, 11, 24, 17, 30, tzinfo=UTC), "duration": 60.0, "chapters": CHAPTERS,
    }  # fmt: skip
    files = {"video.mp4": video, **changes.pop("files", {})}
    return Package(**{**known, **changes, "files": files})


def client_for(url: str, sign_on: dict[str, str]) -> Any:
    """A client as the house builds it, over the real transport. sign_on: what google-auth's Credentials take."""
    described = document("youtube", "v3")
    described["rootUrl"] = url
    credentials = Credentials(token=None, token_uri=url + "token", **sign_on)
    return build_from_document(described, http=Transport(credentials, NoMeter()))


def sign_on_to(youtube: YouTube, account: str = ACCOUNT) -> dict[str, str]:
    return {
        "refresh_token": youtube.issue_token(account),
        "client_id": youtube.sign_on.client_id,
        "client_secret": youtube.sign_on.client_secret,
    }


@dataclass
class Ledger:
    """What the house has written down of one publication, and everything that it was told. file: where it is kept."""

    file: Path | None = None
    address: str = ""
    memory: dict[str, Any] = field(default_factory=dict)
    events: list[Happening] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.file is not None and self.file.exists():
            kept = json.loads(self.file.read_text())
            self.address, self.memory = kept["address"], kept["memory"]

    @property
    def standing(self) -> Standing:
        return Standing(address=self.address, memory=json.loads(json.dumps(self.memory)))

    @property
    def notes(self) -> list[str]:
        return [event.sentence for event in self.events if isinstance(event, Noted)]

    @property
    def percents(self) -> list[float]:
        return [event.percent for event in self.events if isinstance(event, Progress)]

    def take(
        self,
        channel: RemoteChannel,
        step: str,
        package: Package,
        *,
        stop: Callable[[Happening], bool] | None = None,
    ) -> None:
        """Take a step as the house does: what is to be remembered is written before it goes on.

        stop: abandon the step after such an event has been written down.
        """
        for event in channel.take(step, package, self.standing):
            self.events.append(event)
            if isinstance(event, Remember):
                self.address, self.memory = event.address or self.address, dict(event.memory)
                self._write()
            if stop is not None and stop(event):
                return

    def _write(self) -> None:
        if self.file is not None:
            part = self.file.with_suffix(".part")
            part.write_text(json.dumps({"address": self.address, "memory": self.memory}))
            part.replace(self.file)
