"""The quota: what things cost, whose day it is, and what is kept for a broadcast on air."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from schedules.database import Database, open_database
from schedules.settings import YouTube
from schedules.youtube.methods import UNITS, bucket_of, cost_of, method_of
from schedules.youtube.quota import QuotaMeter, quota_day, seconds_to_reset, units_left
from tests.standins.youtube_discovery import Discovery
from tests.standins.youtube_quota import OWN_BUCKETS
from tests.standins.youtube_quota import cost_of as cost_at_google

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SETTINGS = YouTube(daily_units=1000, reserve_units=100)
LIST, INSERT = "youtube.videos.list", "youtube.liveBroadcasts.insert"


def meter(database: Database, *, steering: bool = False, now: datetime = NOW) -> QuotaMeter:
    return QuotaMeter(database, SETTINGS, "123-abc", may_use_reserve=steering, now=lambda: now)


def left(database: Database, now: datetime = NOW, *, reserve: bool = False) -> int:
    with database.session() as session:
        return units_left(session, SETTINGS, "123-abc", now, reserve=reserve)


# https://developers.google.com/youtube/v3/determine_quota_cost
@pytest.mark.parametrize(
    ("verb", "address", "method", "cost", "bucket"),
    [
        ("GET", "https://x/youtube/v3/videos?part=status&id=a", "youtube.videos.list", 1, UNITS),
        ("PUT", "https://x/youtube/v3/videos", "youtube.videos.update", 50, UNITS),
        ("DELETE", "https://x/youtube/v3/videos?id=a", "youtube.videos.delete", 50, UNITS),
        ("POST", "/upload/youtube/v3/videos?uploadType=resumable", "youtube.videos.insert", 1, "videos.insert"),
        ("POST", "https://x/resumable/upload/youtube/v3/videos", "youtube.videos.insert", 1, "videos.insert"),
        ("GET", "https://x/youtube/v3/search?q=a", "youtube.search.list", 1, "search.list"),
        ("GET", "https://x/youtube/v3/captions?videoId=a", "youtube.captions.list", 50, UNITS),
        ("POST", "https://x/upload/youtube/v3/captions", "youtube.captions.insert", 400, UNITS),
        ("PUT", "https://x/upload/youtube/v3/captions", "youtube.captions.update", 450, UNITS),
        ("GET", "https://x/youtube/v3/captions/abc", "youtube.captions.download", 200, UNITS),
        ("POST", "https://x/upload/youtube/v3/thumbnails/set?videoId=a", "youtube.thumbnails.set", 50, UNITS),
        ("POST", "https://x/youtube/v3/playlistItems", "youtube.playlistItems.insert", 50, UNITS),
        ("GET", "https://x/youtube/v3/liveStreams", "youtube.liveStreams.list", 1, UNITS),
        ("POST", "https://x/youtube/v3/liveBroadcasts/transition", "youtube.liveBroadcasts.transition", 50, UNITS),
    ],
)  # fmt: skip
def test_what_a_request_costs(verb: str, address: str, method: str, cost: int, bucket: str) -> None:
    assert method_of(verb, address) == method
    assert (cost_of(method), bucket_of(method)) == (cost, bucket)


def test_analytics_and_sign_on_cost_nothing() -> None:
    assert method_of("GET", "https://x/v2/reports?ids=channel==MINE") is None
    assert method_of("POST", "https://x/token") is None
    assert method_of("PATCH", "https://x/youtube/v3/videos") is None


def test_every_method_costs_what_the_stand_in_takes_for_it() -> None:
    methods = [method for method in Discovery().methods if method.id.startswith("youtube.")]
    assert len(methods) > 70
    assert {m.id: cost_of(m.id) for m in methods} == {m.id: cost_at_google(m) for m in methods}
    assert {m.id for m in methods if bucket_of(m.id) != UNITS} == set(OWN_BUCKETS)


def test_the_day_ends_at_midnight_pacific() -> None:
    before, after = datetime(2026, 11, 25, 7, 59, tzinfo=UTC), datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
    assert (quota_day(before), quota_day(after)) == ("2026-11-24", "2026-11-25")
    assert (seconds_to_reset(before), seconds_to_reset(after)) == (60, 24 * 3600)
    # The nights when the clocks change there.
    assert seconds_to_reset(datetime(2026, 11, 1, 7, 0, tzinfo=UTC)) == 25 * 3600
    assert seconds_to_reset(datetime(2027, 3, 14, 8, 0, tzinfo=UTC)) == 23 * 3600


def test_the_reserve_is_for_what_is_on_air(database: Database) -> None:
    ordinary, steering = meter(database), meter(database, steering=True)
    assert all(ordinary.spend(INSERT) for _ in range(18))
    assert (left(database), left(database, reserve=True)) == (0, 100)
    assert not ordinary.spend(LIST)
    assert left(database, reserve=True) == 100  # what was refused is not counted
    assert steering.spend(INSERT)
    assert left(database, reserve=True) == 50
    # Our count may be wrong, and a broadcast must be ended: Google has the last word.
    assert all(steering.spend(INSERT) for _ in range(3))
    assert left(database, reserve=True) == 0
    tomorrow = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
    assert meter(database, now=tomorrow).spend(LIST)
    assert left(database, tomorrow) == 899


def test_uploads_have_a_bucket_of_their_own(database: Database) -> None:
    ordinary = meter(database)
    assert [ordinary.spend("youtube.videos.insert") for _ in range(101)] == [True] * 100 + [False]
    assert left(database) == 900
    assert ordinary.spend("youtube.search.list")


def test_googles_word_ends_the_day_for_all_but_what_is_on_air(database: Database) -> None:
    ordinary, steering = meter(database), meter(database, steering=True)
    assert ordinary.spend(LIST)
    steering.used_up(LIST)
    assert not ordinary.spend(LIST)
    assert steering.spend(LIST)
    assert left(database, reserve=True) == 99
    steering.used_up(LIST)  # and nothing that was counted is forgotten
    assert left(database, reserve=True) == 99
    ordinary.used_up("youtube.videos.insert")
    assert not ordinary.spend("youtube.videos.insert")


def test_many_at_once_never_spend_the_reserve(database: Database) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    others = [open_database(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        spent = list(pool.map(lambda n: meter(others[n % 4]).spend(INSERT), range(40)))
    for other in others:
        other.close()
    assert spent.count(True) == 18
    assert left(database, reserve=True) == 100


def test_a_database_that_is_away_stops_nothing(sqlite_database: Database) -> None:
    with sqlite_database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE spendings")
    assert meter(sqlite_database).spend(LIST)
    meter(sqlite_database).used_up(LIST)
