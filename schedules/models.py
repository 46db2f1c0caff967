"""The tables. All times are aware UTC; the zone of the municipality is put on at the edge.

Bodies, sources, channels and platforms are not tables: they stand in the settings and are named here by their key.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from schedules.states import Audience, CommandKind, MeetingState, Phase, PublicationState, VideoState


class AwareUTC(TypeDecorator[datetime]):
    """An aware UTC datetime on every database. SQLite forgets zones, so they are put back here; a naive
    value is refused, since it could mean anything."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class StoredPath(TypeDecorator[Path]):
    """A path, stored as text relative to nothing: absolute."""

    impl = String(1024)
    cache_ok = True

    def process_bind_param(self, value: Path | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Path | None:
        return None if value is None else Path(value)


def _enum(kind: type[Any]) -> Enum:
    # Plain text with no database enum type: a new member then needs no migration on PostgreSQL.
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=20,
        values_callable=lambda e: [m.value for m in e],
    )


class Base(DeclarativeBase):
    """Root of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: AwareUTC(),
        Path: StoredPath(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
        list[dict[str, Any]]: JSON(),
        MeetingState: _enum(MeetingState),
        Phase: _enum(Phase),
        VideoState: _enum(VideoState),
        PublicationState: _enum(PublicationState),
        Audience: _enum(Audience),
        CommandKind: _enum(CommandKind),
    }


class Series(Base):
    """A rule that makes meetings: an RFC 5545 RRULE on local wall-clock time."""

    __tablename__ = "series"

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(200))
    # "Every last Wednesday but July" is FREQ=MONTHLY;BYDAY=-1WE;BYMONTH=1,2,3,4,5,6,8,9,10,11,12
    rule: Mapped[str] = mapped_column(String(500))
    first: Mapped[str] = mapped_column(String(16))  # local wall-clock start of the first, "2026-09-30T18:00"
    minutes: Mapped[int]
    defaults: Mapped[dict[str, Any]] = mapped_column(
        default=dict
    )  # source, platforms, channel, also, audience

    meetings: Mapped[list[Meeting]] = relationship(back_populates="series")


class Meeting(Base):
    """One meeting (sammanträde), from the calendar to the gavel."""

    __tablename__ = "meetings"
    __table_args__ = (
        UniqueConstraint("ical_uid", "ical_recurrence"),
        UniqueConstraint("series_id", "series_start"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(String(60), index=True)
    title: Mapped[str] = mapped_column(String(200))
    planned_start: Mapped[datetime] = mapped_column(index=True)
    planned_end: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(60))
    platforms: Mapped[list[str]]  # in the order in which viewers are sent to them
    channel: Mapped[str] = mapped_column(String(60))  # the film's home: a local one, whose page is ours
    also: Mapped[list[str]] = mapped_column(default=list)  # the channels it is put on besides
    audience: Mapped[Audience] = mapped_column(default=Audience.PUBLIC)
    state: Mapped[MeetingState] = mapped_column(default=MeetingState.PLANNED, index=True)
    phase: Mapped[Phase] = mapped_column(default=Phase.WAITING)  # as observed on the program, not as asked
    cancel_reason: Mapped[str] = mapped_column(Text, default="")
    on_air_at: Mapped[datetime | None]  # first frame sent, slate or not: frame 0 of the meeting's clock
    began_at: Mapped[datetime | None]  # first frame of the source seen by the public
    ended_at: Mapped[datetime | None]
    ical_uid: Mapped[str | None] = mapped_column(String(255))
    ical_recurrence: Mapped[str | None] = mapped_column(String(40))  # RECURRENCE-ID, "" for a single event
    # What the last import saw: a hand's edit is kept
    ical_hash: Mapped[str | None] = mapped_column(String(64))
    series_id: Mapped[int | None] = mapped_column(ForeignKey("series.id"))
    series_start: Mapped[str | None] = mapped_column(String(16))  # the slot of the rule that made it, local

    series: Mapped[Series | None] = relationship(back_populates="meetings")
    agenda: Mapped[list[AgendaItem]] = relationship(
        back_populates="meeting", order_by="AgendaItem.position", cascade="all, delete-orphan"
    )
    observations: Mapped[list[Observation]] = relationship(
        back_populates="meeting", order_by="Observation.at, Observation.id", cascade="all, delete-orphan"
    )
    video: Mapped[Video | None] = relationship(back_populates="meeting")
    broadcasts: Mapped[list[Broadcast]] = relationship(
        back_populates="meeting", order_by="Broadcast.id", cascade="all, delete-orphan"
    )


class AgendaItem(Base):
    """An agenda item (ärende). `marked_at` is when it was seen to begin."""

    __tablename__ = "agenda_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id"), index=True)
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(500))
    marked_at: Mapped[datetime | None]

    meeting: Mapped[Meeting] = relationship(back_populates="agenda")


class Observation(Base):
    """Something that was seen to happen on air: a change of phase, a lost source, a silence, a gap."""

    __tablename__ = "observations"

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))  # broadcast.events: the class name in lower_snake_case
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)

    meeting: Mapped[Meeting] = relationship(back_populates="observations")


class Level(Base):
    """One second of the program as measured on air."""

    __tablename__ = "levels"

    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id"), primary_key=True)
    second: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # of the meeting's clock
    loudness: Mapped[float]  # momentary, LUFS, before levelling; -120 is digital silence
    peak: Mapped[float]  # dBFS
    black: Mapped[bool]
    frozen: Mapped[bool]
    on_air: Mapped[str] = mapped_column(String(12))  # broadcast.ledger.OnAir


class Command(Base):
    """What a clerk asked of a meeting on air. The live process takes them in order of id."""

    __tablename__ = "commands"

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id"), index=True)
    kind: Mapped[CommandKind]
    argument: Mapped[str] = mapped_column(String(200), default="")
    asked_by: Mapped[str] = mapped_column(String(100))
    asked_at: Mapped[datetime]
    observed_at: Mapped[datetime | None]  # when its effect was seen on the program
    refusal: Mapped[str] = mapped_column(Text, default="")  # why it was not carried out, one sentence


class LiveProcess(Base):
    """The process that has a meeting on air, as it last reported."""

    __tablename__ = "live_processes"

    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id"), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    status: Mapped[dict[str, Any]] = mapped_column(default=dict)  # frames, lost, source, speed, pushers


class Alarm(Base):
    """Something a person must know. Raised once, told to every receiver, cleared when it was seen to be over."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index("ix_alarms_open", "kind", "subject", "cleared_at"),
        # Several processes watch the same things: the database sees to it that only one alarm of each is open.
        Index(
            "uq_alarms_open",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(100))  # "meeting 12", "disk", …
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meetings.id"))
    message: Mapped[str] = mapped_column(Text)  # Swedish, one sentence with what to do
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    # Receiver → schedules.alarms.plan.Record, as JSON
    told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    tell_at: Mapped[datetime | None] = mapped_column(index=True)  # claimed by moving it; None: all is told


class Video(Base):
    """A meeting's recording or a film from a file, on its way to a channel.

    `key` names its folder and its address: random, so that no address can be guessed.
    """

    __tablename__ = "videos"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meetings.id"), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str | None] = mapped_column(String(60), index=True)
    recorded_at: Mapped[datetime]
    channel: Mapped[str] = mapped_column(String(60))  # its home: a local one, whose page is ours
    also: Mapped[list[str]] = mapped_column(default=list)  # the channels it is put on besides
    audience: Mapped[Audience] = mapped_column(default=Audience.PUBLIC)
    review: Mapped[bool] = mapped_column(default=True)
    original: Mapped[Path]  # the recording folder, or the file that was handed in
    state: Mapped[VideoState] = mapped_column(default=VideoState.PROCESSING, index=True)
    step: Mapped[str] = mapped_column(String(40), default="")  # verify, render, pictures, publish
    percent: Mapped[float] = mapped_column(default=0.0)  # of that step
    error: Mapped[str] = mapped_column(Text, default="")
    # What verify found.
    checksum: Mapped[str] = mapped_column(String(64), default="")  # sha256 of the original
    gaps: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # {"at": ISO time, "seconds": float}
    # What render made, and for the how manyth time: 1 the first.
    version: Mapped[int] = mapped_column(default=0)
    rendition: Mapped[Path | None]
    duration: Mapped[float | None]  # s
    width: Mapped[int | None]
    height: Mapped[int | None]
    loudness: Mapped[float | None]  # LUFS, integrated
    # {"start", "end", "reason"} of the original, s: what a person asked to have cut, and what was cut in all (with
    # the automatic cuts, grown to where the stream can be cut)
    cuts: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    made_cuts: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    # {"start": s, "title": str} of the rendition
    chapters: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    published_at: Mapped[datetime | None]

    meeting: Mapped[Meeting | None] = relationship(back_populates="video")
    publications: Mapped[list[Publication]] = relationship(
        back_populates="video", cascade="all, delete-orphan"
    )


class Publication(Base):
    """A rendition on a channel, with its address there."""

    __tablename__ = "publications"
    __table_args__ = (UniqueConstraint("video_id", "channel"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id"))
    channel: Mapped[str] = mapped_column(String(60))
    state: Mapped[PublicationState] = mapped_column(default=PublicationState.WAITING, index=True)
    version: Mapped[int] = mapped_column(default=0)  # the video's that stands there, or is on its way there
    # Local: the folder under archive/; elsewhere: the platform's id, "" until it is known
    address: Mapped[str] = mapped_column(String(500), default="")
    step: Mapped[str] = mapped_column(String(40), default="")  # the one being taken, or that failed
    percent: Mapped[float] = mapped_column(default=0.0)  # of that step
    error: Mapped[str] = mapped_column(Text, default="")
    done: Mapped[list[str]] = mapped_column(default=list)  # the steps taken for this version
    notes: Mapped[dict[str, Any]] = mapped_column(
        default=dict
    )  # step → a sentence on what it had to leave out
    # What the channel asked to have remembered between two tries. May hold a session URI: never shown, never logged
    memory: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # What stood there before: {"address", "until"}; hidden there, kept until the film is deleted
    former: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    # What viewers find there: title, description, duration (s), width, height, chapters
    film: Mapped[dict[str, Any]] = mapped_column(default=dict)
    published_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdraw_reason: Mapped[str] = mapped_column(Text, default="")

    video: Mapped[Video] = relationship(back_populates="publications")


class Broadcast(Base):
    """A meeting on one live platform that keeps broadcasts of its own, as last seen there."""

    __tablename__ = "broadcasts"
    __table_args__ = (UniqueConstraint("meeting_id", "platform"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id"))
    platform: Mapped[str] = mapped_column(String(60))
    # Random; stands in its description there, so that one whose address was lost is found and not made twice
    marker: Mapped[str] = mapped_column(String(32), unique=True)
    address: Mapped[str] = mapped_column(String(100), default="")  # the platform's id, "" until it is known
    state: Mapped[str] = mapped_column(String(20), default="")  # the platform's own word
    health: Mapped[str] = mapped_column(String(20), default="")  # the platform's own word
    told: Mapped[str] = mapped_column(String(64), default="")  # hash of what the platform was last told
    error: Mapped[str] = mapped_column(Text, default="")  # why the last try there failed, one sentence
    live_at: Mapped[datetime | None]  # seen to go live there: where its own recording begins
    ended_at: Mapped[datetime | None]  # seen to be complete there
    deleted_at: Mapped[datetime | None]

    meeting: Mapped[Meeting] = relationship(back_populates="broadcasts")


class ViewerCount(Base):
    """How many watched a meeting on one platform at one instant."""

    __tablename__ = "viewer_counts"

    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id"), primary_key=True)
    platform: Mapped[str] = mapped_column(String(60), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    viewers: Mapped[int | None]  # None: the platform did not say, which is not nobody


class Spending(Base):
    """What was used of a platform's daily allowance."""

    __tablename__ = "spendings"

    project: Mapped[str] = mapped_column(String(100), primary_key=True)  # Google's OAuth client id
    day: Mapped[str] = mapped_column(String(10), primary_key=True)  # in the platform's zone, "2026-11-24"
    bucket: Mapped[str] = mapped_column(
        String(40), primary_key=True
    )  # "units", "videos.insert", "search.list"
    used: Mapped[int] = mapped_column(default=0)


class Statistic(Base):
    """How much a publication was watched in one quarter, as its platform tells."""

    __tablename__ = "statistics"

    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id"), primary_key=True)
    quarter: Mapped[str] = mapped_column(String(6), primary_key=True)  # "2026Q4"
    views: Mapped[int | None]  # None: the platform did not say
    minutes: Mapped[int | None]  # watched
    fetched_at: Mapped[datetime]


class AuditEntry(Base):
    """Who did what, when."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(100))
    what: Mapped[str] = mapped_column(String(60))  # meeting.cancelled, video.approved, …
    subject: Mapped[str] = mapped_column(String(100))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
