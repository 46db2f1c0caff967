"""The whole story, from the calendar to the archive, on a real camera, real processes and a real browser."""

from __future__ import annotations

import os
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser

from broadcast.ledger import read_ledger
from schedules.models import Meeting, Video
from schedules.states import CommandKind, MeetingState, VideoState
from tests.house import House
from tests.standins.camera import Camera, shows_secret

FAULTS = ("capture", "encoder", "pusher", "live", "scheduler", "worker", "web")

PLAYED = """async () => {
  const video = document.querySelector('video');
  video.muted = false;
  await video.play();
  const context = new AudioContext();
  const meter = context.createAnalyser();
  const from = context.createMediaElementSource(video);
  from.connect(meter);
  const look = () => {
    const canvas = document.createElement('canvas');
    canvas.width = 32; canvas.height = 18;
    const pen = canvas.getContext('2d');
    pen.drawImage(video, 0, 0, 32, 18);
    return Array.from(pen.getImageData(0, 0, 32, 18).data);
  };
  const first = look(), begun = video.currentTime;
  let energy = 0;
  for (let i = 0; i < 20; i++) {
    await new Promise(done => setTimeout(done, 100));
    const samples = new Float32Array(meter.fftSize);
    meter.getFloatTimeDomainData(samples);
    energy = Math.max(energy, Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length));
  }
  const last = look();
  return {
    moved: video.currentTime - begun,
    differs: first.reduce((sum, x, i) => sum + Math.abs(x - last[i]), 0),
    energy, duration: video.duration,
  };
}"""


@pytest.fixture
def camera() -> Iterator[Camera]:
    camera = Camera()
    camera.start()
    yield camera
    camera.close()


@pytest.fixture
def house(tmp_path: Path, camera: Camera) -> Iterator[House]:
    house = House(tmp_path, camera.address)
    house.start()
    house.until_open()
    yield house
    house.close()


def published(meeting: Meeting) -> bool:
    return meeting.video is not None and meeting.video.state is VideoState.PUBLISHED


def video_of(house: House, meeting: int) -> Video:
    with house.database.session() as session:
        video = session.get_one(Meeting, meeting).video
        assert video is not None
        return video


@pytest.mark.browser
def test_from_the_calendar_to_the_archive(house: House, camera: Camera, browser: Browser) -> None:
    meeting = house.plan(starts_in=2)
    house.until(lambda m: m.state is MeetingState.LIVE, meeting, 40)
    house.mark(meeting, 1)
    time.sleep(3)
    house.order(meeting, CommandKind.ADJOURN)
    time.sleep(1)
    house.order(meeting, CommandKind.RESUME)
    house.mark(meeting, 2)
    camera.pull_the_plug()
    time.sleep(10)
    camera.start()
    house.until(lambda m: [o.kind for o in m.observations].count("source_back") == 1, meeting)
    time.sleep(1)
    house.order(meeting, CommandKind.CLOSE)
    camera.view = "secret"
    time.sleep(3)
    camera.view = "room"
    house.order(meeting, CommandKind.RESUME)
    house.mark(meeting, 3)
    time.sleep(3)
    with (
        house.database.session() as session
    ):  # the time is moved forward; the room's own silence then ends it
        session.get_one(Meeting, meeting).planned_end = datetime.now(UTC)
    camera.view = "quiet"
    house.until(lambda m: m.state is MeetingState.ENDED, meeting, 60)
    house.until(published, meeting, 60)

    film = house.settings.archive_folder(video_of(house, meeting).key) / "video.mp4"
    folder = house.settings.recording_folder(meeting)
    pictures = [*house.settings.live_folder(meeting).glob("*.ts"), folder / "recording.ts", film]
    assert not [path.name for path in pictures if shows_secret(path)]
    assert read_ledger(folder).missing == [], "no frame of the recording was lost"
    with av.open(str(film)) as opened:
        chapters = [chapter["metadata"]["title"] for chapter in opened.chapters()]
    assert chapters == ["Ärende 1", "Ärende 2", "Ärende 3"]

    page = browser.new_page()
    page.goto(f"{house.address}/sammantraden/{meeting}")
    seen = page.evaluate(PLAYED)
    assert seen["moved"] > 1
    assert seen["differs"] > 500, "the picture must move"
    assert seen["energy"] > 0.003, "the sound must be heard"
    assert page.get_by_role("link", name="Ärende 2").count() >= 1
    page.close()


def newest_segment(house: House, meeting: int) -> str:
    """The last line of the playlist as a viewer gets it, or nothing where the page does not answer."""
    try:
        with urllib.request.urlopen(f"{house.address}/live/{meeting}/index.m3u8", timeout=2) as answer:
            lines = answer.read().decode().split()
    except OSError:
        return ""
    return next((line for line in reversed(lines) if line.endswith(".ts")), "")


def outside(house: House, meeting: int) -> float:
    """Watch as a viewer does until all is well again: the longest time without a new segment, beyond the two to four
    seconds that lie between two of them."""
    longest, last = 0.0, ""
    begun = since = time.monotonic()
    while True:
        now, newest = time.monotonic(), newest_segment(house, meeting)
        if newest and newest != last:
            longest = max(longest, now - since)
            last, since = newest, now
            if now - begun > 6 and house.beats():
                return max(0.0, longest - 4.0)
        assert now - begun < 60, f"no new segment for {now - since:.0f} s"
        time.sleep(0.1)


def test_any_part_may_be_killed_in_the_middle_of_a_meeting(house: House, camera: Camera) -> None:
    meeting = house.plan(starts_in=2)
    house.until(lambda m: m.state is MeetingState.LIVE, meeting, 40)
    time.sleep(4)
    folder = house.settings.recording_folder(meeting)
    table = []
    for fault in (*FAULTS, "all"):
        lost = sum(m.end - m.start for m in read_ledger(folder).missing)
        parts = ("run", *FAULTS[3:], *FAULTS[:3]) if fault == "all" else (fault,)
        for pid in [pid for part in parts for pid in house.pids(part)]:
            os.kill(pid, signal.SIGKILL)
        if fault == "all":
            house.start()  # what systemd does
        dark = outside(house, meeting)
        lost_now = sum(m.end - m.start for m in read_ledger(folder).missing) - lost
        table.append((fault, round(dark, 1), lost_now))
    for fault, seconds, frames in table:
        sys.stdout.write(f"{fault:10} {seconds:5.1f} s without picture outside {frames:4} frames lost\n")
    house.order(meeting, CommandKind.END)
    house.until(published, meeting, 60)
    by_fault = {fault: frames for fault, _, frames in table}
    assert {fault for fault, frames in by_fault.items() if frames} <= {"encoder", "live", "all"}
    assert by_fault["encoder"] < 4 * 25
    assert by_fault["live"] < 12 * 25
    assert by_fault["all"] < 25 * 25
    gaps = video_of(house, meeting).gaps
    assert sum(gap["seconds"] for gap in gaps) * 25 == pytest.approx(sum(by_fault.values()), abs=5)
    assert (house.settings.archive_folder(video_of(house, meeting).key) / "video.mp4").exists()
