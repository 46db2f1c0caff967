"""The command line of the calendar. Its clock is the machine's own, so the dates are of next year."""

import os
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from schedules.cli import main
from schedules.database import open_database
from schedules.models import AuditEntry
from schedules.queries import get_meeting, list_meetings
from schedules.settings import load_settings
from schedules.states import MeetingState

Laktare = Callable[..., Result]

YEAR = datetime.now(UTC).year + 1
DAY = f"{YEAR}-06-09"  # summer time, and in the future


@pytest.fixture
def laktare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laktare:
    for name in [name for name in os.environ if name.startswith("LAKTARE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    Path("laktare.toml").write_text(
        '[bodies.kf]\nname = "Kommunfullmäktige"\nsource = "test"\n', encoding="utf-8"
    )
    return lambda *arguments: CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def refusal(result: Result) -> str:
    """The one sentence of a refused command."""
    assert (result.exit_code, result.stdout) == (2, "")
    (sentence,) = result.stderr.splitlines()
    return sentence


def test_a_meeting_from_added_to_cancelled(laktare: Laktare) -> None:
    added = laktare(
        "meeting",
        "add",
        "kf",
        f"{DAY} 18:00",
        "--end",
        "21:00",
        "--item",
        "Upprop",
        "--title",
        "[b]Budget[/b]",
    )
    assert added.exit_code == 0, added.output
    assert re.fullmatch(
        rf"Sammanträde 1 är inlagt: \[b\]Budget\[/b\], \w+ {DAY} 18:00–21:00\.\n", added.stdout
    )
    listed = laktare("meeting", "list").stdout
    assert re.search(rf"1 +\w+ {DAY} 18:00–21:00 +kf +\[b\]Budget\[/b\] +planerat", listed)

    assert laktare("meeting", "edit", "1", "--start", f"{DAY} 19:00", "--title", "Budget").exit_code == 0
    assert f"{DAY} 19:00–22:00" in laktare("meeting", "show", "1").stdout
    laktare("meeting", "edit", "1", "--minutes", "90")
    shown = laktare("meeting", "show", "1").stdout
    for words in (
        f"{DAY} 19:00–20:30",
        "Budget",
        "planerat",
        "test",
        "local",
        "archive",
        "alla",
        "Ärende 1",
        "Upprop",
    ):
        assert words in shown

    assert laktare("meeting", "cancel", "1", "--reason", "Snöstorm").exit_code == 0
    shown = laktare("meeting", "show", "1").stdout
    assert ("inställt" in shown, "Snöstorm" in shown) == (True, True)
    assert laktare("meeting", "restore", "1").exit_code == 0
    assert "planerat" in laktare("meeting", "show", "1").stdout


def test_it_is_kept_in_utc_beside_the_settings_and_the_audit_says_who(
    laktare: Laktare, tmp_path: Path
) -> None:
    laktare("meeting", "add", "kf", f"{DAY}T18:00", "--audience", "public", "--platform", "local")
    database = open_database(f"sqlite:///{tmp_path}/data/laktare.db")
    with database.session() as session:
        meeting = get_meeting(session, 1)
        assert meeting.planned_start == datetime(YEAR, 6, 9, 16, tzinfo=UTC)
        assert meeting.planned_end - meeting.planned_start == timedelta(hours=3)
        entry = session.get_one(AuditEntry, 1)
        assert (entry.what, entry.who.endswith("(kommandoraden)")) == ("meeting.added", True)
    database.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("meeting", "add", "ks", f"{DAY} 18:00"),
            "Organet 'ks' finns inte i inställningarna; där finns kf.",
        ),
        (("meeting", "add", "kf", "snart"), "'snart' är ingen tid"),
        (("meeting", "add", "kf", "2027-03-28 02:30"), "finns inte: då ställs klockan fram"),
        (("meeting", "add", "kf", "2027-10-31 02:30"), "inträffar två gånger"),
        (("meeting", "add", "kf", "2020-10-28 18:00"), "Sluttiden har redan passerat"),
        (("meeting", "add", "kf", f"{DAY} 18:00", "--end", "17:00"), "måste sluta efter"),
        (
            ("meeting", "add", "kf", f"{DAY} 18:00", "--end", "21:00", "--minutes", "9"),
            "antingen --end eller --minutes",
        ),
        (("meeting", "add", "kf", f"{DAY} 18:00", "--audience", "staff"), "bara för anställda"),
        (("meeting", "show", "7"), "Sammanträde 7 finns inte"),
        (("meeting", "edit", "7", "--minutes", "9"), "Sammanträde 7 finns inte"),
        (("meeting", "cancel", "7", "--reason", "x"), "Sammanträde 7 finns inte"),
        (("meeting", "agenda", "add", "7", "x"), "Sammanträde 7 finns inte"),
        (("meeting", "import", "saknas.ics"), "saknas.ics kan inte läsas"),
        (("meeting", "import", "laktare.toml"), "Filen är ingen hel kalender"),
        (("series", "add", "kf", f"{DAY} 18:00"), "Ange antingen --every"),
        (("series", "add", "kf", f"{DAY} 18:00", "--every", "ibland"), "'ibland' förstås inte"),
        (("series", "end", "7"), "Serie 7 finns inte"),
        (("series", "end", "7", "--last", "snart"), "'snart' är ingen dag"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_2(
    laktare: Laktare, arguments: tuple[str, ...], words: str
) -> None:
    assert words in refusal(laktare(*arguments))


def test_a_double_booking_is_refused(laktare: Laktare) -> None:
    laktare("meeting", "add", "kf", f"{DAY} 18:00")
    assert "upptagen av sammanträde 1" in refusal(laktare("meeting", "add", "kf", f"{DAY} 20:00"))


def test_the_agenda_from_the_command_line(laktare: Laktare) -> None:
    laktare("meeting", "add", "kf", f"{DAY} 18:00")
    Path("ärenden.txt").write_text("Upprop\n\nVal\nBudget\n", encoding="utf-8")
    assert laktare("meeting", "agenda", "set", "1", "ärenden.txt").stdout == "1. Upprop\n2. Val\n3. Budget\n"
    laktare("meeting", "agenda", "move", "1", "3", "1")
    laktare("meeting", "agenda", "rename", "1", "3", "Val av justerare")
    laktare("meeting", "agenda", "add", "1", "Öppnande", "--position", "1")
    assert (
        laktare("meeting", "agenda", "remove", "1", "3").stdout
        == "1. Öppnande\n2. Budget\n3. Val av justerare\n"
    )
    assert "har ärendena 1 till 3" in refusal(laktare("meeting", "agenda", "remove", "1", "4"))
    Path("ärenden.txt").write_bytes("Ärende".encode("latin-1"))
    assert "UTF-8" in refusal(laktare("meeting", "agenda", "set", "1", "ärenden.txt"))


def event(start: str, title: str = "Kommunfullmäktige") -> str:
    return "\r\n".join(
        [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//", "BEGIN:VEVENT", "UID:a",
            f"DTSTART;TZID=Europe/Stockholm:{start}", f"SUMMARY:{title}", "END:VEVENT",
            "BEGIN:VEVENT", "UID:b", f"DTSTART;VALUE=DATE:{YEAR}0610", "SUMMARY:Konferens", "END:VEVENT",
            "END:VCALENDAR", "",
        ]
    )  # fmt: skip


def test_an_import_is_seen_made_and_made_again(laktare: Laktare) -> None:
    file = Path("kalender.ics")
    file.write_text(event(f"{YEAR}0609T180000"), encoding="utf-8", newline="")
    seen = laktare("meeting", "import", str(file), "--dry-run").stdout.splitlines()
    assert seen[-1].startswith("Inget har ändrats. Så skulle det bli: 1 nytt, 0 ändrat")
    assert "Inga sammanträden." in laktare("meeting", "list").stdout
    made = laktare("meeting", "import", str(file)).stdout.splitlines()
    assert re.match(rf"nytt +\w+ {DAY} 18:00–21:00", made[1])
    assert made[2:] == [
        "Togs inte med: Konferens: händelsen gäller hela dagar; ge den ett klockslag i kalendern.",
        "1 nytt, 0 ändrat, 0 inställt, 0 oförändrat, 1 togs inte med.",
    ]
    again = laktare("meeting", "import", str(file)).stdout
    assert "0 nytt, 0 ändrat, 0 inställt, 1 oförändrat, 1 togs inte med." in again
    file.write_text(event(f"{YEAR}0610T180000"), encoding="utf-8", newline="")
    moved = laktare("meeting", "import", str(file)).stdout
    assert re.search(rf"ändrat +\w+ {YEAR}-06-10 18:00–21:00 +{DAY} 18:00", moved)


def test_a_series_in_a_clerk_s_words(laktare: Laktare, tmp_path: Path) -> None:
    added = laktare(
        "series", "add", "kf", f"{YEAR}-01-01 18:00", "--every", "sista onsdagen", "--but", "juli"
    )
    assert added.exit_code == 0, added.output
    assert "BYMONTH=1,2,3,4,5,6,8,9,10,11,12" in laktare("series", "list").stdout
    settings = load_settings(tmp_path / "laktare.toml")
    database = open_database(settings.database_url)
    with database.session() as session:
        before = list_meetings(session)
        local = [meeting.planned_start.astimezone(settings.zone) for meeting in before]
        assert {(start.hour, start.isoweekday()) for start in local} == {(18, 3)}
        assert 7 not in {start.month for start in local}
    assert laktare("series", "edit", "1", "--first", f"{YEAR}-01-01 17:00").exit_code == 0
    ended = laktare("series", "end", "1", "--last", f"{YEAR}-01-31")
    assert "Inställda sammanträden:" in ended.stdout
    with database.session() as session:
        (left,) = list_meetings(session, states=[MeetingState.PLANNED])
        assert (left.id, left.planned_start.astimezone(settings.zone).hour) == (before[0].id, 17)
    database.close()


def test_without_settings_every_command_says_how_to_get_them(
    laktare: Laktare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("laktare.toml").unlink()
    sentence = refusal(laktare("meeting", "list"))
    assert ("finns inte" in sentence, "`laktare init`" in sentence) == (True, True)
    assert laktare("init").exit_code == 0
    assert stat.S_IMODE(Path("laktare.toml").stat().st_mode) == 0o600
    assert laktare("meeting", "list").exit_code == 0
    assert "skrivs inte över" in refusal(laktare("init"))
    monkeypatch.chdir("/")
    assert laktare("--settings", str(tmp_path / "laktare.toml"), "meeting", "list").exit_code == 0


def test_wrong_settings_are_said_on_standard_error(laktare: Laktare) -> None:
    Path("laktare.toml").write_text("[site]\nport = 'x'\n", encoding="utf-8")
    result = laktare("meeting", "list")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[1] == "site.port = 'x': tillåtet är ett heltal"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////dev/null/x/laktare.db",
        "postgresql+psycopg://anna:hemligt@127.0.0.1:1/x",
        "hemligt",
        "apa://hemligt",
    ],
)
def test_a_database_that_cannot_be_opened_is_one_sentence_without_its_password(
    laktare: Laktare, url: str
) -> None:
    Path("laktare.toml").write_text(f'database = "{url}"\n', encoding="utf-8")
    sentence = refusal(laktare("meeting", "list"))
    assert sentence.startswith("Databasen kan inte öppnas")
    assert "hemligt" not in sentence


def test_every_command_can_be_loaded(laktare: Laktare) -> None:
    listed = laktare("--help")
    assert listed.exit_code == 0
    for name in ("init", "meeting", "series"):
        assert laktare(name, "--help").exit_code == 0
