"""The whole story, from the calendar to the archive, on a real camera, real processes and a real browser."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import av
import pytest
from playwright.sync_api import Browser

from broadcast.ledger import read_ledger
from schedules.models import Meeting
from schedules.states import CommandKind, MeetingState
from tests.house import House, published, video_of
from tests.standins.camera import Camera, shows_secret

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


@pytest.mark.browser
def test_from_the_calendar_to_the_archive(running_house: House, camera: Camera, browser: Browser) -> None:
    house = running_house
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
