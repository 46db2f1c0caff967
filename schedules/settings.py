"""Frozen settings from `laktare.toml`, the environment and secret files; read once, handed on as an argument.

Precedence, highest first: environment (`LAKTARE_DATABASE`, nested `LAKTARE_SITE__PORT`), secret files (one file per
key in the folder `LAKTARE_SECRETS`, e.g. `mail__password`), then the TOML file. Every key is explained in
`laktare.example.toml` beside this file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schedules.settings_faults import SettingsError as SettingsError
from schedules.settings_faults import describe
from schedules.settings_parts import KEY_PATTERN as KEY_PATTERN
from schedules.settings_parts import AccountSettings as AccountSettings
from schedules.settings_parts import BodySettings as BodySettings
from schedules.settings_parts import ChannelSettings as ChannelSettings
from schedules.settings_parts import Key as Key
from schedules.settings_parts import Live as Live
from schedules.settings_parts import Mail as Mail
from schedules.settings_parts import Picture as Picture
from schedules.settings_parts import PlatformSettings as PlatformSettings
from schedules.settings_parts import Room as Room
from schedules.settings_parts import Site as Site
from schedules.settings_parts import SourceSettings as SourceSettings
from schedules.settings_parts import Webhook as Webhook
from schedules.settings_parts import YouTube as YouTube
from schedules.settings_parts import YouTubeWording as YouTubeWording
from schedules.settings_sources import merge, read_environment, read_secrets, read_toml
from schedules.states import Audience

FILE_NAME = "laktare.toml"
EXAMPLE = Path(__file__).with_name("laktare.example.toml")


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("tillåtet är en tidszon i IANA:s databas, t.ex. Europe/Stockholm")
    return name


class Settings(BaseSettings):
    """Everything that is set, checked."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="LAKTARE_", env_nested_delimiter="__", secrets_dir=None
    )

    timezone: Annotated[str, AfterValidator(_known_zone)] = "Europe/Stockholm"
    data: Path = Path("data")
    database: SecretStr = SecretStr("")  # SQLAlchemy URL; empty: SQLite in the data folder
    workflows: SecretStr = SecretStr("")  # the same for the pipeline's own tables
    ffmpeg: Path | None = None
    site: Site = Site()
    picture: Picture = Picture()
    live: Live = Live()
    mail: Mail = Mail()
    webhook: Webhook = Webhook()
    youtube: YouTube = YouTube()
    accounts: dict[Key, AccountSettings] = {}
    sources: dict[Key, SourceSettings] = {"test": SourceSettings(kind="test")}
    rooms: dict[Key, Room] = {}
    channels: dict[Key, ChannelSettings] = {"archive": ChannelSettings(kind="local", name="Arkivet")}
    platforms: dict[Key, PlatformSettings] = {"local": PlatformSettings(kind="local", name="Webbplatsen")}
    bodies: dict[Key, BodySettings] = {}

    @model_validator(mode="after")
    def _names_exist(self) -> Settings:
        faults = [*self._faults_of_rooms(), *self._faults_of_accounts(), *self._faults_of_bodies()]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _faults_of_rooms(self) -> Iterator[str]:
        for key, room in self.rooms.items():
            yield from _undefined(f"rooms.{key}.source", room.source, self.sources)

    def _faults_of_accounts(self) -> Iterator[str]:
        users: dict[str, Mapping[str, ChannelSettings | PlatformSettings]]
        users = {"channels": self.channels, "platforms": self.platforms}
        for table, rows in users.items():
            for key, row in rows.items():
                if row.account is not None:
                    yield from _undefined(f"{table}.{key}.account", row.account, self.accounts)

    def _faults_of_bodies(self) -> Iterator[str]:
        for key, body in self.bodies.items():
            where = f"bodies.{key}"
            if body.room is None and body.source is None:
                yield f"{where}: måste ha room eller source"
            if body.room is not None:
                yield from _undefined(f"{where}.room", body.room, self.rooms)
            if body.source is not None:
                yield from _undefined(f"{where}.source", body.source, self.sources)
            for platform in body.platforms:
                yield from _undefined(f"{where}.platforms", platform, self.platforms)
            yield from _undefined(f"{where}.channel", body.channel, self.channels)
            for also in body.also:
                yield from _undefined(f"{where}.also", also, self.channels)
            yield from wrong_channels(f"{where}: ", self.channels, body.channel, body.also, body.audience)
            channel = self.channels.get(body.channel)
            if (
                body.audience is Audience.STAFF
                and channel is not None
                and channel.audience is not Audience.STAFF
            ):
                yield f"{where}: audience är staff, men alla ser kanalen {body.channel}; den måste också vara för staff"

    @property
    def zone(self) -> ZoneInfo:
        """The municipality's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the calendar. May hold a password: never log it."""
        return self.database.get_secret_value() or f"sqlite:///{self.data / 'laktare.db'}"

    @property
    def workflows_url(self) -> str:
        """SQLAlchemy URL of the pipeline's own tables. May hold a password: never log it."""
        return self.workflows.get_secret_value() or f"sqlite:///{self.data / 'workflows.db'}"

    @property
    def address(self) -> str:
        """The site's public address, no slash at the end."""
        return (self.site.address or f"http://{self.site.host}:{self.site.port}").rstrip("/")

    @property
    def prepare(self) -> timedelta:
        """How long before its start a meeting's live process begins."""
        return timedelta(minutes=self.live.prepare_minutes)

    def source_of(self, body: str) -> str:
        """The key of the source a body's meetings use by default."""
        chosen = self.bodies[body]
        if chosen.source is not None:
            return chosen.source
        assert chosen.room is not None  # noqa: S101 - _names_exist has made sure
        return self.rooms[chosen.room].source

    def recording_folder(self, meeting_id: int) -> Path:
        """Where a meeting's recording, ledger and picture strip are written."""
        return self.data / "recordings" / str(meeting_id)

    def live_folder(self, meeting_id: int) -> Path:
        """Where the local platform writes a meeting's HLS."""
        return self.data / "live" / str(meeting_id)

    def archive_folder(self, video_key: str) -> Path:
        """Where the local channel keeps a published video."""
        return self.data / "archive" / video_key

    def work_folder(self, video_key: str) -> Path:
        """Where the pipeline renders a video before it is published."""
        return self.data / "work" / video_key


def wrong_channels(
    where: str, channels: Mapping[str, ChannelSettings], home: str, also: Iterable[str], audience: Audience
) -> Iterator[str]:
    """What is wrong with publishing on these channels, a sentence each. Keys that are not defined are passed over."""
    if home in channels and channels[home].kind != "local":
        yield f"{where}channel är {home}, som inte är en kanal av slaget local; ange den under also i stället"
    for key in also:
        if key == home or (key in channels and channels[key].kind == "local"):
            yield f"{where}also tar bara kanaler på andra ställen; {key} är en kanal på den egna webbplatsen"
        elif key in channels and audience is Audience.STAFF:
            yield f"{where}bara anställda får se filmerna, men {key} ligger på en annan plats: ta bort den ur also"


def load_settings(path: Path | str | None = None) -> Settings:
    """The settings of the file at `path`, the secret files and the environment; None: without a file.

    A relative `data` is relative to the file's folder, or to the working folder where it comes from the environment;
    after loading it is absolute, and so is `youtube.client_secrets`, from the file's folder. Raises SettingsError.
    """
    file = None if path is None else Path(path).absolute()
    written = {} if file is None else read_toml(file)
    secrets = os.environ.get("LAKTARE_SECRETS")
    overrides = merge(
        {} if not secrets else read_secrets(Settings, Path(secrets)), read_environment(Settings, os.environ)
    )
    home = Path.cwd() if file is None or "data" in overrides else file.parent
    values = merge(written, overrides)
    data = values.get("data", "data")
    if isinstance(data, str):
        values["data"] = home / Path(data).expanduser()
    shared = values.get("youtube")
    if isinstance(shared, dict) and isinstance(shared.get("client_secrets"), str) and file is not None:
        shared["client_secrets"] = file.parent / Path(shared["client_secrets"]).expanduser()
    try:
        return Settings(**values)
    except ValidationError as error:
        where = "Inställningarna" if file is None else str(file)
        raise SettingsError("\n".join([f"{where} måste rättas:", *describe(error, Settings)])) from None


def _undefined(where: str, key: str, known: Mapping[str, Any]) -> Iterator[str]:
    if key not in known:
        yield f"{where} = {key!r}: är inte definierad; definierade är {', '.join(sorted(known)) or 'inga'}"
