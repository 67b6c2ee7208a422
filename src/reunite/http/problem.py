"""Errors as problem+json (RFC 9457): one table says which error is which problem.

A problem never repeats what was presented: `wrong` and `right` describe it. Only where a constraint
is in the way, or evidence is, are the identifiers of those named.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from reunite import errors
from reunite.http.kept import Kept, kept_apart
from reunite.inquiry import Step

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:reunite:problem:"
RETRY_AFTER = 1
"""Seconds. A batch takes milliseconds, so that a second is long for a queue to shrink."""

_log = logging.getLogger("reunite.http")


class HttpError(Exception):
    """What is wrong with a request before it reaches the rule.

    Attributes:
        wrong: what was wrong, never repeating a value.
        right: what would be right.
        headers: what the status asks to be sent with it.
    """

    def __init__(self, wrong: str, right: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(f"{wrong}; {right}")
        self.wrong = wrong
        self.right = right
        self.headers = headers


class BadRequest(HttpError):
    """It is no HTTP/1.1, or the body is no JSON, or not of the right shape."""


class Unauthorized(HttpError):
    """No API key came with it, or a wrong one."""


class NotFound(HttpError):
    """There is no such path."""


class MethodNotAllowed(HttpError):
    """The path is there, but not for this method."""


class RequestTimeout(HttpError):
    """The head or the body did not arrive in time."""


class ContentTooLarge(HttpError):
    """The body is longer than the route takes."""


class UnsupportedMediaType(HttpError):
    """The body is not said to be plain JSON in UTF-8."""


class MisdirectedRequest(HttpError):
    """The Host header names another server."""


class HeadTooLarge(HttpError):
    """The target and the headers are longer than the server takes."""


class NotReady(HttpError):
    """The server is stopping, or its store does not answer."""


class Kind(NamedTuple):
    """What all problems of one type have in common."""

    slug: str
    status: int
    title: str


KINDS: dict[type[Exception], Kind] = {
    BadRequest: Kind("malformed-request", 400, "The request is malformed"),
    errors.InvalidIdentifier: Kind("invalid-identifier", 400, "What was presented is invalid"),
    errors.InvalidOperation: Kind("invalid-operation", 400, "What is to be done is not clear"),
    Unauthorized: Kind("unauthorized", 401, "An API key is needed"),
    NotFound: Kind("not-found", 404, "There is nothing here"),
    MethodNotAllowed: Kind("method-not-allowed", 405, "The method is not allowed here"),
    RequestTimeout: Kind("request-timeout", 408, "The request did not arrive in time"),
    errors.Unknown: Kind("unknown", 404, "The store does not have it"),
    errors.ConstraintViolation: Kind("constraint-violation", 409, "A constraint forbids it"),
    errors.StillJoined: Kind("still-joined", 409, "Other evidence joins the two"),
    errors.OperationRefused: Kind("operation-refused", 409, "As things stand it cannot be done"),
    errors.IdentityTooLarge: Kind("identity-too-large", 409, "The identity would be too large"),
    ContentTooLarge: Kind("content-too-large", 413, "The body is too large"),
    UnsupportedMediaType: Kind("unsupported-media-type", 415, "The body must be plain JSON"),
    MisdirectedRequest: Kind("misdirected-request", 421, "The Host header names another server"),
    errors.BlockedIdentifier: Kind("blocked-identifier", 422, "What was presented is blocked"),
    errors.KeyReused: Kind("key-reused", 422, "The key came with another operation"),
    HeadTooLarge: Kind("head-too-large", 431, "The head of the request is too large"),
    Exception: Kind("internal-error", 500, "The server failed"),
    errors.StoreError: Kind("store-failed", 500, "The store did not do what was asked"),
    errors.Shed: Kind("overloaded", 503, "Too many requests wait"),
    errors.StoreUnavailable: Kind("store-unavailable", 503, "The store does not answer"),
    errors.OutcomeUnknown: Kind("outcome-unknown", 503, "Whether it was written is not known"),
    errors.StoreRefused: Kind("store-refused", 503, "The store is not what this server needs"),
    NotReady: Kind("not-ready", 503, "The server is not ready"),
    errors.StoreFull: Kind("store-full", 507, "The store's disk is full"),
}

# These errors' own messages come from a driver or a library and may quote a value.
_DETAILS: dict[type[Exception], str] = {
    Exception: "The reason stands in the server's log under this request id.",
    errors.StoreError: "The reason stands in the server's log under this request id.",
    errors.StoreRefused: "Nothing was written; the reason stands in the server's log.",
    errors.Shed: "Nothing was written; ask again after Retry-After seconds.",
    errors.StoreUnavailable: "Nothing was written; ask again after Retry-After seconds.",
    errors.OutcomeUnknown: "The answer of the store was lost: written or not, repeating is safe.",
    errors.StoreFull: "Nothing was written; the disk of the store needs room.",
}


class ItemProblem(msgspec.Struct, rename="camel"):
    """Why an item of a batch was refused (RFC 9457)."""

    type: Annotated[str, msgspec.Meta(description="Names the kind of problem, for programs.")]
    title: str
    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    detail: str
    field: Annotated[str, msgspec.Meta(description="Where it is wrong.")] | UnsetType = UNSET
    wrong: Annotated[str, msgspec.Meta(description="What was wrong.")] | UnsetType = UNSET
    right: Annotated[str, msgspec.Meta(description="What would be right.")] | UnsetType = UNSET
    identity: (
        Annotated[int, msgspec.Meta(description="The identity's primary contact.")] | UnsetType
    ) = UNSET
    size: Annotated[int, msgspec.Meta(description="Distinct identifiers it has.")] | UnsetType = (
        UNSET
    )
    would_be: (
        Annotated[int, msgspec.Meta(description="Distinct identifiers it would have.")] | UnsetType
    ) = UNSET
    limit: (
        Annotated[int, msgspec.Meta(description="Distinct identifiers it may have.")] | UnsetType
    ) = UNSET
    held_id: (
        Annotated[int, msgspec.Meta(description="Of the held request that it became.")] | UnsetType
    ) = UNSET
    constraint: (
        Annotated[Kept, msgspec.Meta(description="What keeps apart what it would join.")]
        | UnsetType
    ) = UNSET
    chain: (
        Annotated[
            Sequence[Step],
            msgspec.Meta(description="The evidence that joins the two, or would have joined them."),
        ]
        | UnsetType
    ) = UNSET


class Problem(ItemProblem, rename="camel", kw_only=True):
    """Why a request was refused (RFC 9457)."""

    request_id: Annotated[str, msgspec.Meta(description="As in X-Request-Id.")]


def kind_of(error: Exception) -> Kind:
    """Find the problem type of an error; what nobody expected is an internal error."""
    return KINDS[_listed(error)]


def item_problem(error: Exception) -> ItemProblem:
    """Describe an error as the problem of one item of a batch."""
    return ItemProblem(**_members(error))


def problem(error: Exception, request_id: str) -> Problem:
    """Describe an error as the problem of a whole request."""
    return Problem(**_members(error), request_id=request_id)


def headers_of(error: Exception) -> list[tuple[bytes, bytes]]:
    """Name the headers that the error's status asks for."""
    headers = list(error.headers) if isinstance(error, HttpError) else []
    if kind_of(error).status == 503:
        headers.append((b"retry-after", b"%d" % RETRY_AFTER))
    return headers


def report(error: Exception, request_id: str) -> None:
    """Log an error that is the server's own doing, under the id of its request."""
    slug, status, _ = kind_of(error)
    if status < 500:
        return
    extra = {"problem": slug, "status": status, "requestId": request_id}
    if _listed(error) is Exception:
        _log.error("request failed", exc_info=error, extra=extra)
        return
    if isinstance(error, errors.StoreError | errors.StoreRefused):
        # Further lines of a driver's message may quote a row.
        extra["reason"] = str(error).partition("\n")[0]
    _log.warning("request refused", extra=extra)


def _listed(error: Exception) -> type[Exception]:
    return next(kind for kind in type(error).__mro__ if kind in KINDS)


def _members(error: Exception) -> dict[str, Any]:
    slug, status, title = kind_of(error)
    return {
        "type": TYPE_PREFIX + slug,
        "title": title,
        "status": status,
        "detail": _DETAILS.get(_listed(error)) or f"{error}.",
        **_particulars(error),
    }


def _particulars(error: Exception) -> dict[str, Any]:
    """What only problems of this type say."""
    said: dict[str, Any] = {}
    match error:
        case errors.InvalidIdentifier() | errors.InvalidOperation():
            said = {"field": error.field or UNSET, "wrong": error.wrong, "right": error.right}
        case errors.BlockedIdentifier():
            field = error.fields[0] if len(error.fields) == 1 else UNSET
            said = {"field": field, "wrong": error.wrong, "right": error.right}
        case HttpError():
            said = {"wrong": error.wrong, "right": error.right}
        case errors.IdentityTooLarge():
            said = {
                "identity": error.primary_contact_id,
                "size": error.size,
                "would_be": error.would_be,
                "limit": error.limit,
                "held_id": UNSET if error.held_id is None else error.held_id,
            }
        case errors.ConstraintViolation():
            said = {
                "constraint": kept_apart(error.position, error.a, error.b),
                "held_id": UNSET if error.held_id is None else error.held_id,
                "chain": error.chain or UNSET,
            }
        case errors.StillJoined():
            said = {"chain": error.chain or UNSET}
    return said
