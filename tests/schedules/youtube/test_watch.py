"""The hourly look at the accounts: what is alarmed about the same day, and what is not."""

from __future__ import annotations

import time
from datetime import timedelta

from schedules.alarms.kinds import AlarmKind
from schedules.alarms.raising import open_alarms
from schedules.database import Database
from schedules.launcher import Launcher
from schedules.scheduler import Scheduler
from schedules.settings import Settings
from schedules.youtube.tokens import load_token
from schedules.youtube.watch import watch_accounts
from tests.schedules.connecting import NOW, connect
from tests.standins.youtube import YouTube

HOUR = timedelta(hours=1)


def alarms(database: Database) -> dict[str, str]:
    with database.session() as session:
        found = open_alarms(session)
    assert {alarm.subject for alarm in found} <= {"konto kommunen"}
    return {alarm.kind: alarm.message for alarm in found}


def test_a_token_is_kept_alive_in_silence(
    connected: Settings, youtube: YouTube, sqlite_database: Database
) -> None:
    for month in range(1, 8):  # unused for six months it would be dead
        youtube.advance(31 * 24 * 3600)
        watch_accounts(sqlite_database, connected, NOW + timedelta(days=31 * month))
    assert alarms(sqlite_database) == {}
    assert load_token(connected, "kommunen").renewed_at == NOW + timedelta(days=31 * 7)


def test_a_dead_token_is_alarmed_about_once_and_until_it_is_connected_again(
    connected: Settings, youtube: YouTube, database: Database
) -> None:
    youtube.sign_on.revoke_account(youtube.sign_on.accounts["kommunen"])
    for hour in range(3):
        watch_accounts(database, connected, NOW + hour * HOUR)
    assert alarms(database) == {
        AlarmKind.ACCOUNT_DEAD: "Googles tillstånd för kontot kommunen gäller inte längre: kör laktare connect "
        "youtube --account kommunen."
    }
    youtube.faults.add("/token", "cut")  # nothing is known, so nothing is over
    watch_accounts(database, connected, NOW + 3 * HOUR)
    assert list(alarms(database)) == [AlarmKind.ACCOUNT_DEAD]
    connect(connected, youtube)
    watch_accounts(database, connected, NOW + 4 * HOUR)
    assert alarms(database) == {}


def test_the_scheduler_looks_at_once(away: Settings, sqlite_database: Database) -> None:
    scheduler = Scheduler(sqlite_database, away, Launcher(away, lambda _: ["true"]))
    scheduler.start()
    try:
        until = time.monotonic() + 10
        while AlarmKind.ACCOUNT_DEAD not in alarms(sqlite_database):
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        scheduler.stop()


def test_an_account_that_is_not_connected(away: Settings, sqlite_database: Database) -> None:
    watch_accounts(sqlite_database, away, NOW)
    assert "inte anslutet" in alarms(sqlite_database)[AlarmKind.ACCOUNT_DEAD]
    unused = away.model_copy(update={"channels": {}, "platforms": {}})
    watch_accounts(sqlite_database, unused, NOW)
    assert alarms(sqlite_database) == {}


def test_a_token_of_a_screen_in_testing_is_told_of_three_days_before(
    away: Settings, youtube: YouTube, sqlite_database: Database
) -> None:
    connect(away, youtube, expires_at=NOW + timedelta(days=7))
    watch_accounts(sqlite_database, away, NOW)
    assert alarms(sqlite_database) == {}
    watch_accounts(sqlite_database, away, NOW + timedelta(days=4, hours=1))
    (message,) = alarms(sqlite_database).values()
    assert "dör 2026-12-01 13:00" in message
    assert "In production" in message
    youtube.sign_on.revoke_account(youtube.sign_on.accounts["kommunen"])
    watch_accounts(sqlite_database, away, NOW + timedelta(days=7))
    assert list(alarms(sqlite_database)) == [AlarmKind.ACCOUNT_DEAD]


def test_the_network_alone_is_no_alarm_for_a_day(
    connected: Settings, youtube: YouTube, sqlite_database: Database
) -> None:
    watch_accounts(sqlite_database, connected, NOW)
    youtube.faults.add("/token", "cut", times=2)
    watch_accounts(sqlite_database, connected, NOW + 23 * HOUR)
    assert alarms(sqlite_database) == {}
    watch_accounts(sqlite_database, connected, NOW + 24 * HOUR)
    assert alarms(sqlite_database) == {
        AlarmKind.ACCOUNT_UNREACHABLE: "Google har inte gått att nå för kontot kommunen sedan 2026-11-24 13:00: "
        "kontrollera nätet och brandväggen."
    }
    watch_accounts(sqlite_database, connected, NOW + 25 * HOUR)
    assert alarms(sqlite_database) == {}
