"""Which method of the API a request goes to, and what it costs: the discovery documents that came with the client."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from googleapiclient.discovery_cache import get_static_doc

UNITS = "units"
OWN_BUCKETS = {"youtube.videos.insert": 100, "youtube.search.list": 100}
"""Methods with a daily number of calls of their own; all others share `UNITS`."""

# https://developers.google.com/youtube/v3/determine_quota_cost. The live methods stand in no table: they are taken
# as the others, 1 for what reads and 50 for what writes.
_COSTS = {
    "youtube.captions.list": 50,
    "youtube.captions.insert": 400,
    "youtube.captions.update": 450,
    "youtube.captions.download": 200,
    **dict.fromkeys(OWN_BUCKETS, 1),
}
_READ, _WRITE = 1, 50


def document(name: str, version: str) -> dict[str, Any]:
    """A new copy of a discovery document of the installed client. No network."""
    found: dict[str, Any] = json.loads(get_static_doc(name, version))
    return found


def method_of(verb: str, url: str) -> str | None:
    """The id of the YouTube Data API's method behind a request, "youtube.videos.list"; None: another API's."""
    path = urlsplit(url).path.strip("/").removeprefix("resumable/").removeprefix("upload/")
    _, found, rest = path.partition("youtube/v3/")
    words = rest.split("/")
    methods = _methods()
    return methods.get((verb, rest)) or methods.get((verb, f"{words[0]}/*")) if found else None


def bucket_of(method: str) -> str:
    """The daily allowance that a method is paid from, as table `spendings` names it."""
    return method.removeprefix("youtube.") if method in OWN_BUCKETS else UNITS


def cost_of(method: str) -> int:
    """Units of one request, whatever its answer."""
    return _COSTS.get(method, _READ if method in _readers() else _WRITE)


@cache
def _methods() -> dict[tuple[str, str], str]:
    """(verb, path after youtube/v3/, its parameter as *) → id."""
    return {
        (facts["httpMethod"], _pattern(facts["path"])): facts["id"]
        for resource in document("youtube", "v3")["resources"].values()
        for facts in resource.get("methods", {}).values()
    }


def _pattern(path: str) -> str:
    rest = path.removeprefix("youtube/v3/")
    return f"{rest.partition('/')[0]}/*" if "{" in rest else rest


@cache
def _readers() -> frozenset[str]:
    return frozenset(method for (verb, _), method in _methods().items() if verb == "GET")
