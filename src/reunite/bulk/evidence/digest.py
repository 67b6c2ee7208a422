"""Two digests of the identities of a workspace, the same on every store.

Both are SHA-256, in hexadecimal, of lines of UTF-8 that end in LF; a line is a sign and a name, and
the sign is ``+`` where an identity begins and a blank where it goes on:

* ``partition`` names identifiers, blocked ones left out: the type, a tab, the key, such as
  ``+email<TAB>ada@example.com``, `` phone<TAB>123456``. Those of an identity stand in byte order
  of (type, key), the identities in that of their first.
* ``contacts`` names contact ids in decimal digits, ascending, the identities by their first; the
  retired are left out.
"""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.forest import Numbers
from reunite.bulk.evidence.identities import Identities


class Digests(msgspec.Struct, frozen=True):
    """Of the identifiers and of the contacts of all identities."""

    partition: str
    contacts: str


def digests_of(identities: Identities) -> Digests:
    """Both digests."""
    engine, count = identities.engine, len(identities)
    nodes = _leaders(identities.of_identifiers(), count)
    partition = _digest(engine, "node", "type || chr(9) || key", nodes)
    del nodes
    contacts = _digest(engine, "contact", "id", _leaders(identities.of_contacts, count))
    return Digests(partition, contacts)


def _leaders(identity: Numbers, identities: int) -> Numbers:
    """For each member, which come in order, the first one of its identity; -1 where it has none."""
    first = np.full(identities + 1, -1, dtype=np.int32)
    # Assigned backwards, so that the first one stays; what has no identity goes to the last place.
    first[identity[::-1]] = np.arange(len(identity) - 1, -1, -1, dtype=np.int32)
    first[-1] = -1
    return first[identity]


def _digest(engine: Engine, table: str, name: str, leader: Numbers) -> str:
    engine.keep("led", {"leader": leader})
    path = engine.folder / "digest.txt"
    # Without quotes and with a delimiter that no key has, a line is what the expression says.
    engine.connection.execute(
        f"copy (select case when led.rowid = leader then '+' else ' ' end || {name} as line"
        f" from {table} positional join led where leader >= 0 order by leader, led.rowid)"
        " to $path (format csv, header false, quote '', escape '', delimiter '\x01')",
        {"path": str(path)},
    )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    path.unlink()
    return digest
