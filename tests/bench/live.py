"""The live chain beside one plain ffmpeg that does the same encode, in the same run; and how fast it reacts.

`python -m tests.bench.live chain|plain FILM SECONDS` runs one side alone: the parent measures what it cost.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from broadcast.encoder_arguments import Encoding, x264_options
from broadcast.events import OnAir, ProgramChanged
from broadcast.ffmpeg import find_ffmpeg, run
from broadcast.ledger import read_ledger
from broadcast.onair import Broadcast, Plan
from broadcast.platforms.local import LocalPlatform
from broadcast.slate import Slate, SlateText
from broadcast.source import PictureFormat, Source

PICTURE = PictureFormat(width=1920, height=1080, fps=25)
ENCODING = Encoding(video_kbit=3500, audio_kbit=128)
ROUNDS = 3
SECONDS = 30
MEMORY_SECONDS = 240


def make_film(folder: Path) -> Path:
    """Half a minute of 1080p25 H.264 with sound: the real clip of the camera stand-in, repeated and enlarged."""
    from tests.standins.camera import real_clip

    film = folder / "film.mp4"
    run(find_ffmpeg(), [
        "-stream_loop", "5", "-i", str(real_clip()), "-t", "30", "-vf", "scale=1920:1080,noise=alls=6:allf=t",
        "-r", "25", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "6M", "-g", "50", "-pix_fmt", "yuv420p",
        "-c:a", "aac", "-ac", "2", "-ar", "48000", str(film),
    ], timeout=300)  # fmt: skip
    return film


def plain(film: Path, seconds: float) -> None:
    """One ffmpeg: decode in real time, encode the same, write one transport stream."""
    options = [
        part for key, value in x264_options(ENCODING, PICTURE).items() for part in (f"-{key}", str(value))
    ]
    command = [
        str(find_ffmpeg().path), "-v", "error", "-nostdin", "-y", "-re", "-stream_loop", "-1", "-i", str(film),
        "-t", str(seconds), *options, "-c:a", "aac", "-b:a", "128k", "-f", "mpegts", os.devnull,
    ]  # fmt: skip
    subprocess.run(command, check=True)


def make_plan(folder: Path, source: Source, picture: PictureFormat = PICTURE) -> Plan:
    """A broadcast to this machine's own HLS."""
    return Plan(
        folder=folder / "recording", source=source, picture=picture, encoding=ENCODING,
        slates={slate: SlateText(heading=slate.value) for slate in Slate},
        platforms=(LocalPlatform("local", folder / "live"),), ballast_bytes=1 << 20,
    )  # fmt: skip


def chain(film: Path, seconds: float) -> None:
    """The whole chain for as long; its last line says how many frames were shed or lost."""
    with tempfile.TemporaryDirectory() as folder:
        broadcast = Broadcast(make_plan(Path(folder), Source(kind="file", address=str(film))), find_ffmpeg())
        broadcast.show(None)
        broadcast.start(now=datetime.now(UTC))
        time.sleep(seconds)
        broadcast.stop()
        status = broadcast.status()
        sys.stdout.write(f"{status['shed']} {status['lost']}\n")


def _cost(side: str, film: Path, seconds: float) -> tuple[float, str]:
    """CPU seconds, of the process and all it waited for, per second of film."""
    begun = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.live", side, str(film), str(seconds)],
        check=True,
        capture_output=True,
        text=True,
    )
    ended = os.times()
    used = (ended.children_user - begun.children_user) + (ended.children_system - begun.children_system)
    return used / seconds, done.stdout.strip()


def compare_cpu(film: Path) -> dict[str, Any]:
    """CPU of the chain against the plain encode, alternating."""
    ratios, chains, plains, shed = [], [], [], []
    for _ in range(ROUNDS):
        plains.append(_cost("plain", film, SECONDS)[0])
        used, said = _cost("chain", film, SECONDS)
        chains.append(used)
        shed.append(said)
        ratios.append(chains[-1] / plains[-1])
    return {
        "chain_cores": round(statistics.median(chains), 3), "plain_cores": round(statistics.median(plains), 3),
        "ratio": round(statistics.median(ratios), 2), "limit": 1.6, "shed_and_lost": shed,
    }  # fmt: skip


def _first(
    broadcast: Broadcast, wanted: Callable[[ProgramChanged], bool], seconds: float = 20
) -> ProgramChanged:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for event in broadcast.events():
            if isinstance(event, ProgramChanged) and wanted(event):
                return event
        time.sleep(0.02)
    raise TimeoutError("the program did not change")


def reactions() -> dict[str, Any]:
    """Seconds from the camera's death to the slate and from its return to the picture; from command to slate."""
    from tests.standins.camera import Camera

    camera = Camera()
    camera.start()
    lost, back, asked = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        picture = PictureFormat(width=640, height=360, fps=25)
        broadcast = Broadcast(
            make_plan(Path(folder), Source(kind="srt", address=camera.address), picture), find_ffmpeg()
        )
        broadcast.show(None)
        broadcast.start(now=datetime.now(UTC))
        _first(broadcast, lambda e: e.on_air is OnAir.SOURCE)
        for _ in range(3):
            time.sleep(2)
            died = datetime.now(UTC)
            camera.pull_the_plug()
            lost.append((_first(broadcast, lambda e: e.on_air is OnAir.SLATE).at - died).total_seconds())
            time.sleep(2)
            returned = datetime.now(UTC)
            camera.start()
            back.append((_first(broadcast, lambda e: e.on_air is OnAir.SOURCE).at - returned).total_seconds())
            pressed = datetime.now(UTC)
            broadcast.show(Slate.ADJOURNED)
            asked.append((_first(broadcast, lambda e: e.slate == "adjourned").at - pressed).total_seconds())
            broadcast.show(None)
        broadcast.stop()
        missing = len(read_ledger(broadcast.plan.folder).missing)
    camera.close()
    return {
        "slate_after_loss_s": [round(s, 2) for s in lost], "limit": 1.0,
        "picture_after_return_s": [round(s, 2) for s in back],
        "slate_after_command_s": [round(s, 3) for s in asked], "gaps": missing,
    }  # fmt: skip


def memory(film: Path) -> dict[str, Any]:
    """Resident memory of the live process, early and late: it must not grow."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.live", "chain", str(film), str(MEMORY_SECONDS)],
        stdout=subprocess.DEVNULL,
    )
    samples = []
    for _ in range(MEMORY_SECONDS // 10 - 1):
        time.sleep(10)
        samples.append(_resident_mb(child.pid))
    child.wait()
    early, late = statistics.mean(samples[1:4]), statistics.mean(samples[-3:])
    return {
        "samples_mb": [round(s) for s in samples],
        "early_mb": round(early),
        "late_mb": round(late),
        "growth": round(late / early, 2),
        "limit": 1.1,
    }


def _resident_mb(pid: int) -> float:
    line = next(
        part for part in Path(f"/proc/{pid}/status").read_text().splitlines() if part.startswith("VmRSS")
    )
    return int(line.split()[1]) / 1024


def measure() -> dict[str, Any]:
    """All figures of the live side."""
    with tempfile.TemporaryDirectory() as folder:
        film = make_film(Path(folder))
        return {"cpu": compare_cpu(film), "reactions": reactions(), "memory": memory(film)}


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    side, film_name, seconds_text = sys.argv[1:4]
    {"plain": plain, "chain": chain}[side](Path(film_name), float(seconds_text))
