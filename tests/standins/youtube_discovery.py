"""What may be asked and answered: the discovery documents that come with the installed google-api-python-client.

Stricter than Google where Google is lenient: an unknown parameter or body field, a number sent as a string and a part
that the body has but the request does not name are all refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import googleapiclient

from tests.standins.youtube_clock import parse_rfc3339
from tests.standins.youtube_errors import Json, Refusal, Unforeseen

DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
NAMES = ("youtube.v3.json", "youtubeAnalytics.v2.json")
WITHOUT_PART = {"kind", "etag", "id"}


@dataclass(frozen=True, kw_only=True)
class Method:
    """One method of one document."""

    id: str  # "youtube.videos.insert"
    verb: str
    path: re.Pattern[str]
    parameters: Json
    schemas: Json = field(repr=False)
    scopes: frozenset[str]
    request: str | None  # the schema of the body
    response: str | None
    media: Json | None

    @property
    def resource(self) -> str:
        return self.id.split(".")[-2]

    @property
    def verb_name(self) -> str:
        return self.id.rsplit(".", 1)[1]

    def parts(self) -> set[str]:
        """The parts that its resource has."""
        schema = self.response or self.request
        assert schema is not None
        properties = self.schemas[schema]["properties"]
        items = properties.get("items", {}).get("items", {}).get("$ref")
        if items is not None:
            properties = self.schemas[items]["properties"]
        return set(properties) - WITHOUT_PART | {"id"}


class Discovery:
    """Finds methods, and checks requests and answers."""

    def __init__(self) -> None:
        self.documents = {name: json.loads((DOCUMENTS / name).read_text(encoding="utf-8")) for name in NAMES}
        self.methods = [method for document in self.documents.values() for method in _methods(document)]
        self.by_id = {method.id: method for method in self.methods}

    def find(self, verb: str, path: str) -> tuple[Method, Json, bool]:
        """The method at a path ("/youtube/v3/videos"), its path parameters, and whether it is the path of an upload.

        Refusal 404 where there is none, 405 where the verb is wrong.
        """
        plain = re.sub(r"^/(resumable/)?upload/", "/", path)
        wrong_verb = False
        for method in self.methods:
            found = method.path.fullmatch(plain)
            if found is None or (plain != path and method.media is None):
                continue
            if method.verb == verb:
                return method, found.groupdict(), plain != path
            wrong_verb = True
        raise Refusal(405 if wrong_verb else 404, "notFound", f"no such method: {verb} {path}")

    def parameters(self, method: Method, given: dict[str, list[str]]) -> Json:
        """The query of a request as typed values. Refusal 400 for what is unknown, missing or of another type."""
        known = {**self._common(method), **method.parameters}
        typed: Json = {}
        for name, values in given.items():
            if name not in known:
                raise Refusal(400, "unexpectedParameter", f"unknown parameter: {name}")
            description = known[name]
            if description.get("repeated"):
                typed[name] = [
                    _parameter(name, part, description) for value in values for part in value.split(",")
                ]
            elif len(values) > 1:
                raise Refusal(400, "invalidParameter", f"given twice: {name}")
            else:
                typed[name] = _parameter(name, values[0], description)
        for name, description in known.items():
            if description.get("required") and not typed.get(name):
                raise Refusal(400, "missingRequiredParameter", f"missing parameter: {name}")
        if "part" in typed and (strange := set(typed["part"]) - method.parts()):
            raise Refusal(400, "unknownPart", f"unknown part: {', '.join(sorted(strange))}")
        return typed

    def body(self, method: Method, body: object, parts: list[str]) -> Json:
        """The body of a request. Refusal 400 for what is unknown, missing, of another type or in no named part."""
        if method.request is None:
            if body:
                raise Refusal(400, "badRequest", "this method takes no body")
            return {}
        if not isinstance(body, dict):
            raise Refusal(400, "badRequest", "the body must be a JSON object")
        for problem in problems(method.schemas, {"$ref": method.request}, body, "body"):
            raise Refusal(400, "badRequest", problem)
        if parts and (unnamed := set(body) - WITHOUT_PART - set(parts)):
            raise Refusal(400, "unexpectedPart", f"in no named part: {', '.join(sorted(unnamed))}")
        for name in _missing(method, {"$ref": method.request}, body, parts):
            raise Refusal(400, f"{name}Required", f"missing field: {name}")
        return body

    def answer(self, method: Method, answer: object) -> None:
        """Raise Unforeseen where an answer of the stand-in's own is not what the document promises."""
        if method.response is None:
            if answer is not None:
                raise Unforeseen(f"{method.id} answers nothing")
            return
        for problem in problems(method.schemas, {"$ref": method.response}, answer, method.id):
            raise Unforeseen(problem)

    def _common(self, method: Method) -> Json:
        name = NAMES[0] if method.id.startswith("youtube.") else NAMES[1]
        parameters: Json = self.documents[name]["parameters"]
        return parameters


def _methods(document: Json) -> Iterator[Method]:
    for resource in document["resources"].values():
        for facts in resource.get("methods", {}).values():
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape("/" + facts["path"]))
            yield Method(
                id=facts["id"], verb=facts["httpMethod"], path=re.compile(pattern), schemas=document["schemas"],
                parameters={n: d for n, d in facts.get("parameters", {}).items() if d["location"] == "query"},
                scopes=frozenset(facts.get("scopes", ())), request=facts.get("request", {}).get("$ref"),
                response=facts.get("response", {}).get("$ref"), media=facts.get("mediaUpload"),
            )  # fmt: skip


def _parameter(name: str, text: str, description: Json) -> Any:
    if "enum" in description and text not in description["enum"]:
        raise Refusal(400, "invalidParameter", f"{name} may not be {text!r}")
    if description["type"] == "boolean":
        if text not in ("true", "false"):
            raise Refusal(400, "invalidParameter", f"{name} must be true or false")
        return text == "true"
    if description["type"] == "integer":
        if not re.fullmatch(r"-?\d+", text):
            raise Refusal(400, "invalidParameter", f"{name} must be a number")
        least, most = int(description.get("minimum", -(2**31))), int(description.get("maximum", 2**32))
        if not least <= int(text) <= most:
            raise Refusal(400, "invalidParameter", f"{name} must be {least} to {most}")
        return int(text)
    return text


def problems(schemas: Json, schema: Json, value: object, where: str) -> Iterator[str]:
    """What is wrong with a value, sentence by sentence."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    kind = schema["type"]
    if kind == "object":
        if not isinstance(value, dict):
            yield f"{where} must be an object"
            return
        for name, inner in value.items():
            known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            if known is None:
                yield f"{where} has no field {name}"
            else:
                yield from problems(schemas, known, inner, f"{where}.{name}")
    elif kind == "array":
        if not isinstance(value, list):
            yield f"{where} must be a list"
            return
        for inner in value:
            yield from problems(schemas, schema["items"], inner, f"{where}[]")
    elif not _is(kind, schema, value):
        yield f"{where} must be a {schema.get('format', '')} {kind}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{where} may not be {value!r}"


def _is(kind: str, schema: Json, value: object) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            least = 0 if schema.get("format", "").startswith("uint") else -(2**31)
            return isinstance(value, int) and not isinstance(value, bool) and value >= least
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "any":
            return True
    return isinstance(value, str) and _is_formatted(schema.get("format", ""), value)


def _is_formatted(form: str, text: str) -> bool:
    if form == "date-time":
        try:
            parse_rfc3339(text)
        except ValueError:
            return False
    elif form in ("int64", "uint64"):
        return re.fullmatch(r"\d+" if form == "uint64" else r"-?\d+", text) is not None
    return True


def _missing(method: Method, schema: Json, body: Json, parts: list[str], depth: int = 0) -> Iterator[str]:
    """Fields marked as required for this method, in the objects that the body has or the request names as parts.

    Deprecated ones are left out: `cdn.format` is still marked though resolution and frameRate have replaced it.
    """
    schema = method.schemas[schema["$ref"]] if "$ref" in schema else schema
    for name, facts in schema.get("properties", {}).items():
        if (
            method.id in facts.get("annotations", {}).get("required", ())
            and not facts.get("deprecated")
            and name not in body
        ):
            yield name
        if "$ref" in facts and (name in body or (depth == 0 and name in parts)):
            yield from _missing(method, facts, body.get(name) or {}, [], depth + 1)
