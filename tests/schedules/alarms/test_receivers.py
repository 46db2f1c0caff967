"""Mail and webhook on real sockets, and what is said of each way in which they fail."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trustme
from pydantic import SecretStr

from schedules.alarms.plan import Occasion
from schedules.alarms.receivers import mail, webhook
from schedules.alarms.receivers.notice import About, Notice, TellError
from schedules.settings import Mail, Settings
from tests.schedules.meetings import START
from tests.standins.smtp import PASSWORD, PLAIN_PASSWORD, USER, run_smtp
from tests.standins.sockets import run_answering, unused_port
from tests.standins.webhook import Webhook

NOTICE = Notice(
    alarm_id=7,
    occasion=Occasion.RAISED,
    kind="black",
    subject="meeting 3",
    message="Bilden är svart: ta av linsskyddet.",
    raised_at=START,
    cleared_at=None,
    meeting=About(id=3, title="Råd\r\noch dåd", planned_start=START, address="http://x/sammantraden/3"),
    now=START,
    zone=ZoneInfo("Europe/Stockholm"),
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine trusts the authority."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


def through(settings: Settings, **changes: object) -> Settings:
    usual = {"host": "127.0.0.1", "security": "none", "sender": "l@p.se", "to": ("a@p.se", "b@p.se")}
    return settings.model_copy(update={"mail": Mail.model_validate({**usual, **changes})})


def refusal(settings: Settings) -> TellError:
    with pytest.raises(TellError) as caught:
        mail.tell(NOTICE, settings)
    return caught.value


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("password", [PASSWORD, PLAIN_PASSWORD])
@pytest.mark.usefixtures("trusted")
def test_encrypted_and_logged_in(
    settings: Settings, authority: trustme.CA, security: str, password: str
) -> None:
    with run_smtp(security, authority=authority, login=True, password=password) as server:  # type: ignore[arg-type]
        chosen = through(
            settings, port=server.port, security=security, user=USER, password=SecretStr(password)
        )
        assert mail.tell(NOTICE, chosen) == ""
        assert server.letters[0]["Subject"] == "Larm: Bilden är svart – Råd och dåd"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_nobody_trusts_is_refused(
    settings: Settings, authority: trustme.CA, security: str
) -> None:
    with run_smtp(security, authority=authority) as server:  # type: ignore[arg-type]
        error = refusal(through(settings, port=server.port, security=security))
        assert "certifikat" in str(error)
        assert error.permanent
        assert server.letters == []


def test_a_password_is_never_given_to_a_server_that_does_not_encrypt(settings: Settings) -> None:
    with run_smtp("none", login=True) as server:
        chosen = through(
            settings, port=server.port, security="starttls", user=USER, password=SecretStr(PASSWORD)
        )
        error = refusal(chosen)
        assert "STARTTLS" in str(error)
        assert error.permanent


def test_tls_where_there_is_none(settings: Settings) -> None:
    with run_smtp("none") as server:
        error = refusal(through(settings, port=server.port, security="tls"))
        assert "mail.security" in str(error)


def test_one_address_of_two_is_refused_and_the_other_gets_it(settings: Settings) -> None:
    with run_smtp() as server:
        server.refused["b@p.se"] = "550 5.1.1 no such user"
        assert mail.tell(NOTICE, through(settings, port=server.port)) == "Servern nekade b@p.se."
        assert len(server.letters) == 1


@pytest.mark.parametrize(("answer", "permanent"), [("550 no such user", True), ("450 try later", False)])
def test_all_addresses_are_refused(settings: Settings, answer: str, permanent: bool) -> None:
    with run_smtp() as server:
        server.refused = {"a@p.se": answer, "b@p.se": answer}
        error = refusal(through(settings, port=server.port))
        assert "nekade alla mottagare" in str(error)
        assert error.permanent is permanent


def test_nobody_there_no_name_and_no_answer(settings: Settings) -> None:
    assert "tar inte emot" in str(refusal(through(settings, port=unused_port())))
    assert "namntjänsten" in str(refusal(through(settings, host="post.invalid")))
    with run_answering(None) as port, pytest.raises(TellError, match="svarade inte i tid") as silent:
        mail.send(mail.letter(NOTICE, through(settings)), through(settings, port=port).mail, timeout=0.3)
    assert not silent.value.permanent


def test_swedish_addresses_are_addresses(settings: Settings) -> None:
    with run_smtp() as server:
        assert (
            mail.tell(NOTICE, through(settings, port=server.port, sender="läktare@på.se", to=("åsa@på.se",)))
            == ""
        )
        assert server.letters[0]["To"] == "åsa@på.se"


def test_an_address_that_is_none_is_a_sentence(settings: Settings) -> None:
    error = refusal(through(settings, to=("a@p.se\nBcc: x@y.se",)))
    assert "rätta adresserna" in str(error)
    assert error.permanent


def test_the_webhook_gets_plain_json(settings: Settings, hook: Webhook) -> None:
    webhook.post(webhook.body(dataclasses.replace(NOTICE, meeting=None)), hook.url)
    assert hook.posts[0]["meeting"] is None
    assert hook.posts[0]["text"].splitlines()[0] == "Larm: Bilden är svart"


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (404, True), (408, False), (429, False), (500, False), (302, True)]
)
def test_what_the_webhook_answers_decides_about_another_try(
    hook: Webhook, status: int, permanent: bool
) -> None:
    hook.status = status
    with pytest.raises(TellError, match=f"svarade {status}") as caught:
        webhook.post({}, hook.url)
    assert caught.value.permanent is permanent
    assert hook.hits == 1  # a redirect is not followed
    assert "hemlig-nyckel" not in str(caught.value)


def test_a_webhook_that_is_away_or_silent_is_tried_again() -> None:
    with pytest.raises(TellError, match="tar inte emot") as away:
        webhook.post({}, f"http://127.0.0.1:{unused_port()}/hemlig")
    with run_answering(None) as port, pytest.raises(TellError, match="svarade inte i tid") as silent:
        webhook.post({}, f"http://127.0.0.1:{port}/hemlig", timeout=0.2)
    with run_answering(b"nonsense\r\n\r\n") as port, pytest.raises(TellError, match="kunde inte nås") as odd:
        webhook.post({}, f"http://127.0.0.1:{port}/hemlig", timeout=0.5)
    for caught in (away, silent, odd):
        assert not caught.value.permanent
        assert "hemlig" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["ftp://x/y", "https://", "hooks/x", "http://x:99999/", "http://x/a b", "http://[x"]
)
def test_an_address_that_is_none(url: str) -> None:
    assert webhook.fault(url)
    with pytest.raises(TellError) as caught:
        webhook.post({}, url)
    assert caught.value.permanent
    assert webhook.fault("https://chat.provkoping.se/hooks/abc?x=1") == ""
