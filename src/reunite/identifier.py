"""Identifiers: what is presented, and the normal form in which it is compared."""

from __future__ import annotations

import msgspec

RULE_VERSION = 1


class Policy(msgspec.Struct, frozen=True):
    """How identifiers are normalised; kept in the store, the same for all its servers.

    ``phone_region`` is an ISO 3166 country code such as ``"IN"``, or None to compare phones by
    their digits.
    """

    phone_region: str | None = None
    rule_version: int = RULE_VERSION


class Presented(msgspec.Struct, frozen=True):
    """One request: an e-mail, a phone number or both, in normal form. Made by `present`."""

    email: str | None
    phone: str | None
