"""A meeting's broadcast from its making to its end, with everything that may go wrong, against the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from broadcast.events import (
    BroadcastEnded,
    BroadcastHealth,
    BroadcastSeen,
    NotTaken,
    PlatformTrouble,
    PlatformWell,
    Taken,
    ViewersCounted,
)
from broadcast.platforms.youtube.calls import Calls
from broadcast.platforms.youtube.director import Clients
from tests.broadcast.platforms.stage import Stage
from tests.standins.conftest import OverRequests, credentials_of, service
from tests.standins.youtube_faults import Kind, When


def test_an_evening_without_a_monitor(stage: Stage) -> None:
    stage.run(5)
    stage.send()
    stage.run(420, every=5)
    assert stage.life == "ready", "more than two minutes are left"
    stage.run(70, every=5)
    assert stage.life == "live"
    began = stage.of(BroadcastSeen)[-1].began
    assert stage.starts - timedelta(seconds=125) <= began <= stage.starts - timedelta(seconds=100)
    assert [e.state for e in stage.of(BroadcastSeen)] == ["created", "ready", "liveStarting", "live"]
    assert not stage.platform.finished
    stage.over = True
    stage.cut()
    stage.step()
    assert stage.life == "complete"
    assert stage.platform.finished
    assert not stage.of(BroadcastEnded), "nobody but us has ended it"
    assert not stage.of(PlatformTrouble)
    details = stage.broadcast.details
    assert (details["enableAutoStart"], details["enableAutoStop"], details["enableDvr"]) == (
        False,
        False,
        True,
    )


def test_a_monitored_one_is_tested_first(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(monitor=True)
    stage.until("ready")
    stage.send()
    stage.until("testing")
    stage.run(60, every=5)
    assert stage.life == "testing"
    stage.opened = True
    stage.until("live")
    assert [e.state for e in stage.of(BroadcastSeen)][2:] == [
        "testStarting",
        "testing",
        "liveStarting",
        "live",
    ]


def test_opened_early_it_goes_live_at_once(stage: Stage) -> None:
    stage.go_live()
    assert stage.youtube.now() < stage.starts - timedelta(minutes=9)


def test_started_late_it_is_made_and_goes_live_at_once(stage: Stage) -> None:
    stage.starts -= timedelta(hours=1)
    stage.plan = replace(stage.plan, starts=stage.starts)
    stage.until("ready")
    stage.send()
    stage.until("live")


@pytest.mark.parametrize("fault", ["error", "cut"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "method",
    [
        "liveStreams.list", "liveStreams.insert", "liveBroadcasts.list", "liveBroadcasts.insert", "liveBroadcasts.bind",
        "liveBroadcasts.transition",
    ],
)  # fmt: skip
def test_whatever_answer_is_lost_there_is_one_broadcast_and_it_ends(
    stage: Stage, method: str, when: When, fault: Kind
) -> None:
    stage.youtube.faults.add(f"youtube.{method}", fault, when)
    stage.go_live()
    stage.youtube.faults.add(f"youtube.{method}", fault, when)
    stage.run(70, every=5)
    stage.over = True
    stage.until("complete", 30)
    assert stage.broadcast.life == "complete"
    assert len(stage.youtube.streams) == 1
    assert not stage.of(PlatformTrouble), "one lost answer is nobody's business"


@pytest.mark.parametrize("forgetting", [False, True])
@pytest.mark.parametrize("steps", range(1, 9))
def test_killed_after_any_step_it_goes_on_with_its_own(stage: Stage, steps: int, forgetting: bool) -> None:
    stage.opened = True
    for _ in range(steps):
        stage.step()
        if stage.youtube.streams and stage.sending_since is None:
            stage.send()
        stage.youtube.advance(1)
    stage.restart(forgetting=forgetting)
    if stage.sending_since is None:
        stage.until("ready")
        stage.send()
    stage.until("live")
    stage.restart(forgetting=forgetting)
    stage.run(3)
    stage.over = True
    stage.until("complete")
    assert stage.broadcast.life == "complete"


def test_while_somebody_else_makes_it_it_waits(stage: Stage) -> None:
    stage.turns = [False, False, True]
    stage.run(2)
    assert not stage.youtube.broadcasts
    stage.until("ready")


def test_a_stream_that_youtube_does_not_see_is_pushed_anew_with_patience(stage: Stage) -> None:
    stage.until("ready")
    stage.send(flowing=False)
    stage.run(29)
    assert not stage.of(NotTaken)
    stage.run(8)
    (first,) = stage.of(NotTaken)
    assert 30 <= first.seconds < 37
    stage.send(flowing=False)
    stage.run(58)
    assert len(stage.of(NotTaken)) == 1, "the second time it is given twice as long"
    stage.run(18)
    assert len(stage.of(NotTaken)) == 2
    stage.send()
    stage.run(16)
    assert len(stage.of(Taken)) == 1


def test_a_drop_on_air_keeps_it_live(stage: Stage) -> None:
    stage.go_live()
    stage.cut()
    stage.run(180, every=5)
    assert stage.broadcast.life == "live"
    assert stage.of(BroadcastHealth)[-1].fault
    stage.send()
    stage.run(45)
    assert stage.of(BroadcastHealth)[-1].fault == ""
    assert stage.life == "live"


def test_health_and_issues_are_told_once_each(stage: Stage) -> None:
    stage.go_live()
    stage.run(20)
    (stream,) = stage.youtube.streams
    stage.youtube.set_health(stream, "bad")
    stage.run(60)
    issue = {"type": "videoIngestionStarved", "severity": "error", "reason": "r", "description": "d"}
    stage.youtube.set_health(stream, "ok", [issue])
    stage.run(35)
    stage.youtube.set_health(stream, "good", [{**issue, "severity": "warning"}])
    stage.run(35)
    told = [(e.health, bool(e.fault)) for e in stage.of(BroadcastHealth)]
    assert told == [("good", False), ("bad", True), ("ok", True), ("good", False)]


def test_a_new_process_does_not_complain_before_it_has_sent(stage: Stage) -> None:
    stage.go_live()
    stage.run(20)
    stage.cut()
    stage.restart()
    stage.seen.clear()
    stage.run(4)
    stage.send()
    stage.run(40)
    assert [(e.health, e.fault) for e in stage.of(BroadcastHealth)] == [("good", "")]


def test_a_poor_line_is_told_once_and_not_at_every_look(stage: Stage) -> None:
    stage.go_live()
    stage.run(20)
    (stream,) = stage.youtube.streams
    for _ in range(10):
        stage.youtube.set_health(stream, "bad")
        stage.run(15)
        stage.youtube.set_health(stream, "good")
        stage.run(15)
    assert [e.health for e in stage.of(BroadcastHealth)] == ["good", "bad"]


def test_viewers_are_counted_and_unknown_is_not_nobody(stage: Stage) -> None:
    stage.go_live()
    stage.run(10)
    stage.youtube.watch(stage.address, viewers=17)
    stage.run(65)
    assert [e.viewers for e in stage.of(ViewersCounted)] == [None, 17]


@pytest.mark.parametrize("deed", ["complete", "delete"])
def test_a_person_ends_it_in_studio(stage: Stage, deed: str) -> None:
    stage.go_live()
    stage.run(5)
    if deed == "complete":
        stage.broadcast.complete(stage.youtube.now())
    else:
        stage.youtube.remove_video(stage.address)
    stage.run(120)
    (ended,) = stage.of(BroadcastEnded)
    assert ended.state == ("complete" if deed == "complete" else "gone")
    before = len(stage.youtube.requests)
    stage.run(600, every=5)
    assert len(stage.youtube.requests) == before, "nothing can be done, and nothing is tried"
    assert len(stage.youtube.broadcasts) == (deed == "complete")
    assert stage.platform.finished


def test_deleted_before_it_began_it_is_not_made_again(stage: Stage) -> None:
    stage.until("ready")
    stage.youtube.remove_video(stage.address)
    stage.restart()
    stage.run(30)
    assert stage.of(BroadcastEnded)[-1].state == "gone"
    assert not stage.youtube.broadcasts


def test_an_api_that_is_away_is_told_after_a_while_and_waited_for(stage: Stage) -> None:
    stage.youtube.faults.add("youtube.*", times=10_000)
    stage.run(15)
    assert not stage.of(PlatformTrouble)
    stage.run(120)
    (trouble,) = stage.of(PlatformTrouble)
    assert "tillfälligt" in trouble.reason
    assert not trouble.permanent
    assert len(stage.youtube.requests) < 20, "with growing patience"
    stage.youtube.faults.clear()
    stage.until("ready", 75)
    assert stage.of(PlatformWell)


@pytest.mark.parametrize(
    "reason", ["liveStreamingNotEnabled", "insufficientLivePermissions", "livePermissionBlocked"]
)
def test_what_a_person_must_mend_is_told_at_once_and_seldom_tried(stage: Stage, reason: str) -> None:
    account = stage.youtube.sign_on.accounts["kommunen"]
    account.live = reason
    stage.run(600, every=5)
    (trouble,) = stage.of(PlatformTrouble)
    assert trouble.permanent
    assert len(stage.youtube.requests) < 10
    account.live = ""
    stage.until("ready", 400)


@pytest.mark.parametrize("reason", ["redundantTransition", "errorStreamInactive", "errorExecutingTransition"])
def test_a_refused_transition_is_looked_at_and_taken_again(stage: Stage, reason: str) -> None:
    stage.youtube.faults.add("youtube.liveBroadcasts.transition", status=403, reason=reason, times=2)
    stage.go_live()
    assert not stage.of(PlatformTrouble)


def test_a_transition_that_is_always_refused_does_not_eat_the_quota(stage: Stage) -> None:
    stage.until("ready")
    stage.send()
    stage.opened = True
    stage.youtube.faults.add(
        "youtube.liveBroadcasts.transition", status=403, reason="invalidTransition", times=999
    )
    stage.run(600, every=2)
    assert stage.of(PlatformTrouble)[0].permanent
    tries = [r for r in stage.youtube.requests if r.method.endswith("transition")]
    assert len(tries) < 15


def test_a_start_that_hangs_is_told_and_not_asked_about_all_evening(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.until("ready")
    stage.send()
    stage.opened = True
    with monkeypatch.context() as hanging:
        hanging.setattr("tests.standins.youtube_live.Broadcast._arrive", lambda *_: None)
        before = len(stage.youtube.requests)
        stage.run(900)
        (trouble,) = stage.of(PlatformTrouble)
        assert "startar inte" in trouble.reason
        assert len(stage.youtube.requests) - before < 60
    stage.until("live", 90)
    assert len(stage.of(PlatformWell)) == 2, "at the beginning, and now"


def test_an_hour_in_which_youtube_sees_nothing_costs_no_more_than_another(stage: Stage) -> None:
    stage.go_live()
    stage.youtube.packets(stage.key, flowing=False)
    before = len(stage.youtube.requests)
    stage.run(3600, every=5)
    assert len(stage.youtube.requests) - before < 400


def test_no_quota_is_told_and_the_broadcast_is_ended_all_the_same(stage: Stage) -> None:
    stage.go_live()
    stage.youtube.faults.add(
        "youtube.liveStreams.list", status=403, reason="quotaExceeded", times=10_000
    )  # as the meter answers for the client that watches
    stage.run(1800, every=5)
    (trouble,) = stage.of(PlatformTrouble)
    assert "kvot" in trouble.reason
    stage.over = True
    stage.step()
    assert stage.broadcast.life == "complete"


def test_a_dead_grant_is_a_persons_business(stage: Stage) -> None:
    stage.youtube.revoke_account("kommunen")
    stage.youtube.expire_access_tokens()
    stage.run(30)
    assert stage.of(PlatformTrouble)[0].permanent
    assert "laktare connect youtube" in stage.of(PlatformTrouble)[0].reason


def test_an_account_that_is_connected_anew_goes_on_at_once(stage: Stage) -> None:
    stage.go_live()
    stage.run(10)
    stage.youtube.revoke_account("kommunen")
    stage.youtube.expire_access_tokens()
    stage.run(60)
    assert stage.of(PlatformTrouble)[-1].permanent
    renewed = service(stage.youtube, OverRequests(credentials_of(stage.youtube, "kommunen")))
    stage.connect = lambda: Clients(steer=Calls(renewed), watch=Calls(renewed))
    before = len(stage.of(PlatformWell))
    stage.run(400, every=2)
    assert len(stage.of(PlatformWell)) == before + 1
    stage.over = True
    stage.step()
    assert stage.broadcast.life == "complete"


def test_deleted_as_the_meeting_ends_it_is_not_ended_over_and_over(stage: Stage) -> None:
    stage.go_live()
    stage.run(5)
    stage.youtube.remove_video(stage.address)
    stage.over = True
    stage.run(30)
    assert stage.life == "gone"
    assert (
        len([r for r in stage.youtube.requests if r.parameters.get("broadcastStatus") == ["complete"]]) <= 1
    )


def test_after_passing_trouble_what_a_person_must_mend_is_told(stage: Stage) -> None:
    stage.youtube.faults.add("youtube.*", times=10_000)
    stage.run(60)
    stage.youtube.faults.clear()
    stage.youtube.faults.add("youtube.*", status=403, reason="livePermissionBlocked", times=10_000)
    stage.run(120)
    assert [e.permanent for e in stage.of(PlatformTrouble)] == [False, True]
    stage.youtube.faults.clear()
    stage.youtube.faults.add("youtube.*", times=10_000)
    stage.run(600, every=2)
    assert len(stage.of(PlatformTrouble)) == 2, "that passing trouble has come back is no news"


def test_a_refused_key_is_asked_for_again(stage: Stage) -> None:
    stage.until("ready")
    stage.refused = True
    before = len(stage.youtube.requests)
    stage.run(130)
    asked = [r for r in stage.youtube.requests[before:] if "cdn" in r.parameters.get("part", ())]
    assert len(asked) == 2, "once a minute"


def test_the_key_is_in_nothing_that_is_told_or_polled(stage: Stage) -> None:
    stage.go_live()
    stage.run(120)
    assert stage.key not in repr((stage.seen, stage.platform.ingests, vars(stage.platform)))
    polls = [
        r
        for r in stage.youtube.requests
        if r.method == "youtube.liveStreams.list" and "status" in r.parameters["part"]
    ]
    assert len(polls) > 5
    assert not any("cdn" in r.parameters["part"] for r in polls)


def test_six_hours_cost_less_than_three_thousand_units(stage: Stage) -> None:
    stage.until("ready")
    stage.send()
    stage.run(900, every=5)
    stage.opened = True
    stage.run(6 * 3600, every=5)
    stage.over = True
    stage.step()
    assert stage.broadcast.life == "complete"
    assert sum(request.cost for request in stage.youtube.requests) < 3000
    watched = [r for r in stage.youtube.requests if r.method == "youtube.liveStreams.list"]
    assert len(watched) > 1000
