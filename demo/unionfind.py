"""What must come out, by a union-find over normalised identifiers that shares no code with reunite.

It is plain on purpose, and right for what dupehell makes: ASCII throughout, extensions as ``x12``.
"""

from __future__ import annotations

from collections.abc import Sequence


def keys_of(emails: Sequence[str | None], phones: Sequence[str | None]) -> set[str]:
    """Normalise: an e-mail trimmed and in lower case, a phone's digits with its extension."""
    keys = {email.strip().lower() for email in emails if email is not None}
    for phone in phones:
        if phone is not None:
            keys.add("".join(char for char in phone.lower() if char in "0123456789x"))
    return keys


class UnionFind:
    """Sets of identifiers that were presented together; each identifier knows its set."""

    def __init__(self) -> None:
        self._set_of: dict[str, set[str]] = {}

    def unite(self, keys: set[str]) -> set[str]:
        """Bring at least one identifier together with the others; returns the set of all."""
        parts = [self._set_of.setdefault(key, {key}) for key in keys]
        whole = max(parts, key=len)
        for part in parts:
            if part is not whole:
                whole |= part
                self._set_of.update(dict.fromkeys(part, whole))
        return whole

    @property
    def identifiers(self) -> int:
        return len(self._set_of)

    @property
    def sets(self) -> int:
        return len({id(whole) for whole in self._set_of.values()})
