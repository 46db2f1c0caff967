"""Any part may be killed in the middle of a meeting, or all of them; after the gavel too."""

from __future__ import annotations

import os
import signal
import sys
import time
import urllib.request

import pytest

from broadcast.ledger import read_ledger
from schedules.states import CommandKind, MeetingState
from tests.house import House, published, video_of

FAULTS = ("capture", "encoder", "pusher", "live", "scheduler", "worker", "web")


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


def test_any_part_may_be_killed_in_the_middle_of_a_meeting(running_house: House) -> None:
    house = running_house
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
    house.until(lambda m: m.video is not None, meeting)
    for pid in [pid for part in ("run", "scheduler", "worker", "web") for pid in house.pids(part)]:
        os.kill(pid, signal.SIGKILL)
    house.start()
    house.until(published, meeting, 90)
    by_fault = {fault: frames for fault, _, frames in table}
    assert {fault for fault, frames in by_fault.items() if frames} <= {"encoder", "live", "all"}
    assert by_fault["encoder"] < 4 * 25
    assert by_fault["live"] < 12 * 25
    assert by_fault["all"] < 25 * 25
    gaps = video_of(house, meeting).gaps
    assert sum(gap["seconds"] for gap in gaps) * 25 == pytest.approx(sum(by_fault.values()), abs=5)
    assert (house.settings.archive_folder(video_of(house, meeting).key) / "video.mp4").exists()
