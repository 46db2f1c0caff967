"""What a settings file, the environment and secret files give; what is said about wrong ones; the example."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from schedules.settings import EXAMPLE, Settings, SettingsError, YouTubeWording, load_settings

Write = Callable[[str], Path]

KF = '[bodies.kf]\nname = "Kommunfullmäktige"\nsource = "test"\n'


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("LAKTARE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(text: str) -> Path:
        file = tmp_path / "laktare.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return _write


def faults(path: Path | None) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        load_settings(path)
    return str(refusal.value).splitlines()


def test_without_a_file_there_are_defaults_and_the_data_stands_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(None)
    assert settings.data == tmp_path / "data"
    assert (settings.site.port, sorted(settings.sources)) == (8080, ["test"])


def test_a_relative_data_folder_is_beside_the_file_wherever_the_command_is_given(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write('data = "film"')
    monkeypatch.chdir("/")
    assert load_settings(file).data == tmp_path / "film"
    assert load_settings(file).database_url == f"sqlite:///{tmp_path}/film/laktare.db"
    monkeypatch.setenv("LAKTARE_DATA", "annan")
    assert load_settings(file).data == Path("/annan")


def test_the_environment_goes_before_secret_files_which_go_before_the_file(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(
        '[mail]\nhost = "fil"\nuser = "fil"\npassword = "fil"\n[sources.sal]\nkind = "rtsp"\naddress = "x"'
    )
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "mail__user").write_text("hemlig fil\n")
    (secrets / "mail__password").write_text("hemlig fil\n")
    (secrets / "sources__sal__address").write_text("rtsp://anna:lösen@kamera/1\n")
    monkeypatch.setenv("LAKTARE_SECRETS", str(secrets))
    monkeypatch.setenv("LAKTARE_MAIL__PASSWORD", "miljö")
    monkeypatch.setenv("LAKTARE_SITE__EMBED_HOSTS", '["https://kommunen.se"]')
    settings = load_settings(file)
    assert (settings.mail.host, settings.mail.user) == ("fil", "hemlig fil")
    assert settings.mail.password.get_secret_value() == "miljö"
    assert settings.sources["sal"].kind == "rtsp"
    assert settings.sources["sal"].address.get_secret_value() == "rtsp://anna:lösen@kamera/1"
    assert settings.site.embed_hosts == ("https://kommunen.se",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[site]\nport = 99999", "site.port = 99999: tillåtet är 0 till 65535"),
        ('[site]\nport = "x"', "site.port = 'x': tillåtet är ett heltal"),
        ('[site]\nlanguage = "fi"', "site.language = 'fi': tillåtet är 'sv' eller 'en'"),
        ("[site]\nprot = 1", "site.prot: okänd nyckel; menade du port?"),
        ("[picture]\nwidth = 641", "picture.width = 641: tillåtet är delbart med 2"),
        ("[live]\nsilence_ends_minutes = 0", "live.silence_ends_minutes = 0: tillåtet är mer än 0"),
        (
            '[live]\npreflight_minutes = [60, "snart"]',
            "live.preflight_minutes.1 = 'snart': tillåtet är ett tal",
        ),
        (
            'timezone = "Mars/X"',
            "timezone = 'Mars/X': tillåtet är en tidszon i IANA:s databas, t.ex. Europe/Stockholm",
        ),
        ("site = 3", "site: tillåtet är en tabell, [site]"),
        ('[sources.sal]\nkind = "rtsp"', "sources.sal: en källa av slaget rtsp måste ha en address"),
        (
            '[sources."Sal 1"]\nkind = "test"',
            "sources.Sal 1: tillåtet är små bokstäver a–z, siffror och bindestreck, högst 60 tecken",
        ),
        ('[bodies.kf]\nsource = "test"', "bodies.kf.name: saknas och måste anges"),
        ('[bodies.kf]\nname = "KF"', "bodies.kf: måste ha room eller source"),
        (KF + 'channel = "x"', "bodies.kf.channel = 'x': är inte definierad; definierade är archive"),
        (
            KF + "retention_days = 9",
            "bodies.kf: retention_days måste ha retention_decision, gallringsbeslutets beteckning",
        ),
        (
            KF + 'audience = "staff"',
            "bodies.kf: audience är staff, men alla ser kanalen archive; den måste också vara för staff",
        ),
        (
            '[rooms.sal]\nname = "Salen"\nsource = "x"',
            "rooms.sal.source = 'x': är inte definierad; definierade är test",
        ),
    ],
)
def test_a_wrong_value_is_one_line_with_the_key_what_was_found_and_what_is_allowed(
    write: Write, text: str, line: str
) -> None:
    file = write(text)
    assert faults(file) == [f"{file} måste rättas:", line]


def test_every_wrong_key_has_its_line(write: Write) -> None:
    file = write(KF + 'platforms = ["x"]\nchannel = "y"\n[bodies.ks]\nname = "KS"\n')
    assert [line.partition(" ")[0] for line in faults(file)[1:]] == [
        "bodies.kf.platforms",
        "bodies.kf.channel",
        "bodies.ks:",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[mail]\npassword = 12345678",
        "[mail]\npasword = 'hunter12345678'",
        "mail = 'smtp://anna:12345678@post'",
        "[sources]\nsal = 'rtsp://anna:12345678@kamera'",
        "[sources.sal]\nkind = 'rtps'\naddress = ['rtsp://anna:12345678@kamera']",
        "[site]\nport = 'https://anna:12345678@kamera'",
    ],
)
def test_a_secret_is_never_told(write: Write, text: str) -> None:
    assert "12345678" not in "\n".join(faults(write(text)))


def test_broken_toml_is_one_line_with_its_place(write: Write) -> None:
    file = write('data = "x"\n\n[site\nport = 1\n')
    (line,) = faults(file)
    assert line.startswith(f"{file}, rad 3, kolumn 6: filen är inte giltig TOML")
    file.write_bytes("data = 'x'\n[site]\nname = 'Läktare'".encode("latin-1"))
    assert faults(file) == [f"{file}, rad 3: filen måste sparas som UTF-8."]


def test_a_missing_file_is_one_sentence_on_how_to_get_one(tmp_path: Path) -> None:
    (line,) = faults(tmp_path / "laktare.toml")
    assert "finns inte" in line
    assert "laktare init" in line


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("LAKTARE_SIET__PORT", "1", "LAKTARE_SIET__PORT: okänd nyckel; menade du site?"),
        ("LAKTARE_MAIL__PASWORD", "hemligt", "LAKTARE_MAIL__PASWORD: okänd nyckel; menade du password?"),
        ("LAKTARE_DATABSE", "hemligt", "LAKTARE_DATABSE: okänd nyckel; menade du database?"),
        ("LAKTARE_BODIES", "{hemligt", '"bodies" i miljön: listor och tabeller skrivs som JSON.'),
    ],
)
def test_a_misspelt_name_in_the_environment_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)
    assert faults(None) == [line]


def test_the_names_of_other_tools_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKTARE_LOG", "json")
    assert load_settings(None).site.port == 8080


def test_a_secret_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets, outside = tmp_path / "secrets", tmp_path / "hemlig"
    monkeypatch.setenv("LAKTARE_SECRETS", str(secrets))
    assert faults(None) == [
        f"LAKTARE_SECRETS = '{secrets}': mappen finns inte; den ska ha en fil per nyckel."
    ]
    secrets.mkdir()
    (secrets / "mail__password").write_bytes(b"\xff\xfe")
    (secrets / "mail__pasword").write_text("hemligt")
    outside.write_text("hemligt")
    (secrets / "mail__user").symlink_to(outside)
    (secrets / "webhook__url").mkdir()
    assert faults(None) == [
        f"{secrets}/mail__password: hemligheten kan inte läsas (den är inte UTF-8).",
        f"{secrets}/mail__pasword: okänd nyckel; menade du password?",
        f"{secrets}/mail__user: hemligheten är en länk ut ur mappen och läses inte; lägg själva filen här.",
        f"{secrets}/webhook__url: hemligheten kan inte läsas (Is a directory).",
    ]


def uncommented() -> str:
    keys = re.compile(r"^# ?(\[[a-z.]+\]|[a-z_]+ = .*)", re.MULTILINE)
    return keys.sub(r"\1", EXAMPLE.read_text(encoding="utf-8"))


def leaves(model: type[BaseModel], place: str = "") -> set[str]:
    """Every key of the settings, with * for the names people choose."""
    found = set()
    for name, info in model.model_fields.items():
        kind: Any = info.annotation
        if get_origin(kind) is dict:
            found |= leaves(get_args(kind)[1], f"{place}{name}.*.")
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= leaves(kind, f"{place}{name}.")
        else:
            found.add(place + name)
    return found


def keys(table: dict[str, Any], place: str = "") -> set[str]:
    found = set()
    for name, value in table.items():
        if isinstance(value, dict):
            named = place in ("accounts.", "sources.", "rooms.", "channels.", "platforms.", "bodies.")
            found |= keys(value, f"{place}{'*' if named else name}.")
        else:
            found.add(place + name)
    return found


def test_the_example_explains_every_key_and_loads_with_all_of_them(write: Write) -> None:
    written = tomllib.loads(uncommented())
    assert keys(written) == leaves(Settings)
    settings = load_settings(write(uncommented()))
    assert settings.source_of("kf") == "fullmaktigesalen"


def test_the_example_states_the_defaults(write: Write) -> None:
    untouched, plain = load_settings(write(EXAMPLE.read_text(encoding="utf-8"))), load_settings(write(""))
    assert untouched == plain
    stated = load_settings(write(uncommented()))
    for part in (
        "timezone",
        "data",
        "database",
        "workflows",
        "site",
        "picture",
        "live",
        "mail",
        "webhook",
    ):
        assert getattr(stated, part) == getattr(plain, part), part
    assert stated.channels["archive"] == plain.channels["archive"]
    assert stated.youtube.model_copy(update={"client_secrets": None}) == plain.youtube
    assert stated.bodies["kf"].youtube == YouTubeWording()
