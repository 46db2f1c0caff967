"""Histories of events on air, named, and the alarms that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broadcast.events import (
    BroadcastEnded,
    BroadcastHealth,
    BroadcastSeen,
    EncoderRestarted,
    EncoderSlow,
    Event,
    Gap,
    LinkLost,
    LinkUp,
    NotTaken,
    OnAir,
    PlatformEvent,
    PlatformTrouble,
    PlatformWell,
    ProgramChanged,
    RecordingResumed,
    RecordingStopped,
    SecondMeasured,
    SourceBack,
    SourceLost,
    Taken,
    ViewersCounted,
)
from schedules.alarms import HEADINGS, AlarmKind, AlarmRules, AlarmState, Clear, Raise
from schedules.alarms.rules import CALM_SECONDS, GOOD_SECONDS

START = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
RULES = AlarmRules(after=20, silence_below=-45, platforms={"yt": "Kommunens kanal"})
Maker = Callable[[int], Event]


def second(
    *, loudness: float = -25, black: bool = False, frozen: bool = False, on_air: OnAir = OnAir.SOURCE
) -> Maker:
    return lambda n: SecondMeasured(
        at=START + timedelta(seconds=n),
        frame=n * 25,
        loudness=loudness,
        peak=-10,
        black=black,
        frozen=frozen,
        on_air=on_air,
    )


def event(kind: type[Event], **fields: Any) -> list[Maker]:
    return [lambda n: kind(at=START + timedelta(seconds=n), frame=n * 25, **fields)]


SPEECH, SILENT, BLACK = [second()], [second(loudness=-80)], [second(black=True, frozen=True)]
FROZEN, SLATE_SECOND = [second(frozen=True)], [second(loudness=-120, on_air=OnAir.SLATE)]
SLATE = event(ProgramChanged, on_air=OnAir.SLATE, slate="adjourned")
ROOM = event(ProgramChanged, on_air=OnAir.SOURCE)


def play(history: Iterable[Maker], state: AlarmState | None = None) -> list[str]:
    """The changes of a history, as "index raise kind" and "index clear kind"."""
    state, told = state or AlarmState(), []
    for index, make in enumerate(history):
        state, changes = RULES.observe(make(index), state)
        for change in changes:
            verb = "raise" if isinstance(change, Raise) else "clear"
            told.append(f"{index} {verb} {change.kind}{' ' + change.part if change.part else ''}")
    return told


HISTORIES: dict[str, tuple[list[Maker], list[str]]] = {
    "a good meeting": (ROOM + SPEECH * 100, []),
    "a short silence": (SPEECH * 5 + SILENT * 19 + SPEECH, []),
    "muted microphones": (SPEECH * 5 + SILENT * 60, ["24 raise silence"]),
    "muted, then heard again": (SILENT * 20 + SPEECH * 5, ["19 raise silence", "22 clear silence"]),
    "slow speech with pauses": ((SILENT * 2 + SPEECH) * 50, []),
    "a cough does not end the silence": (SILENT * 20 + SPEECH * 2 + SILENT * 30, ["19 raise silence"]),
    "a cap on the lens": (BLACK * 30, ["19 raise black"]),
    "the camera has hung": (FROZEN * 25 + SPEECH * 3, ["19 raise frozen", "27 clear frozen"]),
    "an adjournment is silent, and nobody minds": (SPEECH * 3 + SLATE + SLATE_SECOND * 300 + ROOM + SPEECH * 5, []),
    "silent before the adjournment": (
        SILENT * 25 + SLATE + SLATE_SECOND * 30 + ROOM + SPEECH * 9,
        ["19 raise silence", "25 clear silence"],
    ),
    "counting begins anew after the adjournment": (SILENT * 15 + SLATE + SLATE_SECOND * 9 + ROOM + SILENT * 15, []),
    "a held frame is neither good nor bad": (
        SILENT * 19 + [second(loudness=-120, on_air=OnAir.HELD)] + SILENT,
        ["20 raise silence"],
    ),
    "the camera dies and comes back": (
        SPEECH * 2 + event(SourceLost, reason="Connection refused") + SLATE + SLATE_SECOND * 20
        + event(SourceBack, seconds=20.4),
        ["2 raise source_lost", "24 clear source_lost"],
    ),
    "the second before the loss is measured after it": (
        event(SourceLost, reason="") + SPEECH * 2 + SLATE + SLATE_SECOND * 5,
        ["0 raise source_lost"],
    ),
    "the platform goes and comes": (
        event(LinkLost, platform="yt", reason="stalled") + event(LinkUp, platform="yt", seconds=9.0),
        ["0 raise link_lost yt", "1 clear link_lost yt"],
    ),
    "one hiccup of the encoder": (event(EncoderSlow, shed=3) + SPEECH * 20, [f"{CALM_SECONDS} clear slow_encoder"]),
    "the encoder cannot keep up, then can": (
        (event(EncoderSlow, shed=3) + SPEECH) * 5 + SPEECH * 12,
        ["4 raise slow_encoder", "18 clear slow_encoder"],
    ),
    "the encoder dies": (
        event(EncoderRestarted, lost=31, reason="signal 9") + SPEECH * 12,
        ["0 raise encoder_restarted", "10 clear encoder_restarted"],
    ),
    "the disk fills and is emptied": (
        event(RecordingStopped, reason="No space left") + SPEECH * 50 + event(RecordingResumed, seconds=50.0),
        ["0 raise recording_stopped", "51 clear recording_stopped"],
    ),
    "a gap": (event(Gap, seconds=2.5) + SPEECH * 10, ["0 raise recording_gap", "10 clear recording_gap"]),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_history(name: str) -> None:
    history, expected = HISTORIES[name]
    assert play(history) == expected


def test_a_new_process_closes_what_the_dead_one_had_raised() -> None:
    kinds = ["silence", "source_lost", "recording_stopped", "a kind of a newer version"]
    told = play(SPEECH * 12, AlarmState.resumed(kinds))
    good = GOOD_SECONDS - 1
    assert told == [
        f"{good} clear silence",
        f"{good} clear source_lost",
        f"{CALM_SECONDS - 1} clear recording_stopped",
    ]


def test_a_new_process_that_cannot_record_either_keeps_the_alarm_open() -> None:
    history = event(RecordingStopped, reason="No space left") + SPEECH * 30
    assert play(history, AlarmState.resumed(["recording_stopped"])) == ["0 raise recording_stopped"]


def test_messages_say_what_to_do_and_name_the_platform() -> None:
    lost = LinkLost(at=START, frame=0, platform="yt", reason="nekad", permanent=True)
    _, changes = RULES.observe(lost, AlarmState())
    assert changes == [
        Clear(kind=AlarmKind.LINK_LOST, part="yt"),
        Raise(
            kind=AlarmKind.LINK_LOST,
            part="yt",
            message="Kommunens kanal nekar sändningen (nekad): kontrollera inloggning och sändningsnyckel för "
            "Kommunens kanal; ett nytt försök görs i minuten och inspelningen fortsätter.",
        ),
    ]
    _, changes = RULES.observe(LinkUp(at=START, frame=0, platform="yt", seconds=0), AlarmState())
    assert changes == [Clear(kind=AlarmKind.LINK_LOST, part="yt")]


def test_the_silence_named_is_the_one_in_the_settings() -> None:
    rules = AlarmRules(after=3, silence_below=-20)
    state = AlarmState()
    for n in range(3):
        state, changes = rules.observe(second(loudness=-25)(n), state)
    assert isinstance(changes[0], Raise)
    assert changes[0].message.startswith("Inget ljud har hörts på 3 sekunder:")


def test_every_kind_has_a_heading() -> None:
    assert set(HEADINGS) == set(AlarmKind)


def test_a_backup_that_is_lost_has_an_alarm_of_its_own() -> None:
    lost = LinkLost(at=START, frame=0, platform="yt", reason="borta", part="backup")
    _, (raised,) = RULES.observe(lost, AlarmState())
    assert isinstance(raised, Raise)
    assert raised.part == "yt backup"
    assert raised.message.startswith("Reservmottagaren hos Kommunens kanal")
    _, changes = RULES.observe(
        LinkUp(at=START, frame=0, platform="yt", seconds=1, part="backup"), AlarmState()
    )
    assert changes == [Clear(kind=AlarmKind.LINK_LOST, part="yt backup")]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            PlatformTrouble(at=START, frame=0, platform="yt", reason="Gör."),
            [(AlarmKind.PLATFORM_TROUBLE, None), (AlarmKind.PLATFORM_TROUBLE, "Gör.")],
        ),
        (PlatformWell(at=START, frame=0, platform="yt"), [(AlarmKind.PLATFORM_TROUBLE, None)]),
        (
            BroadcastHealth(at=START, frame=0, platform="yt", health="bad", fault="Hackar."),
            [(AlarmKind.STREAM_HEALTH, None), (AlarmKind.STREAM_HEALTH, "Hackar.")],
        ),
        (BroadcastHealth(at=START, frame=0, platform="yt", health="good"), [(AlarmKind.STREAM_HEALTH, None)]),
        (NotTaken(at=START, frame=0, platform="yt", seconds=31.2), [(AlarmKind.NOT_TAKEN, "i 31 sekunder")]),
        (Taken(at=START, frame=0, platform="yt"), [(AlarmKind.NOT_TAKEN, None)]),
        (BroadcastEnded(at=START, frame=0, platform="yt", state="gone"), [(AlarmKind.BROADCAST_ENDED, "tagits bort")]),
        (
            BroadcastEnded(at=START, frame=0, platform="yt", state="complete"),
            [(AlarmKind.BROADCAST_ENDED, "avslutats")],
        ),
        (BroadcastSeen(at=START, frame=0, platform="yt", address="x", state="live"), []),
        (ViewersCounted(at=START, frame=0, platform="yt", viewers=None), []),
    ],
)  # fmt: skip
def test_what_is_seen_of_a_platform(
    event: PlatformEvent, expected: list[tuple[AlarmKind, str | None]]
) -> None:
    _, changes = RULES.observe(event, AlarmState())
    assert [(c.kind, c.part) for c in changes] == [(kind, "yt") for kind, _ in expected]
    for change, (_, words) in zip(changes, expected, strict=True):
        assert isinstance(change, Raise if words else Clear)
        assert words is None or words in change.message  # type: ignore[union-attr]
