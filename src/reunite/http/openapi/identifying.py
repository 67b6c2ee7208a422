"""How /identify and /identify/batch are described, and what is presented to them.

What a request may hold is written as JSON Schema as exactly as that can say it, so that a client
made from the document does not learn by refusals.
"""

from __future__ import annotations

from reunite.http import wire
from reunite.http.openapi.parts import PROBLEM, Json, Writer, body, ref, success

EXAMPLE = {"email": "foo@example.com", "phoneNumber": "1234567890"}
ANSWER = {
    "contact": {
        "primaryContactId": 1,
        "emails": ["foo@example.com"],
        "phoneNumbers": ["1234567890", "9999999999"],
        "secondaryContactIds": [2],
    }
}

_ANYTHING = {"description": "What is no such request is answered with its problem."}
_FORMATTING = r"[ ()\[\]{}./-]"
SCHEMAS: Json = {
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

SCHEMAS["IdentifyRequest"] = {
    "type": "object",
    "description": "What is known of a customer: an e-mail, a phone number, or both. "
    "Further members are ignored.",
    "properties": {
        "email": {"anyOf": [ref("Email"), ref("Absent")]},
        "phoneNumber": {"anyOf": [ref("Phone"), ref("Absent")]},
    },
    "anyOf": [
        {"required": ["email"], "properties": {"email": ref("Email")}},
        {"required": ["phoneNumber"], "properties": {"phoneNumber": ref("Phone")}},
    ],
    "examples": [EXAMPLE],
}


def paths(write: Writer) -> Json:
    """Describe /identify and /identify/batch."""
    return {"/identify": {"post": _one(write)}, "/identify/batch": {"post": _many(write)}}


def _one(write: Writer) -> Json:
    outcome = {"Reunite-Outcome": {"$ref": "#/components/headers/ReuniteOutcome"}}
    either = {"anyOf": [ref("IdentifyResponse"), ref("Foreseen")]}
    identify = write.operation(
        "identify",
        "Who is this customer? Reconciles what is presented with all that is known.",
        success(
            "The whole person; with dryRun, what would be written as well.",
            either,
            example=ANSWER,
            headers=outcome,
        ),
        *(400, 408, 409, 413, 415, 422, 503, 507),
    )
    identify["parameters"].append({"$ref": "#/components/parameters/DryRun"})
    identify["requestBody"] = body(ref("IdentifyRequest"), EXAMPLE)
    return identify


def _many(write: Writer) -> Json:
    batch = write.operation(
        "identifyBatch",
        "The same for an array of requests, one after the other. Each is atomic, the array is not.",
        success(
            "An answer for each request, in the same order.",
            {"type": "array", "items": {"anyOf": [ref("IdentifyResponse"), ref("ItemRefused")]}},
            example=[ANSWER, {"problem": PROBLEM}],
        ),
        *(400, 408, 413, 415, 503, 507),
    )
    batch["requestBody"] = body(
        {
            "type": "array",
            "maxItems": wire.BATCH_ITEMS,
            "items": {"anyOf": [ref("IdentifyRequest"), _ANYTHING]},
        },
        [EXAMPLE],
    )
    return batch
