"""`laktare check` on the accounts: a finding for each thing that can be wrong, cheap, and without changing anything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schedules.database import Database
from schedules.doctor.youtube import check_youtube
from schedules.findings import Level
from schedules.settings import AccountSettings, Settings
from schedules.youtube.oauth_client import SCOPES
from tests.schedules.connecting import NOW, connect
from tests.standins.youtube import YouTube


def told(settings: Settings) -> list[tuple[str, str]]:
    """Level and sentence of each finding about the account."""
    findings = [finding for finding in check_youtube(settings, NOW) if finding.part == "konto kommunen"]
    return [(finding.level.name, finding.sentence) for finding in findings]


def test_all_is_well_for_few_units(connected: Settings, youtube: YouTube, sqlite_database: Database) -> None:
    account, quota = check_youtube(connected, youtube.now())
    channel = youtube.sign_on.accounts["kommunen"].channel_id
    assert (account.level, quota.level) == (Level.OK, Level.OK)
    assert account.sentence == f"Anslutet till kanalen Provköpings kommun ({channel})."
    assert quota.sentence.startswith("9998 av 10000 enheter är kvar till ")
    assert youtube.quota_used == 2
    assert {request.verb for request in youtube.requests if request.path != "/token"} == {"GET"}


def test_without_accounts_nothing_is_said_and_without_a_database_none_is_made(
    settings: Settings, connected: Settings
) -> None:
    assert list(check_youtube(settings, NOW)) == []
    assert [level for level, _ in told(connected)] == ["OK"]
    assert not (connected.data / "laktare.db").exists()


def test_an_account_that_is_not_connected(away: Settings) -> None:
    assert told(away) == [
        ("FAULT", "Kontot kommunen är inte anslutet: kör laktare connect youtube --account kommunen.")
    ]
    unused = away.model_copy(update={"channels": {}, "platforms": {}})
    assert [level for level, _ in told(unused)] == ["WARNING"]


def test_a_dead_token(connected: Settings, youtube: YouTube) -> None:
    youtube.sign_on.revoke_account(youtube.sign_on.accounts["kommunen"])
    ((level, sentence),) = told(connected)
    assert (level, "gäller inte längre" in sentence) == ("FAULT", True)


def test_another_channel(connected: Settings, youtube: YouTube) -> None:
    wanted = AccountSettings(kind="youtube", name="Kommunens kanal", channel_id="UC1")
    ((level, sentence),) = told(connected.model_copy(update={"accounts": {"kommunen": wanted}}))
    assert (level, "channel_id är UC1" in sentence) == ("FAULT", True)
    youtube.sign_on.accounts["kommunen"].channel_id = "UC2"
    ((level, sentence),) = told(connected)
    assert (level, "inte längre kanalen" in sentence) == ("FAULT", True)


def test_a_scope_that_is_missing(away: Settings, youtube: YouTube) -> None:
    connect(away, youtube, scopes=frozenset(SCOPES[1:]))
    ((level, sentence),) = told(away)
    assert (level, "saknar behörigheten youtube.force-ssl" in sentence) == ("FAULT", True)


def test_a_consent_screen_in_testing(away: Settings, youtube: YouTube) -> None:
    connect(away, youtube, expires_at=NOW + timedelta(days=7))
    ((level, sentence),) = told(away)
    assert level == "WARNING"
    assert "dör 2026-12-01 13:00" in sentence


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("liveStreamingNotEnabled", "inte påslagen"),
        ("insufficientLivePermissions", "får inte sända direkt"),
        ("livePermissionBlocked", "spärrat"),
    ],
)
def test_a_channel_that_may_not_send_live(
    connected: Settings, youtube: YouTube, reason: str, said: str
) -> None:
    youtube.sign_on.accounts["kommunen"].live = reason
    ((level, sentence),) = told(connected)
    assert (level, said in sentence) == ("FAULT", True)
    published = connected.model_copy(update={"platforms": {}})
    assert [level for level, _ in told(published)] == ["OK"]  # who only publishes need not


def test_long_films(connected: Settings, youtube: YouTube) -> None:
    youtube.sign_on.accounts["kommunen"].long_uploads = "eligible"
    ((level, sentence),) = told(connected)
    assert (level, "15 minuter" in sentence) == ("WARNING", True)


def test_the_network_is_down_google_is_in_trouble_and_the_api_is_off(
    connected: Settings, youtube: YouTube
) -> None:
    youtube.faults.add("/token", "cut")
    ((level, sentence),) = told(connected)
    assert (level, "Kontrollera nätet" in sentence) == ("FAULT", True)
    youtube.faults.add("youtube.channels.list", "error")
    assert "fel 503 (backendError)" in told(connected)[0][1]
    youtube.faults.add("youtube.channels.list", "error", status=403, reason="accessNotConfigured")
    assert "YouTube Data API v3 är inte påslaget" in told(connected)[0][1]


def test_the_quota_is_used_up(connected: Settings, youtube: YouTube, sqlite_database: Database) -> None:
    youtube.quota.limits["units"] = 0
    account, quota = check_youtube(connected, youtube.now())
    assert (account.level, "kvot" in account.sentence) == (Level.WARNING, True)
    assert (quota.level, "Bara reserven är kvar (500 enheter)" in quota.sentence) == (Level.WARNING, True)
