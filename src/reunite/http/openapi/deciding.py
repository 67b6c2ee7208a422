"""How the routes are described by which something is decided by hand."""

from __future__ import annotations

from reunite.http.deciding import MOST
from reunite.http.openapi.parts import Json, Writer, body, ref, success
from reunite.operations import PAGE
from reunite.operations.operations import KEY, TEXT
from reunite.repositories.transaction import LARGEST_ID

_BY: Json = {
    "who": {"type": ["string", "null"], "maxLength": TEXT, "description": "Who decides it."},
    "why": {"type": ["string", "null"], "maxLength": TEXT, "description": "The reason."},
}
_NUMBER: Json = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}


def _request(description: str, *required: str, **properties: object) -> Json:
    return {
        "type": "object",
        "description": f"{description} Further members are ignored.",
        "required": list(required),
        "properties": {**properties, **_BY},
    }


def _absent(*names: str) -> Json:
    return {name: {"type": "null"} for name in names}


def _only(name: str, schema: Json) -> Json:
    """An object with this member, and without the other two that say what to unlink."""
    return {
        "required": [name],
        "properties": {**_absent("pair", "identifier", "position"), name: schema},
    }


_IDENTIFIER: Json = {
    "type": "object",
    "description": "An identifier.",
    "oneOf": [
        {
            "required": [name],
            "properties": {
                **_absent("email", "phoneNumber", "contactId"),
                name: ref(schema),
            },
        }
        for name, schema in (("email", "Email"), ("phoneNumber", "Phone"))
    ],
}

SCHEMAS: Json = {
    "Identifier": _IDENTIFIER,
    "ByHandRequest": _request("An operation that needs nothing more."),
    "UnlinkRequest": {
        **_request(
            "What to take back: all evidence of a pair, all of an identifier, or a journal row.",
            constrain={
                "type": ["boolean", "null"],
                "description": "Whether what is unlinked is kept apart from now on.",
                "default": True,
            },
            force={
                "type": ["boolean", "null"],
                "description": "Void a pair though other evidence still joins it.",
                "default": False,
            },
        ),
        "oneOf": [
            _only(
                "pair",
                {"type": "array", "items": ref("Identifier"), "minItems": 2, "maxItems": 2},
            ),
            _only("identifier", ref("Identifier")),
            _only("position", _NUMBER),
        ],
    },
    "MergeRequest": _request("Whom else it is.", "contactId", contactId=_NUMBER),
    "ConstraintRequest": _request("Which two.", "a", "b", a=ref("Asked"), b=ref("Asked")),
    "BlockRequest": _request("Which one.", "identifier", identifier=ref("Identifier")),
}


def _in_path(name: str, description: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": _NUMBER,
    }


PARAMETERS: Json = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same key within a day is answered as it was, and not done again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": KEY},
    },
    "Position": _in_path("position", "A row of the journal."),
    "HeldId": _in_path("heldId", "A held request."),
    "Page": {
        "name": "limit",
        "in": "query",
        "required": False,
        "description": "How many at most.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": PAGE},
    },
}

_CONTACT = {"email": "foo@example.com"}, {"phoneNumber": "15551234567"}


def paths(write: Writer) -> Json:
    """Describe what is decided by hand."""
    decide = _Deciding(write)
    two = {"a": _CONTACT[0], "b": _CONTACT[1], "who": "ada", "why": "father and son"}
    one = {"identifier": _CONTACT[1], "who": "ada", "why": "the shop's own number"}
    by = {"who": "ada", "why": "they called"}
    unlink = {"pair": list(_CONTACT), **by}
    return {
        "/identities/{contactId}/unlink": decide.one(
            "unlink",
            "Take back what ties an identity together.",
            "UnlinkRequest",
            unlink,
            "ContactId",
        ),
        "/identities/{contactId}/merge": decide.one(
            "merge",
            "Assert that two contacts are one person.",
            "MergeRequest",
            {"contactId": 7, **by},
            "ContactId",
        ),
        "/journal/{position}/undo": decide.one(
            "undo",
            "Take back all that a row of the journal brought and ended, an undo included.",
            "ByHandRequest",
            by,
            "Position",
        ),
        "/constraints": decide.list(
            "constraints", "The constraints that stand.", "Constraints", paged=True
        )
        | decide.one(
            "constrain", "Keep two identifiers in different identities.", "ConstraintRequest", two
        ),
        "/constraints/remove": decide.one(
            "unconstrain", "Remove the constraints between two.", "ConstraintRequest", two
        ),
        "/blocks": decide.list("blocks", "All that is blocked.", "Blocks", paged=False)
        | decide.one(
            "block", "Let an identifier link no one; shows whom that splits.", "BlockRequest", one
        ),
        "/blocks/remove": decide.one(
            "unblock", "Let it link again; shows whom that joins.", "BlockRequest", one
        ),
        "/held": decide.list("held", "The held requests that wait.", "HeldRequests", paged=True),
        "/held/{heldId}/allow": decide.one(
            "allow",
            "Do what a held request asked, and void the constraints in its way.",
            "ByHandRequest",
            by,
            "HeldId",
        ),
        "/held/{heldId}/dismiss": decide.one(
            "dismiss", "Let a held request wait no longer.", "ByHandRequest", by, "HeldId"
        ),
    }


class _Deciding:
    def __init__(self, write: Writer) -> None:
        self._write = write

    def one(self, name: str, summary: str, schema: str, example: object, *parameters: str) -> Json:
        """An operation by hand."""
        done = success("What it did, or would do.", ref("DecisionResponse"))
        statuses = (400, 404, 408, 409, 413, 415, 422, 503, 507)
        operation = self._write.operation(name, summary, done, *statuses)
        operation["parameters"] += _refs(*parameters, "DryRun", "IdempotencyKey")
        operation["requestBody"] = body(ref(schema), example)
        return {"post": operation}

    def list(self, name: str, summary: str, schema: str, *, paged: bool) -> Json:
        """What stands."""
        operation = self._write.operation(
            name, summary, success(summary, ref(schema)), *((400, 503) if paged else (503,))
        )
        operation["parameters"] += _refs("After", "Page") if paged else []
        return {"get": operation}


def _refs(*names: str) -> list[Json]:
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]
