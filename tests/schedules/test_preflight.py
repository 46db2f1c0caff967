"""Before a meeting: what is well is said, what is not says what to do."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from broadcast.sampling import Sample
from schedules.alarms.watch import free_bytes
from schedules.database import Database
from schedules.findings import Finding, Level
from schedules.models import LiveProcess, Meeting
from schedules.preflight import check_folder, check_room, preflight, recording_bytes, sources_on_air
from schedules.settings import Live, Picture, Settings, SourceSettings
from schedules.source_check import check_source, judge_picture, judge_sound
from schedules.states import MeetingState
from tests.schedules.meetings import START, new_meeting

HOUR = timedelta(hours=1)
GOOD = Sample(width=1920, height=1080, fps=25, luma_mean=110, luma_std=40, loudness=-30, peak=-12, audio=True)


def faults(findings: list[Finding]) -> list[str]:
    return [finding.part for finding in findings if not finding.ok]


def with_source(settings: Settings, **source: object) -> Settings:
    chosen = SourceSettings.model_validate(source)
    return settings.model_copy(update={"sources": {"test": chosen}})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedules.source_check.SECONDS", 1.0)


def meeting_of(**columns: object) -> Meeting:
    return new_meeting(id=9, **columns)


@pytest.mark.usefixtures("quick")
def test_all_is_well_and_nothing_is_left_behind(settings: Settings) -> None:
    findings = preflight(meeting_of(), settings, START - HOUR)
    assert faults(findings) == []
    assert [finding.part for finding in findings] == [
        "källan test, bild", "källan test, ljud", "disk", "plattformen local", "inspelningen",
    ]  # fmt: skip
    assert not settings.data.exists()


def test_no_camera_no_room_no_platform(settings: Settings) -> None:
    broken = with_source(settings, kind="rtmp", address="rtmp://127.0.0.1:1/x/y")
    broken = broken.model_copy(update={"live": Live(low_disk_gb=free_bytes(settings.data) / 1e9)})
    settings.data.mkdir()
    (settings.data / "live").write_text("a file where a folder should be")
    findings = preflight(meeting_of(platforms=["local", "gone"]), broken, START - HOUR)
    assert faults(findings) == ["källan test", "disk", "plattformen local", "plattformen gone"]
    sentences = " ".join(finding.sentence for finding in findings)
    assert "tar inte emot" in sentences
    assert "flytta eller ta bort filer" in sentences


def test_a_source_that_is_on_air_is_not_opened_twice(sqlite_database: Database, settings: Settings) -> None:
    unreachable = with_source(settings, kind="rtmp", address="rtmp://127.0.0.1:1/x/y")
    with sqlite_database.session() as session:
        meeting = new_meeting(state=MeetingState.PREPARING)
        other = new_meeting(source="other", state=MeetingState.ENDED)
        session.add_all([meeting, other])
        session.flush()
        for id_ in (meeting.id, other.id):
            beat = START - timedelta(seconds=2)
            status = {"source": True}
            session.add(
                LiveProcess(
                    meeting_id=id_, host="h", pid=1, started_at=START, heartbeat_at=beat, status=status
                )
            )
        session.flush()
        captured = sources_on_air(session, START)
        assert set(captured) == {"test"}
        assert sources_on_air(session, START + timedelta(seconds=10)) == {}
    first = preflight(meeting, unreachable, START, captured=captured)[0]
    assert first.ok
    assert "redan öppen för detta sammanträde och ger bild" in first.sentence
    captured["test"].status = {"source": False}
    later = preflight(new_meeting(id=77), unreachable, START, captured=captured)[0]
    assert not later.ok
    assert f"öppen för sammanträde {meeting.id} men ger ingen bild" in later.sentence


def test_twice_the_planned_length_must_fit(settings: Settings) -> None:
    assert recording_bytes(settings, HOUR) == pytest.approx((300 + 64) * 125 * 3600 * 1.06)
    large = settings.model_copy(update={"picture": Picture(video_kbit=50_000), "live": Live(low_disk_gb=0)})
    fits = timedelta(seconds=free_bytes(settings.data) * 8 / 50_128_000 / 1.06 / 2)
    assert check_room(large, fits * 0.9).ok
    assert not check_room(large, fits * 1.1).ok
    assert check_room(large, -HOUR).ok  # past its planned end


def test_a_full_disk_is_seen_though_an_empty_file_can_be_made(tmp_path: Path) -> None:
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", tiny], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount the small disk this test fills")
    try:
        assert check_folder("inspelningen", tiny / "recordings" / "1").ok
        (tiny / "filler").write_bytes(bytes(16 * 1024))
        finding = check_folder("inspelningen", tiny / "recordings" / "1")
        assert not finding.ok
        assert "No space left" in finding.sentence
        assert [file.name for file in tiny.iterdir()] == ["filler"]
    finally:
        subprocess.run(["umount", tiny], check=True)


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, Level.OK, "Bilden är bra (1920×1080, 25 bilder"),
        ({"luma_mean": 16, "luma_std": 0.5}, Level.FAULT, "Bilden är svart"),
        ({"luma_mean": 60, "luma_std": 0.5}, Level.FAULT, "Bilden är enfärgad"),
        ({"luma_mean": 20, "luma_std": 12}, Level.OK, "Bilden är bra"),  # a dark hall with a lamp
        ({"fps": 4.5}, Level.WARNING, "Bilden hackar"),
    ],
)
def test_the_picture(changes: dict[str, float], level: Level, words: str) -> None:
    finding = judge_picture("källan sal", Sample(**{**vars(GOOD), **changes}))
    assert finding.level is level
    assert words in finding.sentence


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, Level.OK, "Ljudet är bra (−30 LUFS)"),
        ({"audio": False, "loudness": -120}, Level.FAULT, "inget ljudspår"),
        ({"loudness": -120, "peak": -120}, Level.FAULT, "alldeles tyst"),
        ({"loudness": -62}, Level.OK, "Ljudet är bra"),  # an empty hall with open microphones
        ({"peak": 0.0}, Level.WARNING, "överstyrt"),
    ],
)
def test_the_sound(changes: dict[str, float], level: Level, words: str) -> None:
    finding = judge_sound("källan sal", Sample(**{**vars(GOOD), **changes}))
    assert finding.level is level
    assert words in finding.sentence


def test_a_source_the_settings_have_lost(settings: Settings) -> None:
    assert "byt till någon av test" in check_source(settings, "gone")[0].sentence


def test_a_secret_address_is_never_shown(settings: Settings) -> None:
    secret = with_source(settings, kind="rtmp", address=SecretStr("rtmp://u:hemligt@127.0.0.1:1/x"))
    (finding,) = check_source(secret, "test")
    assert finding.level is Level.FAULT
    assert "hemligt" not in finding.sentence
