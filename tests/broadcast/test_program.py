"""The program's clock and choices, frame by frame, with a time and a source of the test's own."""

from __future__ import annotations

from collections import deque

import pytest

from broadcast.capture import Moment
from broadcast.events import OnAir
from broadcast.frames import Picture
from broadcast.program import Program, Shown
from broadcast.slate import Slate
from broadcast.source import PictureFormat

FORMAT = PictureFormat(width=16, height=16, fps=25)
FRAME = 1 / 25


class Room:
    """A source whose every frame carries the time at which it was seen."""

    def __init__(self) -> None:
        self.moments: deque[Moment] = deque()
        self.now = 100.0

    @property
    def queued(self) -> int:
        return len(self.moments)

    def see(self, count: int = 1) -> None:
        for _ in range(count):
            seen = int(self.now * 25) % 256
            self.moments.append(Moment(Picture(bytearray([seen])), b"s", self.now))

    def take(self) -> Moment | None:
        return self.moments.popleft() if self.moments else None

    def drop_older(self, than: float) -> None:
        while self.moments and self.moments[0].arrived < than:
            self.moments.popleft()


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def program(room: Room) -> Program:
    slates = {slate: Picture(bytearray(slate.value.encode())) for slate in Slate}
    return Program(FORMAT, room, slates, lambda shown: None, on_skip=lambda n: None, clock=lambda: room.now)  # type: ignore[arg-type]


def run(program: Program, room: Room, frames: int, *, alive: bool = True) -> list[Shown]:
    shown = []
    for _ in range(frames):
        if alive:
            room.see()
        shown.append(program.next_frame())
        room.now += FRAME
    return shown


def kinds(shown: list[Shown]) -> list[str]:
    return [frame.slate or frame.on_air.value for frame in shown]


def test_waits_with_a_slate_until_the_source_is_asked_for(program: Program, room: Room) -> None:
    assert set(kinds(run(program, room, 10))) == {"waiting"}
    program.show_source()
    after = kinds(run(program, room, 10))
    assert after[-1] == "source"
    assert after.index("source") <= 3


def test_holds_the_last_frame_then_shows_a_slate_within_half_a_second(program: Program, room: Room) -> None:
    program.show_source()
    run(program, room, 10)
    dead = kinds(run(program, room, 40, alive=False))
    assert "held" in dead
    assert dead.index("source-lost") * FRAME <= 0.6
    assert dead[-1] == "source-lost"


def test_the_source_comes_back_by_itself(program: Program, room: Room) -> None:
    program.show_source()
    run(program, room, 10)
    run(program, room, 50, alive=False)
    assert kinds(run(program, room, 10))[-1] == "source"


def test_a_slate_and_its_silence_come_with_the_next_frame(program: Program, room: Room) -> None:
    program.show_source()
    run(program, room, 10)
    program.show_slate(Slate.CLOSED)
    (first,) = run(program, room, 1)
    assert first.slate == "closed"
    assert first.sound == bytes(FORMAT.sound_bytes)


@pytest.mark.parametrize("guard", [0.0, 1.5])
def test_nothing_seen_in_a_closed_session_ever_comes_out(program: Program, room: Room, guard: float) -> None:
    program.show_source()
    run(program, room, 10)
    closed_from = room.now
    program.show_slate(Slate.CLOSED)
    run(program, room, 30)
    room.see(20)  # a queue left over from the closed session
    closed_to = room.now
    program.show_source(guard=guard)
    shown = [f for f in run(program, room, 60) if f.on_air is OnAir.SOURCE]
    forbidden = {int(t * 25) % 256 for t in _frames(closed_from, closed_to + guard - FRAME)}
    assert shown, "the source must come back"
    assert not {bytes(f.picture.data)[0] for f in shown} & forbidden


def _frames(start: float, end: float) -> list[float]:
    return [start + i * FRAME for i in range(int((end - start) / FRAME))]


def test_the_old_slate_stays_while_the_source_is_on_its_way(program: Program, room: Room) -> None:
    program.show_slate(Slate.ADJOURNED)
    run(program, room, 5)
    program.show_source()
    assert set(kinds(run(program, room, 20, alive=False))) == {"adjourned"}
    assert kinds(run(program, room, 80, alive=False))[-1] == "source-lost"


def test_a_faster_source_never_makes_the_queue_grow(program: Program, room: Room) -> None:
    program.show_source()
    run(program, room, 5)
    for _ in range(40):
        room.see(2)
        run(program, room, 20)
    assert room.queued < 20
