"""What a method is told, and the register of the methods that the stand-in has."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.standins.youtube_discovery import Method
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_oauth import Account

if TYPE_CHECKING:
    from tests.standins.youtube import YouTube


@dataclass
class Media:
    """A file that has arrived whole."""

    path: Path
    mime: str
    size: int  # bytes
    sha256: str
    received: int  # bytes that came for it, those thrown away and sent again counted too


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, checked against the discovery document."""

    youtube: YouTube
    method: Method
    account: Account
    parameters: Json
    body: Json = field(default_factory=dict)
    media: Media | None = None
    media_mime: str = ""
    media_size: int | None = None  # as announced

    @property
    def parts(self) -> list[str]:
        return list(self.parameters.get("part", ()))

    def one_filter(self, *names: str) -> str:
        """The one of these parameters that is given. Refusal 400 for none and for two."""
        given = [name for name in names if self.parameters.get(name)]
        if not given:
            raise Refusal(400, "missingRequiredParameter", f"no filter selected: {', '.join(names)}")
        if len(given) > 1:
            raise Refusal(400, "incompatibleParameters", f"incompatible: {', '.join(given)}")
        return given[0]

    def answer_with(self, resource: Json) -> Json:
        """A resource with nothing but the parts asked for."""
        return {
            key: value
            for key, value in resource.items()
            if key in ("kind", "etag", "id") or key in self.parts
        }

    def page(self, resources: list[Json]) -> Json:
        """A page of a list: `maxResults` of them from `pageToken` on."""
        size = self.parameters.get("maxResults", 5)
        begin = _read_page_token(self.parameters.get("pageToken", ""))
        assert self.method.response is not None
        answer: Json = {
            "kind": self.method.schemas[self.method.response]["properties"]["kind"]["default"],
            "etag": "etag",
            "pageInfo": {"totalResults": len(resources), "resultsPerPage": size},
            "items": [self.answer_with(resource) for resource in resources[begin : begin + size]],
        }
        if begin + size < len(resources):
            answer["nextPageToken"] = _page_token(begin + size)
        if begin:
            answer["prevPageToken"] = _page_token(max(begin - size, 0))
        return answer


def _page_token(begin: int) -> str:
    return base64.urlsafe_b64encode(f"page:{begin}".encode()).decode()


def _read_page_token(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("page:")) if token else 0
    except ValueError as error:
        raise Refusal(400, "invalidPageToken", "The request specifies an invalid page token.") from error


Handler = Callable[[Call], Any]
HANDLERS: dict[str, Handler] = {}
CHECKS: dict[str, Handler] = {}  # before the first byte of an upload is taken


def handles(method_id: str) -> Callable[[Handler], Handler]:
    """Register what answers a method; it gives the JSON to answer, None for 204."""

    def register(handler: Handler) -> Handler:
        HANDLERS[method_id] = handler
        return handler

    return register


def checks(method_id: str) -> Callable[[Handler], Handler]:
    """Register what is looked at before a file of the method is taken."""

    def register(handler: Handler) -> Handler:
        CHECKS[method_id] = handler
        return handler

    return register
