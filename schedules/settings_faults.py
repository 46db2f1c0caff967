"""Says what is wrong with a setting: one Swedish line per key, with what was found and what is allowed.

Knows no setting by name: the model is an argument. What is found is never shown where it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo


class SettingsError(Exception):
    """A setting is missing or wrong. The message holds one line per wrong key: key, what was found, what is allowed."""


_ALLOWED = {
    "int_type": "ett heltal",
    "int_parsing": "ett heltal",
    "int_from_float": "ett heltal",
    "float_type": "ett tal",
    "float_parsing": "ett tal",
    "bool_type": "true eller false",
    "bool_parsing": "true eller false",
    "string_type": "text inom citattecken",
    "path_type": "en sökväg inom citattecken",
    "tuple_type": 'en lista, t.ex. ["a", "b"]',
    "string_pattern_mismatch": "små bokstäver a–z, siffror och bindestreck, högst 60 tecken",
    "dict_type": "en tabell, [{key}.namn]",
    "model_type": "en tabell, [{key}]",
    "model_attributes_type": "en tabell, [{key}]",
    "greater_than": "mer än {gt:g}",
    "greater_than_equal": "minst {ge:g}",
    "less_than_equal": "högst {le:g}",
    "multiple_of": "delbart med {multiple_of:g}",
}
"""Pydantic's error type → what is allowed."""


def describe(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """One line per wrong key of `model`, in the order of the keys."""
    for fault in error.errors(include_url=False):
        place = tuple(str(part) for part in fault["loc"] if part != "[key]")
        if fault["type"] == "value_error":
            yield from _own_words(place, fault, model)
        elif fault["type"] == "extra_forbidden":
            yield unknown_key(place, model)
        elif fault["type"] == "missing":
            yield f"{'.'.join(place)}: saknas och måste anges"
        else:
            yield f"{_found(place, fault['input'], model)}: tillåtet är {_allowed(place, fault, model)}"


def unknown_key(place: tuple[str, ...], model: type[BaseModel], *, written: str = "") -> str:
    """The line for a key that does not exist; `written` is how it was written, e.g. in the environment."""
    while len(place) > 1 and not is_known(place[:-1], model):
        place = place[:-1]  # the first wrong part is what there is something to say about
    known = sorted(_keys(model, place[:-1]))
    near = get_close_matches(place[-1], known, n=1)
    hint = f"menade du {near[0]}?" if near else f"tillåtna är {', '.join(known)}"
    return f"{written or '.'.join(place)}: okänd nyckel; {hint}"


def is_known(place: tuple[str, ...], model: type[BaseModel]) -> bool:
    """Whether there can be a key at `place`, e.g. ("mail", "password") or ("sources", "sal", "address")."""
    return _annotation(model, place) is not None


def _own_words(place: tuple[str, ...], fault: Mapping[str, Any], model: type[BaseModel]) -> Iterator[str]:
    words = str(fault["ctx"]["error"])
    if not place:  # the whole: each line names its own key
        yield from words.splitlines()
    else:
        yield f"{_found(place, fault['input'], model)}: {words}"


def _found(place: tuple[str, ...], value: Any, model: type[BaseModel]) -> str:
    key = ".".join(place)
    annotation = _annotation(model, place)
    # A table that was written as text may be an address with its password in it.
    if (
        annotation is None
        or annotation is SecretStr
        or _holds_tables(annotation)
        or isinstance(value, dict | BaseModel)
    ):
        return key
    return f"{key} = " + re.sub(r"://[^'\"\s]*", "://…", repr(value))


def _allowed(place: tuple[str, ...], fault: Mapping[str, Any], model: type[BaseModel]) -> str:
    context = fault.get("ctx", {})
    if fault["type"] in ("literal_error", "enum"):
        return str(context["expected"]).replace(" or ", " eller ")
    limits = _limits(model, place)
    if "ge" in limits and "le" in limits and fault["type"] in ("greater_than_equal", "less_than_equal"):
        return f"{limits['ge']:g} till {limits['le']:g}"
    wording = _ALLOWED.get(fault["type"])
    return wording.format(key=".".join(place), **context) if wording else str(fault["msg"])


def _field(model: type[BaseModel], place: tuple[str, ...]) -> FieldInfo | None:
    owner = _annotation(model, place[:-1]) if place else None
    if isinstance(owner, type) and issubclass(owner, BaseModel):
        return owner.model_fields.get(place[-1])
    return None


def _limits(model: type[BaseModel], place: tuple[str, ...]) -> dict[str, float]:
    field = _field(model, place)
    rules = field.metadata if field else []
    return {name: getattr(rule, name) for rule in rules for name in ("ge", "le") if hasattr(rule, name)}


def _annotation(model: type[BaseModel], place: tuple[str, ...]) -> Any:
    """The type at `place`, None where there can be no such key. A place inside a list has its members' type."""
    here: Any = model
    for part in place:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(part)
            here = field.annotation if field else None
        elif get_origin(here) in (dict, tuple):
            # dict[Key, X] → X; tuple[X, ...] → X
            here = get_args(here)[1 if get_origin(here) is dict else 0]
        else:
            return None
    return here


def _holds_tables(annotation: Any) -> bool:
    if get_origin(annotation) is dict:
        return True
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _keys(model: type[BaseModel], place: tuple[str, ...]) -> list[str]:
    owner = _annotation(model, place)
    return list(owner.model_fields) if isinstance(owner, type) and issubclass(owner, BaseModel) else []
