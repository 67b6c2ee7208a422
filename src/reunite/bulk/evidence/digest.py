"""Two digests of the identities of a workspace, the same on every store.

Both are SHA-256, in hexadecimal, of lines of UTF-8 that end in LF; a line is a sign and a name, and
the sign is ``+`` where an identity begins and a blank where it goes on:

* ``partition`` names identifiers, blocked ones left out: the type, a tab, the key, such as
  ``+email<TAB>ada@example.com``, `` phone<TAB>123456``. Those of an identity stand in byte order
  of (type, key), the identities in that of their first.
* ``contacts`` names contact ids in decimal digits, ascending, the identities by their first.
"""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.evidence import Evidence
from reunite.bulk.evidence.forest import Numbers


class Digests(msgspec.Struct, frozen=True):
    """Of the identifiers and of the contacts of all identities."""

    partition: str
    contacts: str


def digests_of(evidence: Evidence, identity: Numbers, sizes: Numbers) -> Digests:
    """Both digests.

    Args:
        identity: the identity of each contact, by number.
        sizes: how many contacts each identity has.
    """
    nodes = nodes_by_identity(evidence, identity)
    return Digests(
        _digest(
            evidence.engine,
            "node",
            "type || chr(9) || key",
            _leaders(nodes, len(sizes)),
        ),
        _digest(evidence.engine, "contact", "id", _leaders(identity, len(sizes))),
    )


def nodes_by_identity(evidence: Evidence, identity: Numbers) -> Numbers:
    """The identity of each identifier, -1 of those that are blocked or that nobody holds."""
    if not len(identity):
        return np.full(len(evidence.first), -1, dtype=np.int32)
    is_free = (evidence.first >= 0) & ~evidence.blocked
    return np.where(is_free, identity[evidence.first], np.int32(-1))


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
        f" to '{path}' (format csv, header false, quote '', escape '', delimiter '\x01')"
    )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    path.unlink()
    return digest
