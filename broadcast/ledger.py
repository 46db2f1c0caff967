"""The ledger of a recording: what each frame was, where the keyframes lie, what was measured, what is missing.

`ledger.jsonl` stands beside `recording.ts`; every line is one fact, appended as it happens, so that a crash loses
at most the line being written. Frames count from the meeting's epoch; frame n has the presentation time
`BASE_SECONDS + n / fps` in `recording.ts`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from broadcast.events import OnAir

RECORDING_NAME = "recording.ts"
LEDGER_NAME = "ledger.jsonl"
PICTURES_NAME = "pictures"  # folder of small JPEGs, one every PICTURE_SECONDS: <frame>.jpg
PICTURE_SECONDS = 10
BASE_SECONDS = 10  # so that the AAC encoder's negative priming time never shifts a segment


@dataclass(frozen=True)
class Run:
    """From frame `start` up to (not with) `end` the program was `on_air`; `slate` names the slate, else empty."""

    start: int
    end: int
    on_air: OnAir
    slate: str


@dataclass(frozen=True)
class Second:
    """One measured second: `loudness` (LUFS, momentary maximum) before and `sent` (ten momentary values, LUFS,
    100 ms apart) after levelling; `peak` in dBFS."""

    second: int
    loudness: float
    peak: float
    black: bool
    frozen: bool
    on_air: OnAir
    sent: tuple[float, ...] = ()


@dataclass(frozen=True)
class Missing:
    """Frames [start, end) are not in the recording, and why."""

    start: int
    end: int
    reason: str


@dataclass
class Ledger:
    """All that was written down. `keyframes`: (frame, byte offset in recording.ts of its first packet), rising;
    each offset begins with PAT and PMT, so that a byte range from it can be demuxed by itself."""

    epoch: datetime
    fps: int
    width: int
    height: int
    runs: list[Run] = field(default_factory=list)
    keyframes: list[tuple[int, int]] = field(default_factory=list)
    seconds: list[Second] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    shed: list[tuple[int, int]] = field(default_factory=list)  # (frame, how many were dropped before it)
    end_frame: int = 0  # first frame that is not in the recording any more
    size: int | None = None  # bytes of recording.ts at its proper end; None: it did not end properly
    sha256: str | None = None

    def at(self, frame: int) -> datetime:
        """When `frame` was on air. Frames that were shed have no number, so they move the later ones."""
        shed = sum(count for before, count in self.shed if before <= frame)
        return self.epoch + timedelta(seconds=(frame + shed) / self.fps)

    def frame_at(self, when: datetime) -> int:
        """The frame on air at `when`."""
        frame = round((when - self.epoch).total_seconds() * self.fps)
        for before, count in self.shed:
            if before <= frame:
                frame = max(frame - count, before)
        return frame


def read_ledger(folder: Path) -> Ledger:
    """Read the ledger of a recording folder. A torn last line (a crash) is passed over.

    Raises FileNotFoundError where there is none, ValueError where it has no header.
    """
    ledger: Ledger | None = None
    changes: list[tuple[int, OnAir, str]] = []
    with (folder / LEDGER_NAME).open(encoding="utf-8") as lines:
        for line in lines:
            try:
                fact = json.loads(line)
            except json.JSONDecodeError:
                continue
            if ledger is None:
                if "epoch" not in fact:
                    raise ValueError(f"{folder / LEDGER_NAME} has no header")
                ledger = Ledger(
                    datetime.fromisoformat(fact["epoch"]), fact["fps"], fact["width"], fact["height"]
                )
            else:
                _take(ledger, changes, fact)
    if ledger is None:
        raise ValueError(f"{folder / LEDGER_NAME} is empty")
    ends = [start for start, _, _ in changes[1:]] + [max(ledger.end_frame, changes[-1][0] if changes else 0)]
    ledger.runs = [
        Run(s, e, what, slate) for (s, what, slate), e in zip(changes, ends, strict=False) if e > s
    ]
    return ledger


def _take(ledger: Ledger, changes: list[tuple[int, OnAir, str]], fact: dict[str, Any]) -> None:
    if "keyframe" in fact:
        ledger.keyframes.append((fact["keyframe"], fact["offset"]))
        ledger.size = ledger.sha256 = None  # an earlier proper end was that of another process
        ledger.end_frame = max(ledger.end_frame, fact["keyframe"])
    elif "second" in fact:
        ledger.seconds.append(
            Second(
                fact["second"],
                fact["loudness"],
                fact["peak"],
                fact["black"],
                fact["frozen"],
                OnAir(fact["on_air"]),
                tuple(fact.get("sent", ())),
            )
        )
    elif "program" in fact:
        changes.append((fact["program"], OnAir(fact["on_air"]), fact["slate"]))
    elif "shed" in fact:
        ledger.shed.append((fact["shed"], fact["frames"]))
    elif "missing" in fact:
        start, end = fact["missing"]
        ledger.missing.append(Missing(start, end, fact["reason"]))
    elif "end" in fact:
        ledger.end_frame = max(ledger.end_frame, fact["end"])
        ledger.size, ledger.sha256 = fact.get("size"), fact.get("sha256")
