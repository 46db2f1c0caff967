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
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schedules.settings_faults import SettingsError as SettingsError
from schedules.settings_faults import describe
from schedules.settings_sources import merge, read_environment, read_secrets, read_toml
from schedules.states import Audience
from schedules.templates import check_template

FILE_NAME = "laktare.toml"
EXAMPLE = Path(__file__).with_name("laktare.example.toml")

KEY_PATTERN = r"^[a-z0-9][a-z0-9-]{0,59}$"
Key = Annotated[str, Field(pattern=KEY_PATTERN)]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("tillåtet är en tidszon i IANA:s databas, t.ex. Europe/Stockholm")
    return name


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Site(_Part):
    """The web pages."""

    name: str = "Läktare"
    municipality: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    address: str = ""  # what citizens type; empty: http://host:port
    embed_hosts: tuple[str, ...] = ()
    language: Literal["sv", "en"] = "sv"


class Picture(_Part):
    """The picture and sound that go out."""

    width: int = Field(default=1280, ge=160, le=3840, multiple_of=2)
    height: int = Field(default=720, ge=90, le=2160, multiple_of=2)
    fps: int = Field(default=25, ge=5, le=60)
    video_kbit: int = Field(default=2500, ge=100, le=50_000)
    audio_kbit: int = Field(default=128, ge=32, le=512)


class Live(_Part):
    """How a meeting goes on and off the air."""

    prepare_minutes: float = Field(default=15, ge=0, le=240)
    preflight_minutes: tuple[float, ...] = (60, 10)
    extend_limit_minutes: float = Field(
        default=180, ge=0, le=720
    )  # past the planned end, at most, while people speak
    silence_ends_minutes: float = Field(default=10, gt=0, le=120)  # lasting silence past the planned end
    farewell_seconds: float = Field(default=5, ge=0, le=60)  # the last slate, after the gavel
    silence_below: float = Field(default=-45, ge=-90, le=-10)  # LUFS, momentary: below it nobody speaks
    alarm_after_seconds: float = Field(default=20, ge=1, le=600)  # black, frozen or silent this long
    low_disk_gb: float = Field(default=5, ge=0)


class Mail(_Part):
    """Where alarms are mailed through."""

    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "starttls"
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: str = ""
    to: tuple[str, ...] = ()


class Webhook(_Part):
    """An address that gets every alarm as JSON by POST."""

    url: SecretStr = SecretStr("")


class SourceSettings(_Part):
    """A camera, an encoder that sends to us, a file or the built-in test picture."""

    kind: Literal["rtsp", "rtmp", "srt", "v4l2", "file", "test"]
    address: SecretStr = SecretStr("")  # URL, device or path; may carry a password
    sound: str = ""  # v4l2: the ALSA device
    listen: bool = False  # rtmp, srt: wait for the sender instead of fetching

    @model_validator(mode="after")
    def _has_address(self) -> SourceSettings:
        if self.kind != "test" and not self.address.get_secret_value():
            raise ValueError(f"en källa av slaget {self.kind} måste ha en address")
        return self


class Room(_Part):
    """A room with a source in it."""

    name: str
    source: Key


class AccountSettings(_Part):
    """A connection to another service, made by `laktare connect`; one per channel there."""

    kind: Literal["youtube"]
    name: str
    channel_id: str = ""  # the only one that will do; empty: the one that was connected first


class YouTube(_Part):
    """What all connections to YouTube share."""

    client_secrets: Path | None = None  # the OAuth client of Google Cloud, a JSON file
    api: str = "https://youtube.googleapis.com/"  # another one: a stand-in
    daily_units: int = Field(default=10_000, ge=100)  # what Google grants the project a day
    reserve_units: int = Field(default=500, ge=0)  # of them kept for steering a broadcast on air
    upload_kbit: int = Field(default=0, ge=0)  # kbit/s; 0: as fast as it goes
    upload_while_live: bool = False
    announce_days: float = Field(default=14, ge=0, le=365)  # so long ahead a broadcast is made there


class ChannelSettings(_Part):
    """Where finished video is published."""

    kind: Literal["local", "youtube"]
    name: str
    account: Key | None = None  # youtube: which connection
    audience: Audience = Audience.PUBLIC

    @model_validator(mode="after")
    def _fits_its_kind(self) -> ChannelSettings:
        _check_account(self.kind, self.account, self.audience)
        return self


class PlatformSettings(_Part):
    """Where a meeting is streamed live."""

    kind: Literal["local", "youtube"]
    name: str
    account: Key | None = None  # youtube: which connection
    audience: Audience | None = None  # None: both; the pages ask who is looking
    backup: bool = False  # youtube: send to its backup ingest as well
    monitor: bool = False  # youtube: walk through its monitored test before it goes live
    lead_seconds: float = Field(default=120, ge=0, le=3600)  # youtube: so long before the start it goes live

    @model_validator(mode="after")
    def _fits_its_kind(self) -> PlatformSettings:
        _check_account(self.kind, self.account, self.audience)
        return self


def _check_account(kind: str, account: str | None, audience: Audience | None) -> None:
    if kind != "local" and account is None:
        raise ValueError(f"kind {kind} måste ha account, en av [accounts.…]")
    if kind == "local" and account is not None:
        raise ValueError("kind local har inget account: ta bort det")
    if kind != "local" and audience is Audience.STAFF:
        raise ValueError(
            f"kind {kind} kan inte vara för staff: det bara anställda ser lämnar aldrig den egna datorn"
        )


class YouTubeWording(_Part):
    """How a body's films and broadcasts look on YouTube. title, description: templates, see schedules.templates."""

    title: str = "{{ title }} {{ date }}"
    description: str = "{{ description }}\n\n{{ body }}, {{ municipality }}\n{{ page }}"
    playlist: str = ""  # the playlist's id
    privacy: Literal["public", "unlisted", "private"] = "public"
    language: str = Field(default="sv", pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    category: int = Field(default=25, ge=1, le=99)  # 25: News & Politics
    archive: Literal["keep", "replace"] = "keep"  # of a broadcast that YouTube recorded itself

    @model_validator(mode="after")
    def _templates_hold(self) -> YouTubeWording:
        check_template(self.title, "title")
        check_template(self.description, "description")
        return self


class BodySettings(_Part):
    """A body (organ) of the municipality and how its meetings are sent by default."""

    name: str
    room: Key | None = None
    source: Key | None = None  # instead of the room's
    platforms: tuple[Key, ...] = ("local",)
    channel: Key = "archive"  # the film's home: a local one
    also: tuple[Key, ...] = ()  # the channels it is put on besides
    audience: Audience = Audience.PUBLIC
    review: Literal["required", "none"] = "required"
    minutes: int = Field(default=180, ge=1, le=1440)  # planned length where none is given
    retention_days: int | None = Field(default=None, ge=1)  # None: kept; see retention_decision
    retention_decision: str = ""  # the gallringsbeslut that permits destruction
    youtube: YouTubeWording = YouTubeWording()

    @model_validator(mode="after")
    def _retention_is_decided(self) -> BodySettings:
        if self.retention_days is not None and not self.retention_decision:
            raise ValueError("retention_days måste ha retention_decision, gallringsbeslutets beteckning")
        return self


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
