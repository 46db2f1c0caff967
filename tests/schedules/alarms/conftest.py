"""A municipality with a mail server and a chat channel of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from schedules.settings import Mail, Settings, Site, Webhook
from tests.standins.smtp import PASSWORD, USER, SmtpServer, run_smtp
from tests.standins.webhook import Webhook as WebhookStandIn
from tests.standins.webhook import run_webhook


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with run_smtp(login=True) as server:
        yield server


@pytest.fixture
def hook() -> Iterator[WebhookStandIn]:
    with run_webhook() as hook:
        yield hook


@pytest.fixture
def reachable(settings: Settings, smtp: SmtpServer, hook: WebhookStandIn) -> Settings:
    """The settings with both receivers."""
    mail = Mail(
        host="127.0.0.1",
        port=smtp.port,
        security="none",
        user=USER,
        password=SecretStr(PASSWORD),
        sender="laktare@provkoping.se",
        to=("sekreterare@provkoping.se", "it@provkoping.se"),
    )
    site = Site(municipality="Provköping", address="https://webb.provkoping.se/")
    return settings.model_copy(
        update={"mail": mail, "webhook": Webhook(url=SecretStr(hook.url)), "site": site}
    )
