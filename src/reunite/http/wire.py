"""Bodies in and out: JSON as a client writes it, and as the task's contract wants it answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import msgspec

from reunite.http.problem import BadRequest, ItemProblem
from reunite.identity import Identity

BATCH_ITEMS = 1000


class IdentifyRequest(msgspec.Struct, rename="camel"):
    """One request, as it came: what is no e-mail or phone is found where it is normalised."""

    email: Any = None
    phone_number: Any = None


class Contact(msgspec.Struct, rename="camel"):
    """A person: the primary contact, everything known of them, the other contacts."""

    primary_contact_id: Annotated[int, msgspec.Meta(description="The oldest contact.", ge=1)]
    emails: Annotated[
        Sequence[str],
        msgspec.Meta(description="In order of first appearance, the primary contact's first."),
    ]
    phone_numbers: Annotated[
        Sequence[str],
        msgspec.Meta(description="In order of first appearance, the primary contact's first."),
    ]
    secondary_contact_ids: Annotated[
        Sequence[int], msgspec.Meta(description="All other contacts, by age.")
    ]


class IdentifyResponse(msgspec.Struct):
    """The answer to one request."""

    contact: Contact


class LookupResponse(msgspec.Struct):
    """Whose the presented identifiers are."""

    identities: Annotated[
        Sequence[Contact],
        msgspec.Meta(description="By age of their primary contacts; one, or two.", min_length=1),
    ]


class ItemRefused(msgspec.Struct):
    """The answer to an item of a batch that was not reconciled."""

    problem: ItemProblem


BatchItem = IdentifyResponse | ItemRefused

encode = msgspec.json.Encoder().encode
_decode_one = msgspec.json.Decoder(IdentifyRequest).decode
_decode_many = msgspec.json.Decoder(list[IdentifyRequest]).decode

# What a body is, in the words of JSON.
_WORDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


def respond(identity: Identity) -> IdentifyResponse:
    """Put an identity into the shape of the contract."""
    return IdentifyResponse(contact_of(identity))


def contact_of(identity: Identity) -> Contact:
    """What the contract shows of an identity."""
    return Contact(
        identity.primary_contact_id,
        identity.emails,
        identity.phone_numbers,
        identity.secondary_contact_ids,
    )


def read_one(body: bytes) -> IdentifyRequest:
    """Decode the body of a single request. Raises `BadRequest`."""
    text = _text(body)
    try:
        return _decode_one(text)
    except (msgspec.DecodeError, RecursionError):
        return request_of(_explore(text))


def read_many(body: bytes) -> Sequence[IdentifyRequest | BadRequest]:
    """Decode the body of a batch; an item that is no request becomes its error.

    Raises `BadRequest` where the whole is no JSON array, or a too long one.
    """
    text = _text(body)
    items: Sequence[IdentifyRequest | BadRequest]
    try:
        items = _decode_many(text)
    except (msgspec.DecodeError, RecursionError):
        return _explore_many(text)
    _require_few(items)
    return items


def read_object(body: bytes) -> dict[str, object]:
    """Decode a body whose members are to be looked at one by one. Raises `BadRequest`."""
    value = _explore(_text(body))
    if not isinstance(value, dict):
        raise BadRequest(f"the body is {_WORDS[type(value)]}", "an object")
    return value


def request_of(value: object) -> IdentifyRequest:
    """Make a request of decoded JSON. Raises `BadRequest` unless it is an object."""
    if not isinstance(value, dict):
        raise BadRequest(
            f"it is {_WORDS[type(value)]}", 'an object such as {"email": "foo@example.com"}'
        )
    return IdentifyRequest(value.get("email"), value.get("phoneNumber"))


def _text(body: bytes) -> str:
    try:
        return str(body, "utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"the body is not UTF-8 (byte {error.start})", "JSON, encoded in UTF-8"
        ) from None


def _explore_many(text: str) -> Sequence[IdentifyRequest | BadRequest]:
    value = _explore(text)
    if not isinstance(value, list):
        raise BadRequest(
            f"the body is {_WORDS[type(value)]}", 'an array such as [{"email": "foo@example.com"}]'
        )
    # An error takes half a kilobyte, and half a million fit into a body.
    _require_few(value)
    items: list[IdentifyRequest | BadRequest] = []
    for item in value:
        try:
            items.append(request_of(item))
        except BadRequest as error:
            items.append(error)
    return items


def _require_few(items: Sequence[object]) -> None:
    if len(items) > BATCH_ITEMS:
        raise BadRequest(
            f"the array has {len(items)} items", f"at most {BATCH_ITEMS} items in one batch"
        )


def _explore(text: str) -> object:
    """Decode once more, slowly: msgspec refused it, but does not always say why.

    It calls an escaped lone surrogate truncated data, and an integer of 5,000 digits out of range
    without its field; both are JSON, to be refused as an e-mail or phone where they stand.
    """
    try:
        return json.loads(text, parse_int=_integer, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        wrong = f"the body is not JSON: {error.msg} (character {error.pos})"
        raise BadRequest(wrong if text.strip() else "the body is empty", "one JSON value") from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply", "an object of plain values") from None


def _integer(digits: str) -> int | str:
    # Python refuses to make numbers of thousands of digits; as text they are refused as too long.
    return int(digits) if len(digits) <= 1000 else digits


def _no_constant(name: str) -> NoReturn:
    raise BadRequest(f"the body is not JSON: it has no {name}", "one JSON value")
