"""reunite decides, at the moment of asking, who a customer is.

import reunite

with reunite.open("sqlite:///reunite.db") as repository:
    person = repository.identify(email="foo@example.com", phone_number="1234567890")
    print(person.primary_contact_id, person.emails, person.phone_numbers)
"""

from reunite.errors import (
    BlockedIdentifier,
    ConstraintViolation,
    IdentityTooLarge,
    InvalidIdentifier,
    InvalidSetting,
    OutcomeUnknown,
    PolicyMismatch,
    Refused,
    ReuniteError,
    SchemaMismatch,
    Shed,
    StoreError,
    StoreFull,
    StoreUnavailable,
    UnsuitableStore,
)
from reunite.identifier import Policy, Presented, present
from reunite.identity import Identified, Identity
from reunite.repositories import Repository, Totals, open

__all__ = [
    "BlockedIdentifier",
    "ConstraintViolation",
    "Identified",
    "Identity",
    "IdentityTooLarge",
    "InvalidIdentifier",
    "InvalidSetting",
    "OutcomeUnknown",
    "Policy",
    "PolicyMismatch",
    "Presented",
    "Refused",
    "Repository",
    "ReuniteError",
    "SchemaMismatch",
    "Shed",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "Totals",
    "UnsuitableStore",
    "open",
    "present",
]
