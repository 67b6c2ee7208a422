"""The OpenAPI 3.1 document: bodies out from the types in `wire`, the rest written here.

What a request may hold is written as JSON Schema as exactly as that can say it, so that a client
made from the document does not learn by refusals.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import msgspec

from reunite.http import wire
from reunite.http.problem import KINDS, MEDIA_TYPE, RETRY_AFTER, TYPE_PREFIX, ItemProblem, Problem
from reunite.settings import Settings

Json = dict[str, Any]

_EXAMPLE = {"email": "foo@example.com", "phoneNumber": "1234567890"}
_ANSWER = {
    "contact": {
        "primaryContactId": 1,
        "emails": ["foo@example.com"],
        "phoneNumbers": ["1234567890", "9999999999"],
        "secondaryContactIds": [2],
    }
}
_PROBLEM = {
    "type": TYPE_PREFIX + "invalid-identifier",
    "title": "What was presented is invalid",
    "status": 400,
    "detail": "email: has no @; an e-mail has the form name@example.com.",
    "field": "email",
    "wrong": "has no @",
    "right": "an e-mail has the form name@example.com",
}

_ANYTHING = {"description": "What is no such request is answered with its problem."}
_FORMATTING = r"[ ()\[\]{}./-]"
_REQUEST_SCHEMAS: Json = {
    "Email": {
        "type": "string",
        "description": "Compared in lower case, without blanks around it.",
        "pattern": r"^[!-?A-~]+@[!-,/-?A-~-]+(\.[!-,/-?A-~-]+)+$",
        "maxLength": 254,
    },
    "Phone": {
        "description": "A number, or text in which blanks, -, ., / and brackets do not count.",
        "anyOf": [
            {
                "type": "string",
                "pattern": rf"^{_FORMATTING}*\+?({_FORMATTING}*[0-9]){{1,32}}{_FORMATTING}*"
                rf"((x|ext\.?|#)({_FORMATTING}*[0-9]){{1,32}}{_FORMATTING}*)?$",
                "maxLength": 1016,
            },
            {"type": "integer", "minimum": 0, "maximum": 10**32 - 1},
        ],
    },
    "Absent": {
        "description": "The same as leaving it out.",
        "anyOf": [{"type": "null"}, {"type": "string", "pattern": r"^\s*$"}],
    },
}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


_REQUEST_SCHEMAS["IdentifyRequest"] = {
    "type": "object",
    "description": "What is known of a customer: an e-mail, a phone number, or both. "
    "Further members are ignored.",
    "properties": {
        "email": {"anyOf": [_ref("Email"), _ref("Absent")]},
        "phoneNumber": {"anyOf": [_ref("Phone"), _ref("Absent")]},
    },
    "anyOf": [
        {"required": ["email"], "properties": {"email": _ref("Email")}},
        {"required": ["phoneNumber"], "properties": {"phoneNumber": _ref("Phone")}},
    ],
    "examples": [_EXAMPLE],
}


class _Writer:
    """Writes the parts that depend on the settings: whether keys and names are looked at."""

    def __init__(self, settings: Settings) -> None:
        self._statuses = [500]
        if settings.is_local:
            self._statuses += [400, 421]
        self._keyed = bool(settings.api_keys)

    def operation(
        self, name: str, summary: str, success: Json, *statuses: int, is_open: bool = False
    ) -> Json:
        refusals = {*self._statuses, *statuses}
        if self._keyed and not is_open:
            refusals.add(401)
        responses = {str(status): _refusal(status) for status in sorted(refusals)}
        operation: Json = {
            "operationId": name,
            "summary": summary,
            "parameters": [{"$ref": "#/components/parameters/RequestId"}],
            "responses": {"200": success, **responses},
        }
        if self._keyed and not is_open:
            operation["security"] = [{"key": []}]
        return operation


def document(settings: Settings) -> Json:
    """Describe the API of a server with these settings."""
    components: Json = {
        "schemas": {**_REQUEST_SCHEMAS, **_answer_schemas()},
        "headers": _headers(),
        "parameters": {"RequestId": _REQUEST_ID},
    }
    if settings.api_keys:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "reunite",
            "version": version("reunite"),
            "summary": "Decides, at the moment of asking, who a customer is.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": _paths(_Writer(settings)),
        "components": components,
    }


def _paths(write: _Writer) -> Json:
    outcome = {"Reunite-Outcome": {"$ref": "#/components/headers/ReuniteOutcome"}}
    identify = write.operation(
        "identify",
        "Who is this customer? Reconciles what is presented with all that is known.",
        _success("The whole person.", _ref("IdentifyResponse"), example=_ANSWER, headers=outcome),
        *(400, 408, 409, 413, 415, 422, 503, 507),
    )
    identify["requestBody"] = _body(_ref("IdentifyRequest"), _EXAMPLE)
    batch = write.operation(
        "identifyBatch",
        "The same for an array of requests, one after the other. Each is atomic, the array is not.",
        _success(
            "An answer for each request, in the same order.",
            {"type": "array", "items": {"anyOf": [_ref("IdentifyResponse"), _ref("ItemRefused")]}},
            example=[_ANSWER, {"problem": _PROBLEM}],
        ),
        *(400, 408, 413, 415, 503, 507),
    )
    batch["requestBody"] = _body(
        {
            "type": "array",
            "maxItems": wire.BATCH_ITEMS,
            "items": {"anyOf": [_ref("IdentifyRequest"), _ANYTHING]},
        },
        [_EXAMPLE],
    )
    health = {"type": "object", "properties": {"status": {"type": "string"}}}
    text = {"type": "string"}
    ready = "The store answers, and the server is not stopping."

    def get(name: str, summary: str, *statuses: int, is_open: bool = False, **body: Any) -> Json:
        success = _success(summary, body["schema"], body.get("media", "application/json"))
        return {"get": write.operation(name, summary, success, *statuses, is_open=is_open)}

    return {
        "/identify": {"post": identify},
        "/identify/batch": {"post": batch},
        "/livez": get("livez", "The process is alive.", is_open=True, schema=health),
        "/readyz": get("readyz", ready, 503, is_open=True, schema=health),
        "/healthz": get("healthz", "The same as /readyz.", 503, is_open=True, schema=health),
        "/metrics": get("metrics", "For Prometheus.", schema=text, media="text/plain"),
        "/openapi.json": get("openapi", "This document.", schema={"type": "object"}),
        "/docs": get("docs", "A page to try it.", schema=text, media="text/html"),
    }


_REQUEST_ID: Json = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "Comes back with the answer and stands in the log; made up where it is missing "
    "or is not 1 to 128 letters, digits and . _ / = : ~ -",
    "schema": {"type": "string"},
}


def _headers() -> Json:
    words = ["created", "extended", "merged", "known"]
    text = {"type": "string"}
    return {
        "XRequestId": {"description": "Names this request in the server's log.", "schema": text},
        "ReuniteOutcome": {
            "description": "What the request did.",
            "schema": {"type": "string", "enum": words},
        },
        "RetryAfter": {
            "description": "Seconds after which to ask again.",
            "schema": {"type": "integer", "const": RETRY_AFTER},
        },
        "WwwAuthenticate": {"description": "How to show an API key.", "schema": text},
    }


def _answer_schemas() -> Json:
    types = (wire.IdentifyResponse, wire.ItemRefused, Problem, ItemProblem)
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return schemas


def _body(schema: Json, example: object) -> Json:
    return {"required": True, "content": {"application/json": _content(schema, example)}}


def _content(schema: Json, example: object | None) -> Json:
    return {"schema": schema} if example is None else {"schema": schema, "example": example}


def _success(
    description: str,
    schema: Json,
    media: str = "application/json",
    example: object | None = None,
    headers: Json | None = None,
) -> Json:
    return {
        "description": description,
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/XRequestId"}, **(headers or {})},
        "content": {media: _content(schema, example)},
    }


def _refusal(status: int) -> Json:
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    headers: Json = {}
    if status == 503:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    if status == 401:
        headers["WWW-Authenticate"] = {"$ref": "#/components/headers/WwwAuthenticate"}
    example = _PROBLEM | {"requestId": "0123456789ab-1"} if status == 400 else None
    described = ". ".join(f"{kind.title} (`{TYPE_PREFIX}{kind.slug}`)" for kind in kinds)
    return _success(described + ".", _ref("Problem"), MEDIA_TYPE, example, headers)
