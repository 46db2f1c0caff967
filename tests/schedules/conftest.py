from tests.schedules.youtube.conftest import away, connected, youtube  # noqa: F401
