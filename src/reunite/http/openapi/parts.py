"""What descriptions of routes are made of."""

from __future__ import annotations

from typing import Any

from reunite.http.problem import KINDS, MEDIA_TYPE, TYPE_PREFIX
from reunite.settings import Settings

Json = dict[str, Any]

PROBLEM = {
    "type": TYPE_PREFIX + "invalid-identifier",
    "title": "What was presented is invalid",
    "status": 400,
    "detail": "email: has no @; an e-mail has the form name@example.com.",
    "field": "email",
    "wrong": "has no @",
    "right": "an e-mail has the form name@example.com",
}


class Writer:
    """Writes the parts that depend on the settings: whether keys and names are looked at."""

    def __init__(self, settings: Settings) -> None:
        self._statuses = [400, 408, 431, 500]
        if settings.is_local:
            self._statuses.append(421)
        self._keyed = bool(settings.api_keys)

    def operation(
        self, name: str, summary: str, success: Json, *statuses: int, is_open: bool = False
    ) -> Json:
        """An operation with all that may be answered, its own refusals and everybody's."""
        refusals = {*self._statuses, *statuses}
        if self._keyed and not is_open:
            refusals.add(401)
        responses = {str(status): refusal(status) for status in sorted(refusals)}
        operation: Json = {
            "operationId": name,
            "summary": summary,
            "parameters": [{"$ref": "#/components/parameters/RequestId"}],
            "responses": {"200": success, **responses},
        }
        if self._keyed and not is_open:
            operation["security"] = [{"key": []}]
        return operation


def ref(name: str) -> Json:
    """Point to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def body(schema: Json, example: object) -> Json:
    """What a request has to bring."""
    return {"required": True, "content": {"application/json": _content(schema, example)}}


def _content(schema: Json, example: object | None) -> Json:
    return {"schema": schema} if example is None else {"schema": schema, "example": example}


def success(
    description: str,
    schema: Json,
    media: str = "application/json",
    example: object | None = None,
    headers: Json | None = None,
) -> Json:
    """An answer."""
    return {
        "description": description,
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/XRequestId"}, **(headers or {})},
        "content": {media: _content(schema, example)},
    }


def refusal(status: int) -> Json:
    """All the problems of a status."""
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    headers: Json = {}
    if status == 503:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    if status == 401:
        headers["WWW-Authenticate"] = {"$ref": "#/components/headers/WwwAuthenticate"}
    example = PROBLEM | {"requestId": "0123456789ab-1"} if status == 400 else None
    described = ". ".join(f"{kind.title} (`{TYPE_PREFIX}{kind.slug}`)" for kind in kinds)
    return success(described + ".", ref("Problem"), MEDIA_TYPE, example, headers)
