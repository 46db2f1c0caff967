"""Which events on air raise an alarm and which clear it. Pure: the same history always gives the same alarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from broadcast.events import (
    EncoderRestarted,
    EncoderSlow,
    Event,
    Gap,
    LinkLost,
    LinkUp,
    OnAir,
    PlatformEvent,
    ProgramChanged,
    RecordingResumed,
    RecordingStopped,
    SecondMeasured,
    SourceBack,
    SourceLost,
)
from schedules.alarms.changes import Change as Change
from schedules.alarms.changes import Clear as Clear
from schedules.alarms.changes import Raise as Raise
from schedules.alarms.kinds import AlarmKind
from schedules.alarms.platform_rules import platform_changes

GOOD_SECONDS = 3  # picture and sound are well again after so many good seconds in a row
CALM_SECONDS = (
    10  # what has no event for its end (a slow encoder) is over after so many seconds without a new one
)
SLOW_SECONDS = (
    3  # with dropped frames and without CALM_SECONDS between them, until the encoder is called slow
)

ON_AIR_KINDS = frozenset(
    {
        AlarmKind.SILENCE, AlarmKind.BLACK, AlarmKind.FROZEN, AlarmKind.SOURCE_LOST, AlarmKind.LINK_LOST,
        AlarmKind.SLOW_ENCODER, AlarmKind.ENCODER_RESTARTED, AlarmKind.RECORDING_STOPPED, AlarmKind.RECORDING_GAP,
        AlarmKind.NOT_ON_AIR, AlarmKind.LIVE_PROCESS_DEAD, AlarmKind.PREFLIGHT, AlarmKind.PLATFORM_TROUBLE,
        AlarmKind.STREAM_HEALTH, AlarmKind.NOT_TAKEN, AlarmKind.BROADCAST_ENDED, AlarmKind.NOT_ANNOUNCED,
    }
)  # fmt: skip
"""What no longer matters once its meeting has ended."""

_CALMED = frozenset({AlarmKind.SLOW_ENCODER, AlarmKind.ENCODER_RESTARTED, AlarmKind.RECORDING_GAP})


@dataclass(frozen=True)
class Watch:
    """One thing measured every second: seconds in a row it has been bad, and good; whether its alarm is open."""

    bad: int = 0
    good: int = 0
    alarmed: bool = False


def _watches() -> Mapping[AlarmKind, Watch]:
    return {kind: Watch() for kind in (AlarmKind.SILENCE, AlarmKind.BLACK, AlarmKind.FROZEN)}


@dataclass(frozen=True, kw_only=True)
class AlarmState:
    """What the rules remember of a meeting between two events."""

    watches: Mapping[AlarmKind, Watch] = field(default_factory=_watches)
    calm: Mapping[AlarmKind, int] = field(default_factory=dict)  # open alarm → seconds since its last event
    slow_seconds: int = 0  # with dropped frames, since the encoder last kept up
    source_lost: bool = False
    seen_seconds: int = 0  # of the source on air in a row, though it was said to be lost

    @classmethod
    def resumed(cls, open_kinds: Iterable[str]) -> AlarmState:
        """The state of a live process that begins while these alarms of its meeting are open (after a crash).

        It has not seen what raised them, so they are closed by what it sees itself: good seconds, or no new trouble.
        """
        given = set(open_kinds)
        kinds = {kind for kind in AlarmKind if kind in given}
        return cls(
            watches={kind: Watch(alarmed=kind in kinds) for kind in _watches()},
            calm={kind: 0 for kind in kinds & (_CALMED | {AlarmKind.RECORDING_STOPPED})},
            source_lost=AlarmKind.SOURCE_LOST in kinds,
        )


Observed = tuple[AlarmState, list[Change]]


@dataclass(frozen=True, kw_only=True)
class AlarmRules:
    """after: seconds of silence, black or frozen picture until the alarm; silence_below: LUFS, momentary;
    platforms: key → name for people."""

    after: float
    silence_below: float
    platforms: Mapping[str, str] = field(default_factory=dict)

    def observe(self, event: Event, state: AlarmState) -> Observed:
        """The state after `event` and the alarms to raise or clear because of it."""
        match event:
            case SecondMeasured():
                return self._second(event, state)
            case ProgramChanged(on_air=OnAir.SLATE):
                return _off_the_room(state)
            case SourceLost():
                lost = replace(state, source_lost=True, seen_seconds=0)
                return lost, [Raise(kind=AlarmKind.SOURCE_LOST, message=_lost(event))]
            case SourceBack():
                return replace(state, source_lost=False), [Clear(kind=AlarmKind.SOURCE_LOST)]
            case LinkLost() | LinkUp() | PlatformEvent():
                name = self.platforms.get(event.platform, event.platform)
                return state, platform_changes(event, name)
            case RecordingStopped():
                calm: dict[AlarmKind, int] = {**state.calm}
                calm.pop(AlarmKind.RECORDING_STOPPED, None)
                return replace(state, calm=calm), [_not_recording(event)]
            case RecordingResumed():
                return state, [Clear(kind=AlarmKind.RECORDING_STOPPED)]
            case EncoderSlow():
                return _slow(event, state)
            case EncoderRestarted() | Gap():
                return _momentary(event, state)
        return state, []

    def _second(self, event: SecondMeasured, state: AlarmState) -> Observed:
        changes: list[Change] = []
        if event.on_air is OnAir.SOURCE:
            bad = {
                AlarmKind.SILENCE: event.loudness < self.silence_below,
                AlarmKind.BLACK: event.black,
                # A black picture stands still as well; one alarm for it is enough.
                AlarmKind.FROZEN: event.frozen and not event.black,
            }
            watches = {}
            for kind, watch in state.watches.items():
                watches[kind], change = self._judge(kind, watch, bad[kind])
                changes += change
            state = replace(state, watches=watches)
            if state.source_lost:
                state, change = _source_seen(state)
                changes += change
        return _calmer(state, changes)

    def _judge(self, kind: AlarmKind, watch: Watch, bad: bool) -> tuple[Watch, list[Change]]:
        if bad:
            watch = replace(watch, bad=watch.bad + 1, good=0)
            if watch.bad >= self.after and not watch.alarmed:
                return replace(watch, alarmed=True), [
                    Raise(kind=kind, message=_MEASURED[kind].format(watch.bad))
                ]
            return watch, []
        # A second of sound ends a silence, or slow speech would add up to one; to be over takes more than a cough.
        watch = replace(watch, bad=0, good=watch.good + 1)
        if watch.alarmed and watch.good >= GOOD_SECONDS:
            return replace(watch, alarmed=False), [Clear(kind=kind)]
        return watch, []


_MEASURED = {
    AlarmKind.SILENCE: "Inget ljud har hörts på {} sekunder: kontrollera att mikrofonerna är på och att ljudbordet "
    "är kopplat till källan.",
    AlarmKind.BLACK: "Bilden har varit svart i {} sekunder: kontrollera linsskydd, belysning och att rätt kamera är "
    "inkopplad.",
    AlarmKind.FROZEN: "Bilden har stått stilla i {} sekunder: kontrollera kameran och starta om den om den har hängt "
    "sig.",
}


def _off_the_room(state: AlarmState) -> Observed:
    """A slate is on air: nobody misses picture or sound, so the counting begins anew afterwards."""
    cleared: list[Change] = [Clear(kind=kind) for kind, watch in state.watches.items() if watch.alarmed]
    return replace(state, watches=_watches()), cleared


def _source_seen(state: AlarmState) -> Observed:
    # A process that begins after a crash hears of no SourceBack. One second is not enough: it may have been
    # measured just before the loss.
    seen = state.seen_seconds + 1
    if seen < GOOD_SECONDS:
        return replace(state, seen_seconds=seen), []
    return replace(state, source_lost=False, seen_seconds=0), [Clear(kind=AlarmKind.SOURCE_LOST)]


def _calmer(state: AlarmState, changes: list[Change]) -> Observed:
    """Another second has passed: close what has had no new event for a while."""
    calm: dict[AlarmKind, int] = {kind: seconds + 1 for kind, seconds in state.calm.items()}
    over = [kind for kind, seconds in calm.items() if seconds >= CALM_SECONDS]
    changes += [Clear(kind=kind) for kind in over]
    slow = 0 if AlarmKind.SLOW_ENCODER in over else state.slow_seconds
    return replace(state, calm={k: s for k, s in calm.items() if k not in over}, slow_seconds=slow), changes


def _slow(event: EncoderSlow, state: AlarmState) -> Observed:
    state = replace(
        state, slow_seconds=state.slow_seconds + 1, calm={**state.calm, AlarmKind.SLOW_ENCODER: 0}
    )
    if state.slow_seconds != SLOW_SECONDS:  # a single hiccup at the start of something else is no alarm
        return state, []
    message = (
        f"Kodaren hinner inte med, {event.shed} bildrutor hoppades över den senaste sekunden: stäng andra program på "
        "datorn eller sänk bildstorleken i inställningarna."
    )
    return state, [Raise(kind=AlarmKind.SLOW_ENCODER, message=message)]


def _momentary(event: EncoderRestarted | Gap, state: AlarmState) -> Observed:
    if isinstance(event, Gap):
        kind = AlarmKind.RECORDING_GAP
        message = (
            f"{_seconds(event.seconds)} saknas i inspelningen eftersom sändningen var nere: inget behöver göras nu, "
            "luckan anges i den färdiga inspelningen."
        )
    else:
        kind = AlarmKind.ENCODER_RESTARTED
        message = (
            f"Kodaren stannade och startades om, {event.lost} bildrutor saknas: inget behöver göras nu, men läs loggen "
            "efter sammanträdet om det händer igen."
        )
    return replace(state, calm={**state.calm, kind: 0}), [Raise(kind=kind, message=message)]


def _lost(event: SourceLost) -> str:
    reason = f" ({event.reason})" if event.reason else ""
    return f"Ingen bild kommer från källan{reason}: kontrollera kamerans ström och kabel; nya försök görs hela tiden."


def _not_recording(event: RecordingStopped) -> Raise:
    return Raise(
        kind=AlarmKind.RECORDING_STOPPED,
        message=f"Inspelningen har stannat ({event.reason}) men sändningen fortsätter: gör plats på disken, så "
        "återupptas inspelningen av sig själv.",
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} sekunder".replace(".", ",")
