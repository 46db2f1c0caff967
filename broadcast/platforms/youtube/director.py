"""Walks one meeting's broadcast on YouTube from wherever it is to its end.

It remembers nothing that YouTube does not know: a new process reads where the broadcast is and goes on from there.
`step` is called about once a second with how things stand, and makes one or two requests at most. In order:

1. the persistent stream is found or made, and its address and key given to the ingests, which begin to send;
2. the broadcast is found or made, and bound;
3. YouTube sees the stream (`active`): where it is monitored, on to `testing`;
4. `lead` seconds before the start, or when the room is opened earlier, on to `live`;
5. health every 15 s, life and viewers every 60 s: 2,160 requests in six hours, more seldom thereafter;
6. the meeting is over: `complete`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from broadcast.events import (
    BroadcastEnded,
    BroadcastSeen,
    Event,
    PlatformEvent,
    PlatformTrouble,
    PlatformWell,
    ViewersCounted,
)
from broadcast.platforms import Moment
from broadcast.platforms.youtube.announce import REMOVED, announce, complete, ready_stream
from broadcast.platforms.youtube.calls import Calls
from broadcast.platforms.youtube.ingest import YouTubeIngest
from broadcast.platforms.youtube.patience import Patience
from broadcast.platforms.youtube.plan import LIVE, OVER, STARTING, BroadcastPlan
from broadcast.platforms.youtube.reasons import Do, PlatformError
from broadcast.platforms.youtube.stream_watch import StreamWatch

LIFE_SECONDS, VIEWERS_SECONDS = 60.0, 60.0
STARTING_SECONDS, LONGEST_STARTING_SECONDS = 2.0, 15.0  # between two looks at a broadcast that is starting
HANGS_SECONDS = 60.0  # of starting, until a person is told
KEY_SECONDS = 60.0  # between two questions for the key while the ingest refuses it
THRIFT = ((2000, 1.0), (2500, 2.0), (3000, 4.0))  # requests made → how much more seldom it is watched
MISSING_TIMES = 3  # in a row, until a broadcast is taken to be deleted: a list may lag behind for a moment
REFUSALS = 5  # of a transition in a row, until a person is told
GONE = "gone"  # our word: the broadcast is not there any more


@dataclass(frozen=True)
class Clients:
    """steer may spend the reserve of the quota; watch stops at it."""

    steer: Calls
    watch: Calls


@dataclass(frozen=True)
class Known:
    """What is planned, and the broadcast's id there where it is known already, else ""."""

    plan: BroadcastPlan
    address: str


Connect = Callable[[], Clients]  # raises PlatformError
Settled = Callable[[], Known]
Turn = Callable[[], AbstractContextManager[bool]]  # False: somebody else is making it just now

_STUCK = "YouTube vill inte starta sändningen fast strömmen kommer fram: starta den i YouTube Studio; nya försök görs."
_HANGS = (
    "Sändningen startar inte på YouTube fast den har begärts: titta i YouTube Studio, och hänvisa tittarna till "
    "webbplatsen så länge."
)
_log = logging.getLogger(__name__)
_EVER = datetime.min.replace(tzinfo=UTC)


class Director:
    """Steers one broadcast. Not for several threads at once."""

    def __init__(
        self, platform: str, connect: Connect, settled: Settled, turn: Turn, ingests: Sequence[YouTubeIngest],
        *, lead: float,
    ) -> None:  # fmt: skip
        self._platform, self._connect, self._settled, self._turn = platform, connect, settled, turn
        self._ingests, self._lead = ingests, timedelta(seconds=lead)
        self._patience = Patience()
        self._clients: Clients | None = None
        self._made_before = 0  # requests, by clients that were given up
        self._stream = self._address = ""
        self._monitored = False
        self._life: str | None = None  # None: not read yet
        self._doubtful = False  # the last answer is missing or surprising: look before anything else
        self._missing = 0  # looks in a row that found no broadcast
        self._told: tuple[str, str] | None = None  # address and life
        self._addressed_at: datetime | None = None
        self._sight = StreamWatch(platform)
        self._over = False
        self._starting_at: datetime | None = None
        self._refusals = 0  # of a transition, in a row: each costs as much as one that succeeds
        self._transition_after = _EVER
        self._due = {"life": _EVER, "viewers": _EVER}

    @property
    def finished(self) -> bool:
        """Whether there is no live broadcast (known of) that would have to be ended."""
        return self._life not in LIVE

    def step(self, moment: Moment) -> Iterator[Event]:
        """One step. Never raises: what fails is tried again in a later one."""
        if moment.over and not self._over:
            self._over = True
            self._patience.hurry()
        if self._patience.waits(moment.now):
            return
        made = self._made
        try:
            yield from self._next(moment)
        except PlatformError as error:
            yield from self._failed(error, moment)
        except Exception as error:  # a fault of ours must not end the steering
            _log.exception("steering failed")
            fault = f"Ett fel i Läktare ({type(error).__name__}) hindrar styrningen av YouTube: läs loggen."
            yield from self._failed(PlatformError(fault, Do.MISTAKE), moment)
        else:
            if self._made > made and self._patience.succeeded():
                yield self._event(PlatformWell, moment)

    @property
    def _made(self) -> int:
        clients = self._clients
        return self._made_before + (0 if clients is None else clients.steer.made + clients.watch.made)

    def _next(self, moment: Moment) -> Iterator[Event]:
        if self._life in (*OVER, GONE) or (moment.over and self._life is None):
            return
        if self._clients is None:
            self._clients = self._connect()
        steer = self._clients.steer
        if not self._stream:
            self._stream = ready_stream(steer, self._settled().plan.stream)
        if self._addressed_at is None or (
            moment.refused and moment.now - self._addressed_at >= timedelta(seconds=KEY_SECONDS)
        ):
            self._give_addresses(steer, moment.now)
        if self._life is None:
            yield from self._announce(steer, moment)
        elif self._doubtful:
            yield from self._look(steer, moment)
        elif self._life in STARTING:
            yield from self._await_start(steer, moment)
        elif moment.over:
            if not self.finished:
                yield from self._see(complete(steer, self._address), moment)
        elif self._life == "live":
            yield from self._watch(self._clients.watch, moment)
        else:
            yield from self._go_on(steer, moment)

    def _give_addresses(self, steer: Calls, now: datetime) -> None:
        addresses = steer.addresses(self._stream)
        for ingest in self._ingests:
            ingest.give(addresses.backup if ingest.part == "backup" else addresses.primary)
        self._addressed_at = now

    def _announce(self, steer: Calls, moment: Moment) -> Iterator[Event]:
        with self._turn() as mine:
            if not mine:
                return
            known = self._settled()
            for seen in announce(steer, known.plan, self._address or known.address, moment.now, edit=False):
                self._address, self._monitored = seen.id, seen.monitored
                yield from self._see(seen.life, moment, seen.began)

    def _see(self, life: str, moment: Moment, began: datetime | None = None) -> Iterator[Event]:
        """The broadcast is in this state."""
        self._life, self._doubtful, self._missing = life, False, 0
        if self._told != (self._address, life):
            if life == "live" and began is None and self._clients is not None:
                seen = self._clients.steer.broadcast(self._address)
                began = seen.began if seen else None
            before, self._told = self._told, (self._address, life)
            yield self._event(BroadcastSeen, moment, address=self._address, state=life, began=began)
            if life in (*OVER, GONE) and not moment.over:
                yield self._event(BroadcastEnded, moment, state=life)
            if before is None or life in ("live", "testing"):
                self._due = dict.fromkeys(self._due, _EVER)
                self._sight.hasten()

    def _look(self, steer: Calls, moment: Moment) -> Iterator[Event]:
        life = steer.life(self._address)
        if life is not None:
            yield from self._see(life, moment)
            return
        self._missing += 1
        if self._missing < MISSING_TIMES:
            self._doubtful = True
            raise PlatformError("Sändningen syns inte på YouTube.", Do.GONE, "liveBroadcastNotFound")
        yield from self._see(GONE, moment)

    def _await_start(self, steer: Calls, moment: Moment) -> Iterator[Event]:
        if moment.now < self._due["life"]:
            return
        yield from self._look(steer, moment)
        if self._life not in STARTING:
            self._starting_at = None
            return
        self._starting_at = self._starting_at or moment.now
        lasted = (moment.now - self._starting_at).total_seconds()
        wait = min(max(STARTING_SECONDS, lasted / 4), LONGEST_STARTING_SECONDS)
        self._due["life"] = moment.now + timedelta(seconds=wait)
        if lasted >= HANGS_SECONDS:
            raise PlatformError(_HANGS, Do.RETRY, self._life)

    def _go_on(self, steer: Calls, moment: Moment) -> Iterator[Event]:
        """Before it is live: wait until YouTube sees the stream, and take the next transition that is due."""
        if self._life == "created":  # not bound: it was cut short, or somebody undid it
            self._life = None
            return
        if moment.sending is None:  # there is nothing to be seen
            self._sight.forget()
        elif self._sight.is_due(moment.now):
            yield from self._look_at_stream(steer, moment)
        to = self._next_life(moment)
        if to is not None and self._sight.active and moment.now >= self._transition_after:
            yield from self._see(self._transition(steer, to, moment.now), moment)

    def _transition(self, steer: Calls, to: str, now: datetime) -> str:
        self._doubtful = True  # until the answer has come
        try:
            life = steer.transition(self._address, to)
        except PlatformError as error:
            self._refusals += 1
            self._transition_after = now + timedelta(seconds=min(60.0, 2.0 * 1.5**self._refusals))
            if self._refusals >= REFUSALS and error.do in (Do.REREAD, Do.AWAIT_STREAM):
                raise PlatformError(_STUCK, Do.MISTAKE, error.reason) from None
            raise
        self._refusals = 0
        return life

    def _next_life(self, moment: Moment) -> str | None:
        if self._monitored and self._life == "ready":
            return "testing"
        due = moment.opened or (moment.starts is not None and moment.now >= moment.starts - self._lead)
        return "live" if due else None

    def _look_at_stream(self, calls: Calls, moment: Moment) -> Iterator[Event]:
        return self._sight.look(
            calls, self._stream, moment, on_air=self._life == "live", thrift=self._thrift()
        )

    def _watch(self, calls: Calls, moment: Moment) -> Iterator[Event]:
        """While it is live: what is due, one request a step."""
        if self._sight.is_due(moment.now):
            yield from self._look_at_stream(calls, moment)
        elif moment.now >= self._due["life"]:
            yield from self._look(calls, moment)
            self._due["life"] = moment.now + timedelta(seconds=LIFE_SECONDS * self._thrift())
        elif moment.now >= self._due["viewers"]:
            yield self._event(ViewersCounted, moment, viewers=calls.viewers(self._address))
            self._due["viewers"] = moment.now + timedelta(seconds=VIEWERS_SECONDS * self._thrift())

    def _thrift(self) -> float:
        return next((factor for requests, factor in THRIFT if self._made < requests), THRIFT[-1][1])

    def _failed(self, error: PlatformError, moment: Moment) -> Iterator[Event]:
        if (
            error.do is Do.PERSON
        ):  # who may have connected the account anew, which these clients would never know
            self._give_up_clients()
        if error.reason == "liveStreamNotFound":  # deleted in YouTube Studio: begin anew with another one
            self._stream, self._addressed_at, self._life = "", None, None
        elif error.reason == REMOVED:
            self._missing += 1
            if self._missing >= MISSING_TIMES:
                self._address = self._address or self._settled().address
                yield from self._see(GONE, moment)
                return
        elif error.do is Do.AWAIT_STREAM:
            self._doubtful = False
            self._sight.forget()
        elif error.do is Do.REREAD:
            self._doubtful = self._life is not None
        if self._patience.failed(error, moment.now, over=moment.over):
            yield self._event(PlatformTrouble, moment, reason=str(error), permanent=error.permanent)

    def _give_up_clients(self) -> None:
        if self._clients is not None:
            self._made_before = self._made
            self._clients.steer.close()
            self._clients.watch.close()
            self._clients = None

    def _event(self, kind: type[PlatformEvent], moment: Moment, **what: Any) -> PlatformEvent:
        return kind(at=moment.now, frame=moment.frame, platform=self._platform, **what)
