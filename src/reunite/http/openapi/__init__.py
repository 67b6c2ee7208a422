"""The OpenAPI 3.1 document: bodies out from the types of the answers, the rest written here."""

from __future__ import annotations

from importlib.metadata import version

import msgspec

from reunite.http import decided, wire
from reunite.http.openapi import deciding, identifying, looking, telling
from reunite.http.openapi.parts import Json, Writer
from reunite.http.problem import RETRY_AFTER, ItemProblem, Problem
from reunite.inquiry import Explanation, Foreseen, Graph, History
from reunite.settings import Settings


def document(settings: Settings) -> Json:
    """Describe the API of a server with these settings."""
    components: Json = {
        "schemas": {
            **identifying.SCHEMAS,
            **looking.SCHEMAS,
            **deciding.SCHEMAS,
            **_answer_schemas(),
        },
        "headers": _headers(),
        "parameters": {"RequestId": _REQUEST_ID, **looking.PARAMETERS, **deciding.PARAMETERS},
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
        "paths": _paths(Writer(settings)),
        "components": components,
    }


def _paths(write: Writer) -> Json:
    return {
        **identifying.paths(write),
        **looking.paths(write),
        **deciding.paths(write),
        **telling.paths(write),
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
    types = (
        *(wire.IdentifyResponse, wire.LookupResponse, wire.ItemRefused, Problem, ItemProblem),
        *(Explanation, Foreseen, Graph, History),
        *(decided.DecisionResponse, decided.Constraints, decided.HeldRequests, decided.Blocks),
    )
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return schemas
