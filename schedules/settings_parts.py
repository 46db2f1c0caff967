"""The tables of the settings, each checked by itself; what they say of one another is checked in `settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from schedules.states import Audience
from schedules.templates import check_template

KEY_PATTERN = r"^[a-z0-9][a-z0-9-]{0,59}$"
Key = Annotated[str, Field(pattern=KEY_PATTERN)]


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
