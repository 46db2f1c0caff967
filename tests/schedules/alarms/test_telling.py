"""Every receiver hears of every alarm, whatever happens to the others."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from structlog.testing import capture_logs

from schedules.alarms import AlarmKind, clear_alarm, open_alarms, raise_alarm, tell
from schedules.alarms.plan import Occasion
from schedules.alarms.receivers import Receiver
from schedules.alarms.receivers.notice import Notice, TellError
from schedules.database import Database, open_database
from schedules.models import Alarm
from schedules.settings import Settings
from tests.schedules.meetings import START, new_meeting
from tests.standins.smtp import PASSWORD, SmtpServer
from tests.standins.sockets import unused_port
from tests.standins.webhook import Webhook

MINUTE = timedelta(minutes=1)
SENTENCE = "Inget ljud har hörts på 20 sekunder: kontrollera mikrofonerna."


def silence(database: Database, now: datetime = START) -> int:
    """A meeting in which nothing is heard. Returns its id."""
    with database.session() as session:
        meeting = new_meeting(planned_start=START - 10 * MINUTE)
        session.add(meeting)
        session.flush()
        raise_alarm(session, AlarmKind.SILENCE, f"meeting {meeting.id}", SENTENCE, now, meeting.id)
        return meeting.id


def over(database: Database, meeting: int, now: datetime) -> None:
    with database.session() as session:
        assert clear_alarm(session, AlarmKind.SILENCE, f"meeting {meeting}", now)


def told(database: Database) -> dict[str, dict[str, object]]:
    with database.session() as session:
        return session.scalars(select(Alarm).order_by(Alarm.id)).all()[0].told


def test_from_the_beginning_to_the_end(
    database: Database, reachable: Settings, smtp: SmtpServer, hook: Webhook
) -> None:
    meeting = silence(database)
    with capture_logs() as logged:
        assert tell(database, reachable, START + timedelta(seconds=2)) == 3
        assert tell(database, reachable, START + timedelta(seconds=4)) == 0
        assert tell(database, reachable, START + 16 * MINUTE) == 3
        over(database, meeting, START + 20 * MINUTE)
        assert tell(database, reachable, START + 20 * MINUTE) == 3
        assert tell(database, reachable, START + 60 * MINUTE) == 0

    subjects = [letter["Subject"] for letter in smtp.letters]
    assert subjects == [
        "Larm: Inget ljud hörs – Kommunfullmäktige",
        "Kvarstår: Inget ljud hörs – Kommunfullmäktige",
        "Över: Inget ljud hörs – Kommunfullmäktige",
    ]
    first, _, last = (letter.get_content() for letter in smtp.letters)
    assert SENTENCE in first
    assert "Sedan 2026-11-25 18:00:00 (2 sekunder)." in first
    assert "Sammanträde: Kommunfullmäktige, planerat till 2026-11-25 17:50." in first
    assert f"https://webb.provkoping.se/sammantraden/{meeting}\r\n" in first
    assert "Från 2026-11-25 18:00:00 till 2026-11-25 18:20:00 (20 minuter)." in last
    assert smtp.letters[0]["To"] == "sekreterare@provkoping.se, it@provkoping.se"
    assert smtp.letters[2]["In-Reply-To"] == smtp.letters[0]["Message-ID"]

    assert [post["occasion"] for post in hook.posts] == ["raised", "reminder", "cleared"]
    assert hook.posts[0]["alarm"]["kind"] == "silence"
    assert hook.posts[0]["alarm"]["raised_at"] == "2026-11-25T17:00:00+00:00"
    assert hook.posts[0]["meeting"]["address"] == f"https://webb.provkoping.se/sammantraden/{meeting}"
    assert SENTENCE in hook.posts[0]["text"]
    assert [(line["log_level"], line["occasion"]) for line in logged] == [
        ("warning", "raised"), ("warning", "reminder"), ("info", "cleared"),
    ]  # fmt: skip


def test_one_receiver_that_is_away_does_not_silence_the_others_and_is_told_later(
    sqlite_database: Database, reachable: Settings, smtp: SmtpServer, hook: Webhook
) -> None:
    away = reachable.model_copy(update={"mail": reachable.mail.model_copy(update={"port": unused_port()})})
    silence(sqlite_database)
    assert tell(sqlite_database, away, START) == 2
    assert len(hook.posts) == 1
    record = told(sqlite_database)["mail"]
    assert record["failures"] == 1
    assert "tar inte emot" in str(record["error"])
    assert tell(sqlite_database, reachable, START + timedelta(seconds=10)) == 0  # its time has not come
    assert tell(sqlite_database, reachable, START + timedelta(seconds=31)) == 1
    assert len(smtp.letters) == 1
    assert len(hook.posts) == 1
    assert told(sqlite_database)["mail"]["error"] == ""


def test_a_receiver_that_stays_away_is_an_alarm_for_the_others(
    sqlite_database: Database, reachable: Settings, smtp: SmtpServer, hook: Webhook
) -> None:
    away = reachable.model_copy(update={"mail": reachable.mail.model_copy(update={"port": unused_port()})})
    silence(sqlite_database)
    now = START
    for _ in range(4):
        tell(sqlite_database, away, now)
        now += 3 * MINUTE
    with sqlite_database.session() as session:
        assert [alarm.kind for alarm in open_alarms(session)] == ["silence", "telling_failed"]
    kinds = [post["alarm"]["kind"] for post in hook.posts]
    assert kinds.count("telling_failed") == 1
    assert "Larm når inte fram med e-post." in hook.posts[kinds.index("telling_failed")]["alarm"]["message"]
    tell(sqlite_database, reachable, now + 30 * MINUTE)  # the server is back
    with sqlite_database.session() as session:
        assert [alarm.kind for alarm in open_alarms(session)] == ["silence"]
    assert [letter["Subject"] for letter in smtp.letters] == ["Larm: Inget ljud hörs – Kommunfullmäktige"]


def test_a_wrong_password_is_said_at_once_and_not_tried_over_and_over(
    sqlite_database: Database, reachable: Settings, smtp: SmtpServer, hook: Webhook
) -> None:
    wrong = reachable.mail.model_copy(update={"password": SecretStr("fel-lösenord")})
    meeting = silence(sqlite_database)
    refused = reachable.model_copy(update={"mail": wrong})
    tell(sqlite_database, refused, START)
    tell(sqlite_database, refused, START + MINUTE)
    assert {post["alarm"]["kind"] for post in hook.posts} == {"silence", "telling_failed"}
    assert "nekade inloggningen (535)" in str(told(sqlite_database)["mail"]["error"])
    assert told(sqlite_database)["mail"]["failures"] == 0
    over(sqlite_database, meeting, START + 2 * MINUTE)
    tell(sqlite_database, reachable, START + 2 * MINUTE)
    assert [letter["Subject"] for letter in smtp.letters] == ["Över: Inget ljud hörs – Kommunfullmäktige"]


def test_no_secret_is_written_down_or_logged(
    sqlite_database: Database, reachable: Settings, hook: Webhook
) -> None:
    hook.status = 403
    bad = reachable.mail.model_copy(update={"password": SecretStr("fel-" + PASSWORD)})
    silence(sqlite_database)
    with capture_logs() as logged:
        for minute in range(4):
            tell(sqlite_database, reachable.model_copy(update={"mail": bad}), START + minute * MINUTE)
    with sqlite_database.session() as session:
        alarms = session.scalars(select(Alarm)).all()
        everything = " ".join(f"{alarm.told} {alarm.message}" for alarm in alarms) + str(logged)
    assert len(alarms) == 3  # the silence, and one for each receiver
    for secret in (PASSWORD, "hemlig-nyckel", hook.url):
        assert secret not in everything


def test_what_is_cleared_before_it_could_be_told_gives_one_letter(
    sqlite_database: Database, reachable: Settings, smtp: SmtpServer
) -> None:
    over(sqlite_database, silence(sqlite_database), START + timedelta(seconds=1))
    tell(sqlite_database, reachable, START + timedelta(seconds=2))
    tell(sqlite_database, reachable, START + timedelta(minutes=50))
    assert [letter["Subject"].split(":")[0] for letter in smtp.letters] == ["Över"]


def test_several_tellers_at_once_tell_each_alarm_once(
    database: Database, reachable: Settings, smtp: SmtpServer, hook: Webhook
) -> None:
    for _ in range(3):
        silence(database)
    tellers = [Thread(target=tell, args=(database, reachable, START)) for _ in range(4)]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join()
    assert len(smtp.letters) == 3
    assert sorted(post["alarm"]["id"] for post in hook.posts) == [1, 2, 3]


def test_a_teller_that_died_is_followed_by_the_next(sqlite_database: Database, settings: Settings) -> None:
    silence(sqlite_database)

    def die(_notice: Notice, _settings: Settings) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tell(sqlite_database, settings, START, {"log": Receiver(lambda _: True, die)})
    assert tell(sqlite_database, settings, START + MINUTE) == 0  # still claimed
    assert tell(sqlite_database, settings, START + 2 * MINUTE) == 1


def test_an_alarm_that_ends_while_it_is_told_is_told_to_be_over(
    sqlite_database: Database, settings: Settings
) -> None:
    meeting = silence(sqlite_database)
    heard: list[Occasion] = []

    def slow(notice: Notice, _settings: Settings) -> str:
        if notice.occasion is Occasion.RAISED:
            over(sqlite_database, meeting, START)
        heard.append(notice.occasion)
        return ""

    receivers = {"log": Receiver(lambda _: True, slow)}
    tell(sqlite_database, settings, START, receivers)
    tell(sqlite_database, settings, START + timedelta(seconds=2), receivers)
    assert heard == [Occasion.RAISED, Occasion.CLEARED]


def test_one_that_does_not_answer_is_asked_once_a_round(
    sqlite_database: Database, settings: Settings
) -> None:
    for _ in range(5):
        silence(sqlite_database)
    asked = []

    def away(notice: Notice, _settings: Settings) -> str:
        asked.append(notice.alarm_id)
        raise TellError("Den svarade inte i tid.")

    tell(sqlite_database, settings, START, {"mail": Receiver(lambda _: True, away)})
    assert len(asked) == 1


def test_a_fault_of_our_own_in_one_receiver_is_survived(
    sqlite_database: Database, reachable: Settings, hook: Webhook
) -> None:
    def broken(_notice: Notice, _settings: Settings) -> str:
        raise RuntimeError(f"oj: {PASSWORD}")

    from schedules.alarms.receivers import RECEIVERS

    silence(sqlite_database)
    tell(sqlite_database, reachable, START, {**RECEIVERS, "mail": Receiver(lambda _: True, broken)})
    assert len(hook.posts) == 1
    assert told(sqlite_database)["mail"]["error"] == "Ett fel i Läktare (RuntimeError)."


def test_a_database_that_does_not_answer_is_survived(settings: Settings, tmp_path: Path) -> None:
    empty = open_database(f"sqlite:///{tmp_path / 'empty.db'}")
    with capture_logs() as logged:
        assert tell(empty, settings, START) == 0
    assert logged[0]["event"].startswith("alarms could not be told")
    empty.close()
