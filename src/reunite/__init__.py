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
    InvalidOperation,
    InvalidSetting,
    KeyReused,
    OperationRefused,
    OutcomeUnknown,
    PolicyMismatch,
    ReuniteError,
    SchemaMismatch,
    StillJoined,
    StoreError,
    StoreFull,
    StoreMissing,
    StoreRefused,
    StoreUnavailable,
    Unknown,
    UnsuitableStore,
)
from reunite.evidence import Identifier
from reunite.identifier import Policy, Presented, present
from reunite.identity import Identified, Identity
from reunite.inquiry import Inquiry
from reunite.operations import Operations
from reunite.repositories import Repository, Store, Totals, open

__all__ = [
    "BlockedIdentifier",
    "ConstraintViolation",
    "Identified",
    "Identifier",
    "Identity",
    "IdentityTooLarge",
    "Inquiry",
    "InvalidIdentifier",
    "InvalidOperation",
    "InvalidSetting",
    "KeyReused",
    "OperationRefused",
    "Operations",
    "OutcomeUnknown",
    "Policy",
    "PolicyMismatch",
    "Presented",
    "Repository",
    "ReuniteError",
    "SchemaMismatch",
    "StillJoined",
    "Store",
    "StoreError",
    "StoreFull",
    "StoreMissing",
    "StoreRefused",
    "StoreUnavailable",
    "Totals",
    "Unknown",
    "UnsuitableStore",
    "open",
    "present",
]
