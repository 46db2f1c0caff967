"""A meeting's platform on the stand-in of YouTube."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from broadcast.platforms.youtube.calls import Calls
from broadcast.platforms.youtube.director import Clients
from tests.broadcast.platforms.stage import Stage
from tests.standins.conftest import client, client_of, youtube  # noqa: F401 - fixtures
from tests.standins.youtube import YouTube


@pytest.fixture
def connect(client: Any) -> Callable[[], Clients]:  # noqa: F811
    """Both clients on the one channel of the stand-in."""
    return lambda: Clients(steer=Calls(client), watch=Calls(client))


@pytest.fixture
def make_stage(youtube: YouTube, connect: Callable[[], Clients]) -> Iterator[Callable[..., Stage]]:  # noqa: F811
    """Makes a stage. At the end: the stand-in was never asked anything wrong."""
    yield lambda **plan: Stage(youtube, connect, **plan)
    assert youtube.violations == []


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """The usual one."""
    return make_stage()
