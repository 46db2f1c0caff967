"""Partial answers: what `fields` leaves of a resource."""

from __future__ import annotations

import re
from typing import Any

from tests.standins.youtube_errors import Json, Refusal


def select(content: Any, fields: str) -> Any:
    """What `items(id,status/lifeCycleStatus),nextPageToken` names. Refusal 400 where it cannot be read."""
    signs = re.findall(r"[\w*]+|[(),/]", fields)
    if "".join(signs) != fields:
        raise Refusal(400, "invalidParameter", f"fields cannot be read: {fields}")
    return _pick(content, _tree(signs))


def _tree(signs: list[str]) -> Json:
    """The names up to the closing bracket, taken off the front of `signs`; {} below a name: all of it."""
    tree: Json = {}
    branch = tree
    while signs and (sign := signs.pop(0)) != ")":
        if sign == ",":
            branch = tree
        elif sign == "(":
            branch.update(_tree(signs))
        elif sign != "/":
            branch = branch.setdefault(sign, {})
    return tree


def _pick(content: Any, wanted: Json) -> Any:
    if not wanted or "*" in wanted:
        return content
    if isinstance(content, list):
        return [_pick(part, wanted) for part in content]
    if not isinstance(content, dict):
        return content
    return {key: _pick(value, wanted[key]) for key, value in content.items() if key in wanted}
