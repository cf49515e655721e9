"""The OpenAPI 3.1 document, made from the endpoints themselves so that it can't say something else."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any

import msgspec

from fileshare import __version__
from fileshare.web.api.endpoint import PREFIX, Endpoint
from fileshare.web.api.names import PATH_FORM, USERNAME_FORM
from fileshare.web.guards import Open

Json = Mapping[str, Any]

DESCRIPTION = (
    "Files, half-done uploads, versions, the trash, users and logs of a fileshare server. "
    "The bytes of files go through /files/ (GET and PUT) and /tus/. Log in with a token of POST tokens "
    "(Bearer) or with name and password (Basic); a browser's session serves too, and a change then needs "
    "the header X-CSRF-Token. What a request says beyond what stands here is refused by its name."
)

NAMED: Mapping[str, Json] = {
    "path": {
        "description": "The path of a file or folder, percent-encoded; its slashes may stay as they are.",
        "schema": {"type": "string", **PATH_FORM},
    },
    "id": {"description": "What the list calls `id`.", "schema": {"type": "string", "minLength": 1}},
    "username": {
        "description": "The name of an account, percent-encoded.",
        "schema": {"type": "string", **USERNAME_FORM},
    },
}

FAILURES = {
    400: "What was asked makes no sense; the message says what to change.",
    401: "Log in.",
    403: "The caller's role does not allow this, or the CSRF token is missing.",
    404: "There is nothing of that name.",
    409: "Something else stands at that name, or the last admin would go.",
    412: "If-Match does not hold any more.",
    413: "The body is larger than this takes.",
    415: "The body is no application/json.",
    429: "Too many failed logins: wait as long as Retry-After says.",
    500: "Something failed here.",
    503: "No writes are taken now.",
    507: "The disk is full.",
}

_PLACE = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_REFERENCE = "#/components/schemas/{name}"


class Error(msgspec.Struct, frozen=True):
    """What failed: a code for programs that stays the same, and a sentence for people."""

    code: str
    message: str


class Failure(msgspec.Struct, frozen=True):
    """The one shape of every failure."""

    error: Error


@cache
def encoded(endpoints: tuple[Endpoint, ...], server: str) -> msgspec.Raw:
    """The document as it is served, made once for each `server`."""
    return msgspec.Raw(msgspec.json.encode(document_of(endpoints, server)))


def document_of(endpoints: Sequence[Endpoint], server: str = "/") -> Json:
    """The document of those endpoints, at the URL `server`."""
    paths: dict[str, dict[str, Json]] = {}
    for one in endpoints:
        place = paths.setdefault(public_path(one), {})
        place[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "fileshare", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": server}],
        "security": [{"token": []}, {"password": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(endpoints),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
    }


def public_path(to: Endpoint) -> str:
    """The path with its places as the document names them."""
    return _PLACE.sub(r"{\1}", PREFIX + to.path)


def _operation(to: Endpoint) -> Json:
    told: dict[str, Any] = {
        "operationId": to.name,
        "summary": to.summary,
        "tags": [to.path.split("/")[1]],
        "parameters": [*_named(to), *_query(to), *_conditions(to)],
        "responses": {str(to.status): _success(to), **_failures(to)},
    }
    if to.body is not NoneType:
        told["requestBody"] = {"required": True, "content": _content(to.body)}
    if to.needs is Open.EVERYONE:
        told["security"] = []
    return told


def _named(to: Endpoint) -> list[Json]:
    return [{"name": name, "in": "path", "required": True, **NAMED[name]} for name in _PLACE.findall(to.path)]


def _query(to: Endpoint) -> list[Json]:
    if to.query is NoneType:
        return []
    _, schemas = msgspec.json.schema_components([to.query])
    (schema,) = schemas.values()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "description": form.pop("description", ""),
            "schema": form,
        }
        for name, form in schema["properties"].items()
    ]


def _conditions(to: Endpoint) -> list[Json]:
    header = "If-None-Match" if to.method == "GET" else "If-Match"
    if to.method != "GET" and to.stands is None:
        return []
    described = "An ETag that GET has told before."
    return [{"name": header, "in": "header", "description": described, "schema": {"type": "string"}}]


def _success(to: Endpoint) -> Json:
    if to.answer is NoneType:
        return {"description": "Done."}
    told: dict[str, Any] = {"description": (to.answer.__doc__ or "").strip(), "content": _content(to.answer)}
    if to.method == "GET":
        told["headers"] = {
            "ETag": {"description": "The digest of this answer.", "schema": {"type": "string"}}
        }
    return told


def _content(form: type[Any]) -> Json:
    if form is msgspec.Raw:
        return {"application/json": {"schema": {"type": "object"}}}
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(name=form.__name__)}}}


def _failures(to: Endpoint) -> Mapping[str, Json]:
    """Each failure has the one shape; which may come follows from what the endpoint takes."""
    may_come = {400, 401, 429, 500}
    if to.method != "GET":
        may_come |= {403, 409, 503, 507}
    if to.needs is not Open.EVERYONE:
        may_come.add(403)
    if "{" in to.path or to.query is not NoneType:
        may_come |= {404, 409}
    if to.body is not NoneType:
        may_come |= {404, 413, 415}
    if to.stands is not None:
        may_come.add(412)
    told = {str(status): _failure(FAILURES[status]) for status in sorted(may_come)}
    return {"304": {"description": "Still as If-None-Match says."}, **told} if to.method == "GET" else told


def _failure(description: str) -> Json:
    return {"description": description, "content": _content(Failure)}


def _schemas(endpoints: Sequence[Endpoint]) -> Json:
    shapes = {form for one in endpoints for form in (one.body, one.answer)} - {NoneType, msgspec.Raw}
    ordered = sorted(shapes | {Failure}, key=lambda form: form.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_REFERENCE)
    return schemas
