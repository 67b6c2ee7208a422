"""The rule, pure: what the store knows and a batch of requests -> answers and what to write.

No I/O, no clock, no store: `sqlite` brings the knowledge and writes the changes. PostgreSQL has
the same rule in PL/pgSQL (`postgresql/functions.sql`); the tests hold the two equal.
"""

from reunite.reconcile.changes import Changes, Entry, Head
from reunite.reconcile.known import Constraint, Known, recognise
from reunite.reconcile.members import (
    Anchor,
    Attribute,
    Blocks,
    Contact,
    Email,
    Members,
    Microseconds,
    PhoneKey,
    Side,
    age,
)
from reunite.reconcile.reconciliation import Reconciliation

__all__ = [
    "Anchor",
    "Attribute",
    "Blocks",
    "Changes",
    "Constraint",
    "Contact",
    "Email",
    "Entry",
    "Head",
    "Known",
    "Members",
    "Microseconds",
    "PhoneKey",
    "Reconciliation",
    "Side",
    "age",
    "recognise",
]
