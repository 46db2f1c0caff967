"""Reads settings as they were written, unchecked: the TOML file, the environment, the folder of secret files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pydantic_settings
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NestedSecretsSettingsSource,
    SecretsSettingsSource,
)

from schedules.settings_faults import SettingsError, is_known, unknown_key

PREFIX = "LAKTARE_"


def read_toml(file: Path) -> dict[str, Any]:
    """The keys of a TOML file. Raises SettingsError, with the line where it is broken."""
    try:
        return tomllib.loads(file.read_bytes().decode())
    except FileNotFoundError:
        raise SettingsError(
            f"Inställningsfilen {file} finns inte: gå till mappen där den ligger, peka ut den med --settings FIL,"
            " eller skriv en ny med `laktare init`."
        ) from None
    except OSError as error:
        raise SettingsError(f"Inställningsfilen {file} kan inte läsas: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(f"{file}, rad {line}: filen måste sparas som UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        # "Expected '=' after a key (at line 3, column 5)"; at the end: "(at end of document)"
        what, _, where = str(error).removesuffix(")").rpartition(" (at ")
        where = (
            where.replace("line", "rad").replace("column", "kolumn").replace("end of document", "filens slut")
        )
        raise SettingsError(f"{file}, {where}: filen är inte giltig TOML ({what}).") from None


def read_environment(model: type[BaseSettings], environment: Mapping[str, str]) -> dict[str, Any]:
    """The keys of `model` that stand in the environment. Raises SettingsError at a key that cannot be."""
    faults = []
    for name in sorted(environment):
        place = tuple(name.removeprefix(PREFIX).lower().split("__"))
        # One word may be another tool's (LAKTARE_LOG): it is refused only where it looks like a misspelt key.
        meant = len(place) > 1 or bool(get_close_matches(place[0], model.model_fields, cutoff=0.8))
        if name.startswith(PREFIX) and meant and not is_known(place, model):
            faults.append(unknown_key(place, model, written=name))
    if faults:
        raise SettingsError("\n".join(faults))
    return _taken(EnvSettingsSource(model), "miljön")


def read_secrets(model: type[BaseSettings], folder: Path) -> dict[str, Any]:
    """The keys of `model` in a folder with one file per key. Raises SettingsError, never with what a file holds."""
    if not folder.is_dir():
        raise SettingsError(
            f"LAKTARE_SECRETS = {str(folder)!r}: mappen finns inte; den ska ha en fil per nyckel."
        )
    inside = folder.resolve()
    faults = []
    for file in sorted(entry for entry in folder.iterdir() if not entry.name.startswith(".")):
        place = tuple(file.name.lower().split("__"))
        if not is_known(place, model):
            faults.append(unknown_key(place, model, written=str(file)))
        elif inside not in file.resolve().parents:
            faults.append(
                f"{file}: hemligheten är en länk ut ur mappen och läses inte; lägg själva filen här."
            )
        elif (reason := _unreadable(file)) is not None:
            faults.append(f"{file}: hemligheten kan inte läsas ({reason}).")
    if faults:
        raise SettingsError("\n".join(faults))
    return _taken(
        NestedSecretsSettingsSource(SecretsSettingsSource(model), secrets_dir=folder, secrets_prefix=""),
        str(folder),
    )


def merge(*sources: dict[str, Any]) -> dict[str, Any]:
    """All sources in one; where two give the same key the later wins, table by table."""
    merged: dict[str, Any] = {}
    for source in sources:
        for key, value in source.items():
            old = merged.get(key)
            merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _taken(source: EnvSettingsSource, name: str) -> dict[str, Any]:
    try:
        return source()
    except pydantic_settings.SettingsError as error:
        # 'error parsing value for field "bodies" from source "EnvSettingsSource"'; its cause may quote a secret
        raise SettingsError(
            f"{str(error).partition('field ')[2].partition(' from')[0]} i {name}: listor och tabeller skrivs som JSON."
        ) from None


def _unreadable(file: Path) -> str | None:
    try:
        file.read_bytes().decode()
    except OSError as error:
        return error.strerror or "okänt fel"
    except UnicodeDecodeError:
        return "den är inte UTF-8"
    return None
