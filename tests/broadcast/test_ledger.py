"""The ledger as it is written on air and read after the gavel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broadcast.events import OnAir
from broadcast.ledger import LEDGER_NAME, Missing, Run, read_ledger
from broadcast.recording import LedgerWriter

EPOCH = datetime(2026, 11, 25, 16, 45, tzinfo=UTC)


def begun(folder: Path) -> LedgerWriter:
    writer = LedgerWriter(folder)
    writer.write(epoch=EPOCH.isoformat(), fps=25, width=320, height=180)
    return writer


def test_what_is_written_is_read(tmp_path: Path) -> None:
    writer = begun(tmp_path)
    writer.write(program=0, on_air="slate", slate="waiting")
    writer.write(keyframe=0, offset=0)
    writer.write(program=100, on_air="source", slate="")
    writer.write(keyframe=100, offset=18800)
    writer.write(missing=[150, 175], reason="encoder")
    writer.write(
        second=4, loudness=-23.0, peak=-6.0, black=False, frozen=False, on_air="source", sent=[-16.0] * 10
    )
    writer.write(end=200, size=37600, sha256="ab")
    ledger = read_ledger(tmp_path)
    assert ledger.runs == [Run(0, 100, OnAir.SLATE, "waiting"), Run(100, 200, OnAir.SOURCE, "")]
    assert ledger.keyframes == [(0, 0), (100, 18800)]
    assert ledger.missing == [Missing(150, 175, "encoder")]
    assert (ledger.end_frame, ledger.size, ledger.sha256) == (200, 37600, "ab")
    assert ledger.seconds[0].sent == (-16.0,) * 10


def test_a_torn_line_costs_itself_alone(tmp_path: Path) -> None:
    begun(tmp_path).write(keyframe=0, offset=0)
    with (tmp_path / LEDGER_NAME).open("ab") as file:
        file.write(b'{"keyframe": 50, "off')
    LedgerWriter(tmp_path).write(keyframe=100, offset=18800)
    assert read_ledger(tmp_path).keyframes == [(0, 0), (100, 18800)]


def test_an_earlier_process_s_end_is_not_the_recording_s(tmp_path: Path) -> None:
    writer = begun(tmp_path)
    writer.write(keyframe=0, offset=0)
    writer.write(end=50, size=188, sha256="ab")
    writer.write(keyframe=100, offset=188)
    ledger = read_ledger(tmp_path)
    assert (ledger.size, ledger.sha256) == (None, None)


def test_frames_that_were_shed_move_the_clock(tmp_path: Path) -> None:
    writer = begun(tmp_path)
    writer.write(keyframe=0, offset=0)
    writer.write(shed=100, frames=25)
    ledger = read_ledger(tmp_path)
    assert ledger.at(50) == EPOCH + timedelta(seconds=2)
    assert ledger.at(100) == EPOCH + timedelta(seconds=5)
    for frame in (0, 99, 100, 250):
        assert ledger.frame_at(ledger.at(frame)) == frame


@pytest.mark.parametrize("content", ["", '{"keyframe": 0, "offset": 0}\n'])
def test_a_ledger_without_its_header_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / LEDGER_NAME).write_text(content)
    with pytest.raises(ValueError, match=r"ledger\.jsonl"):
        read_ledger(tmp_path)
