"""How the routes are described that look without writing."""

from __future__ import annotations

from reunite.http.openapi.identifying import ANSWER, EXAMPLE
from reunite.http.openapi.parts import Json, Writer, body, ref, success
from reunite.inquiry.graph import MOST_NODES, NODES
from reunite.inquiry.inquiry import EVENTS, MOST_EVENTS
from reunite.repositories.transaction import LARGEST_ID

_NULL = {"type": "null"}


def _one_of(name: str, schema: Json) -> Json:
    """An object with this member, and without the others."""
    others = dict.fromkeys(("email", "phoneNumber", "contactId"), _NULL)
    return {"required": [name], "properties": {**others, name: schema}}


SCHEMAS: Json = {
    "ContactId": {"type": "integer", "minimum": 1, "maximum": LARGEST_ID},
    "Asked": {
        "type": "object",
        "description": "An identifier, or a contact, which stands for what it hangs on.",
        "oneOf": [
            _one_of("email", ref("Email")),
            _one_of("phoneNumber", ref("Phone")),
            _one_of("contactId", ref("ContactId")),
        ],
    },
    "ExplainRequest": {
        "type": "object",
        "description": "Two identifiers or contacts. Further members are ignored.",
        "required": ["a", "b"],
        "properties": {"a": ref("Asked"), "b": ref("Asked")},
    },
}


def _parameter(where: str, name: str, description: str, **schema: object) -> Json:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "description": description,
        "schema": schema,
    }


def _limit(default: int, most: int) -> Json:
    says = "How many at most."
    return _parameter(
        "query", "limit", says, type="integer", minimum=1, maximum=most, default=default
    )


PARAMETERS: Json = {
    "DryRun": _parameter(
        "query", "dryRun", "Only tell what would be written.", type="boolean", default=False
    ),
    "ContactId": {
        **_parameter("path", "contactId", "Any contact of the identity, primary or not."),
        "schema": ref("ContactId"),
    },
    "After": _parameter(
        "query",
        "after",
        "The position to go on after: `next` of the page before.",
        type="integer",
        minimum=0,
        maximum=LARGEST_ID,
        default=0,
    ),
    "Events": _limit(EVENTS, MOST_EVENTS),
    "Nodes": _limit(NODES, MOST_NODES),
}


def paths(write: Writer) -> Json:
    """Describe what is looked at."""
    identity = "The identity of a contact. Contact ids resolve for ever, whatever was merged."
    history = "What happened to an identity: every contact, link, merge, split, a page of them."
    graph = "The evidence of an identity as nodes and edges, standing or taken back."
    return {
        "/lookup": {"post": _lookup(write)},
        "/identities/{contactId}": {
            "get": _get(write, "identity", identity, "IdentifyResponse"),
        },
        "/identities/{contactId}/history": {
            "get": _get(write, "history", history, "History", "After", "Events"),
        },
        "/identities/{contactId}/graph": {
            "get": _get(write, "graph", graph, "Graph", "Nodes"),
        },
        "/explain": {"post": _explain(write)},
    }


def _lookup(write: Writer) -> Json:
    lookup = write.operation(
        "lookup",
        "Whose are these identifiers? Nothing is written.",
        success(
            "The identities, by age: one, or two that nothing joins.",
            ref("LookupResponse"),
            example={"identities": [ANSWER["contact"]]},
        ),
        *(400, 404, 408, 413, 415, 422, 503),
    )
    lookup["requestBody"] = body(ref("IdentifyRequest"), EXAMPLE)
    return lookup


def _explain(write: Writer) -> Json:
    explain = write.operation(
        "explain",
        "Why are these two one person, or why not? Nothing is written.",
        success("What joins them, or what each has.", ref("Explanation")),
        *(400, 404, 408, 413, 415, 503),
    )
    example = {"a": {"email": "foo@example.com"}, "b": {"contactId": 1}}
    explain["requestBody"] = body(ref("ExplainRequest"), example)
    return explain


def _get(write: Writer, name: str, summary: str, schema: str, *parameters: str) -> Json:
    answer = success(summary, ref(schema))
    operation = write.operation(name, summary, answer, 400, 404, 503)
    operation["parameters"] += [
        {"$ref": f"#/components/parameters/{one}"} for one in ("ContactId", *parameters)
    ]
    return operation
