"""From the gavel to the finished file, against a plain remux of the same recording.

`python -m tests.bench.post --hours 1`. The yardstick, `ffmpeg -c copy -movflags +faststart`, runs before each of our
runs, on the same warm page cache; what counts is the ratio of the medians. The recording repeats ten minutes of
espeak-ng speech over 24 dB and one encoded minute of picture by stream copy.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import ffmpeg as build
import numpy as np

from broadcast.cuts import Cut, shifted
from broadcast.encoder_arguments import Encoding, x264_options
from broadcast.events import OnAir
from broadcast.ffmpeg import arguments, find_ffmpeg
from broadcast.ledger import BASE_SECONDS, LEDGER_NAME, RECORDING_NAME, read_ledger
from broadcast.loudness import integrated
from broadcast.recording import LedgerWriter, frame_of
from broadcast.recording_check import verify
from broadcast.rendition import Rendered, render
from broadcast.source import PictureFormat
from broadcast.transport import TransportReader
from tests.standins.recorder import momentary
from tests.standins.speech import RATE, SpokenTurn, meeting

FPS, SIZE = 25, (1920, 1080)
LOOP = 600  # s: 28,125 AAC packets and 15,000 frames, both whole
SPREAD = 24.0  # dB between the quietest and the loudest speaker
LIMITS = {"keyframes": 1.25, "exact": 2.0, "levelled": 7.0}


def run(
    hours: float, *, folder: Path | None = None, rounds: int = 3, cases: Sequence[str] = tuple(LIMITS)
) -> dict[str, Any]:
    """Measure. {"hours", "gigabytes", case: {"seconds", "remux", "ratio", "limit"}, and for "levelled" also
    "integrated" (LUFS), "true_peak" (dBTP), "spread" (dB, standard deviation between turns)}."""
    work = Path(tempfile.mkdtemp(prefix="laktare-bench-", dir=folder))
    try:
        recording, turns, values = make_recording(work, hours)
        source = recording / RECORDING_NAME
        result: dict[str, Any] = {"hours": hours, "gigabytes": round(source.stat().st_size / 1e9, 2)}
        _remux(source, work / "warm.mp4")  # so that both find the recording in the page cache
        for case in cases:
            _write_levels(recording, values if case == "levelled" else np.full(len(values), -16.0))
            out = work / f"{case}.mp4"
            ours, theirs = [], []
            for _ in range(rounds):
                theirs.append(_remux(source, work / "remux.mp4"))
                ours.append(_process(recording, out, hours, exact=case == "exact"))
            seconds, remux = statistics.median(ours), statistics.median(theirs)
            ratio = statistics.median(o / t for o, t in zip(ours, theirs, strict=True))
            result[case] = {
                "seconds": round(seconds, 2), "remux": round(remux, 2), "ratio": round(ratio, 2), "limit": LIMITS[case],
            }  # fmt: skip
            if case == "levelled":
                result[case] |= _heard(out, turns, _cuts(hours, exact=False), hours)
            out.unlink()
        return result
    finally:
        shutil.rmtree(work, ignore_errors=True)


def make_recording(work: Path, hours: float) -> tuple[Path, list[SpokenTurn], Any]:
    """(the recording's folder, the turns of one loop, momentary loudness each 100 ms of the whole)."""
    work.mkdir(parents=True, exist_ok=True)
    levels = np.random.default_rng(7).uniform(4 - SPREAD, 4, 200)
    sound, turns = meeting(list(levels))
    sound = sound[: LOOP * RATE]
    assert len(sound) == LOOP * RATE
    turns = [turn for turn in turns if turn.end < LOOP - 1]
    loop = _encode_loop(work, sound)
    loops = max(1, round(hours * 3600 / LOOP))
    recording = work / "recording"
    recording.mkdir()
    _repeat(loop, recording, loops)
    loop.unlink()
    return recording, turns, np.tile(np.array(momentary(sound)), loops)


def _encode_loop(work: Path, sound: Any) -> Path:
    ffmpeg = str(find_ffmpeg().path)
    minute, raw, loop = work / "minute.ts", work / "sound.f32", work / "loop.ts"
    picture = build.input(f"testsrc2=size={SIZE[0]}x{SIZE[1]}:rate={FPS}:duration=60", f="lavfi").filter(
        "noise", alls=6, allf="t"
    )
    options = x264_options(Encoding(video_kbit=3500), PictureFormat(width=SIZE[0], height=SIZE[1], fps=FPS))
    _ffmpeg(ffmpeg, build.output(picture, str(minute), f="mpegts", muxdelay=0, muxpreload=0, **options))
    sound.tofile(raw)
    audio = build.input(str(raw), f="f32le", ar=RATE, ac=2)
    _ffmpeg(ffmpeg, build.output(audio["a"], str(work / "sound.m4a"), **{"c:a": "aac", "b:a": "128k"}))
    # Picture and sound are put together with whole-frame times, which looping in ffmpeg does not give.
    with av.open(str(loop), "w", format="mpegts") as out, av.open(str(work / "sound.m4a")) as spoken:
        with av.open(str(minute)) as seen:
            video = out.add_stream_from_template(seen.streams.video[0])
        heard = out.add_stream_from_template(spoken.streams.audio[0])
        sounds = (p for p in spoken.demux(audio=0) if p.pts is not None and 0 <= p.pts < LOOP * RATE)
        for n in range(LOOP // 60):
            with av.open(str(minute)) as seen:
                base = seen.streams.video[0].start_time or 0
                for packet in seen.demux(video=0):
                    if packet.pts is None or packet.dts is None:
                        continue
                    shift = (BASE_SECONDS + n * 60) * 90_000 - base
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, video
                    until = packet.dts / 90_000 - BASE_SECONDS
                    out.mux_one(packet)
                    _mux_until(out, heard, sounds, until)
        _mux_until(out, heard, sounds, LOOP + 1)
    for file in (minute, raw, work / "sound.m4a"):
        file.unlink()
    return loop


def _mux_until(out: Any, stream: Any, sounds: Any, until: float) -> None:
    last = -1.0
    while last < until and (packet := next(sounds, None)) is not None:
        last = packet.pts / RATE
        packet.pts += BASE_SECONDS * RATE
        packet.dts = packet.pts
        packet.stream = stream
        out.mux_one(packet)


class _Recorder:
    """Takes the transport stream as the live engine does: tables before each keyframe, a ledger beside it."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / RECORDING_NAME).open("wb")
        self._ledger = LedgerWriter(folder)
        self._reader = TransportReader()
        self._checksum = hashlib.sha256()
        self.size = 0
        self._ledger.write(
            epoch=datetime(2026, 9, 30, 16, tzinfo=UTC).isoformat(), fps=FPS, width=SIZE[0], height=SIZE[1]
        )
        self._ledger.write(program=0, on_air=OnAir.SOURCE, slate="")

    def write(self, data: bytes) -> int:
        piece = self._reader.feed(bytes(data))
        for shown in piece.pictures:
            if shown.key:
                self._ledger.write(keyframe=frame_of(shown.time, FPS), offset=self.size + shown.offset)
        self._checksum.update(piece.data)
        self.size += self._file.write(piece.data)
        return len(data)

    def end(self, frames: int) -> None:
        self._file.close()
        self._ledger.write(end=frames, size=self.size, sha256=self._checksum.hexdigest())


def _repeat(loop: Path, folder: Path, loops: int) -> None:
    recorder = _Recorder(folder)
    with av.open(recorder, "w", format="mpegts") as out:
        with av.open(str(loop)) as first:
            streams = {
                s.index: out.add_stream_from_template(s)
                for s in (first.streams.video[0], first.streams.audio[0])
            }
        for n in range(loops):
            with av.open(str(loop)) as again:
                for packet in again.demux():
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts += n * LOOP * 90_000
                    packet.dts += n * LOOP * 90_000
                    packet.stream = streams[packet.stream_index]
                    out.mux_one(packet)
    recorder.end(loops * LOOP * FPS)


def _write_levels(recording: Path, values: Any) -> None:
    """Put these momentary values into the ledger, in place of those that are there."""
    path = recording / LEDGER_NAME
    kept = [line for line in path.read_text().splitlines() if not line.startswith('{"second"')]
    path.write_text("\n".join(kept) + "\n")
    lines = [
        {
            "second": n, "loudness": float(values[10 * n : 10 * n + 10].max()), "peak": -3.0,
            "black": False, "frozen": False, "on_air": "source",
            "sent": [round(float(v), 1) for v in values[10 * n : 10 * n + 10]],
        }
        for n in range(len(values) // 10)
    ]  # fmt: skip
    with path.open("a") as file:
        file.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def _cuts(hours: float, *, exact: bool) -> list[Cut]:
    """Head, adjournment, closed session and tail, a tenth of the recording together."""
    end = round(hours * 3600 / LOOP) * LOOP
    off = 0.56 if exact else 0.0
    return [
        Cut(0, 0.02 * end + off, "head"), Cut(0.3 * end + off, 0.33 * end + off, "adjourned"),
        Cut(0.6 * end + off, 0.63 * end + off, "closed"), Cut(0.98 * end + off, end, "tail"),
    ]  # fmt: skip


def _process(recording: Path, out: Path, hours: float, *, exact: bool) -> float:
    """Verify and render; the seconds it took."""
    out.unlink(
        missing_ok=True
    )  # the yardstick's file is gone too: neither may crowd the recording out of the cache
    start = time.monotonic()
    for _ in verify(recording):
        pass
    ledger = read_ledger(recording)
    cuts = _cuts(hours, exact=exact)
    *_, last = render(
        recording, cuts=cuts, chapters=[], out=out, ffmpeg=find_ffmpeg(), exact=exact, ledger=ledger
    )
    assert isinstance(last, Rendered)
    return time.monotonic() - start


def _heard(out: Path, turns: Sequence[SpokenTurn], cuts: Sequence[Cut], hours: float) -> dict[str, float]:
    """What a listener's meter says: integrated loudness and true peak of the whole, spread of some loops' turns."""
    meter: list[str | Path] = [
        "-hide_banner",
        "-nostats",
        "-vn",
        "-i",
        out,
        "-af",
        "ebur128=peak=true:framelog=verbose",
        "-f",
        "null",
        "-",
    ]
    said = subprocess.run([find_ffmpeg().path, *meter], capture_output=True, text=True, check=True).stderr
    whole = re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1]
    peak = re.findall(r"Peak:\s+(-?[\d.]+) dBFS", said)[-1]
    with av.open(str(out)) as container:
        resampler = av.AudioResampler(format="flt", layout="stereo", rate=RATE)
        parts = []
        for frame in container.decode(audio=0):
            if frame.time is not None and frame.time > 2 * LOOP:
                break
            parts += [part.to_ndarray().reshape(-1, 2) for part in resampler.resample(frame)]
    values = np.array(momentary(np.concatenate(parts)))
    levels = []
    for n in range(2):
        for turn in turns:
            start, end = n * LOOP + turn.start, n * LOOP + turn.end
            if any(cut.start < end and cut.end > start for cut in cuts):
                continue
            window = values[int(shifted(start, cuts) * 10) + 4 : int(shifted(end, cuts) * 10) - 1]
            level = integrated(window)
            if level is not None:
                levels.append(level)
    return {"integrated": float(whole), "true_peak": float(peak), "spread": round(float(np.std(levels)), 2)}


def _remux(source: Path, out: Path) -> float:
    """The yardstick; the seconds it took."""
    start = time.monotonic()
    copy: list[str | Path] = ["-v", "error", "-y", "-i", source, "-c", "copy", "-movflags", "+faststart", out]
    subprocess.run([find_ffmpeg().path, *copy], check=True)
    seconds = time.monotonic() - start
    out.unlink()
    return seconds


def _ffmpeg(binary: str, stream: Any) -> None:
    subprocess.run([binary, "-v", "error", "-y", *arguments(stream)], check=True)


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", default=",".join(LIMITS))
    parser.add_argument("--folder", type=Path, default=None, help="where there is room: about 3.5 GB an hour")
    given = parser.parse_args()
    result = run(given.hours, folder=given.folder, rounds=given.rounds, cases=given.cases.split(","))
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
