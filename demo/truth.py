"""Which rows of a table evidence joins, by a union-find over all of them that shares no code.

The rule is that of the docs: rows that share an identifier which is not junk are joined. A linkedId
joins two rows unless shared identifiers, junk included, do so already; it joins those that name the
same row that was not taken.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from demo.contacts import Row


class Sets:
    """Sets of numbers, from 0."""

    def __init__(self) -> None:
        self._parent = array("q")

    def add(self) -> int:
        """A new number, alone in its set."""
        self._parent.append(len(self._parent))
        return len(self._parent) - 1

    def find(self, number: int) -> int:
        """The number that stands for the set of another."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    def unite(self, one: int, other: int) -> None:
        """Let two numbers' sets be one."""
        self._parent[self.find(one)] = self.find(other)


class Truth:
    """Rows, added one after the other, and the components that they make."""

    def __init__(self, junk: frozenset[str]) -> None:
        self._junk = junk
        self._joined = Sets()
        self._judged = Sets()
        """As ``_joined``, by shared identifiers alone, junk included."""
        self._row_of: dict[int, int] = {}
        self._holder_of: dict[str, int] = {}
        self._linked: list[tuple[int, int]] = []

    def add(self, contact: Row) -> bool:
        """Add a row; returns whether it is taken."""
        keys = [key for key in (contact.email, contact.phone) if key]
        good = [key for key in keys if key not in self._junk]
        if contact.is_deleted or not good:
            return False
        row = self._row_of[contact.id] = self._new()
        for key in keys:
            holder = self._holder_of.setdefault(key, row)
            self._judged.unite(row, holder)
            if key in good:
                self._joined.unite(row, holder)
        if contact.linked is not None:
            self._linked.append((row, contact.linked))
        return True

    def components(self) -> Iterator[tuple[int, int]]:
        """The id of each row that was taken, and the smallest id of its component."""
        self._link()
        smallest: dict[int, int] = {}
        for id_, row in self._row_of.items():
            component = self._joined.find(row)
            smallest[component] = min(id_, smallest.get(component, id_))
        for id_, row in self._row_of.items():
            yield id_, smallest[self._joined.find(row)]

    def _link(self) -> None:
        silent: dict[int, int] = {}
        for row, linked in self._linked:
            target = self._row_of.get(linked)
            if target is None:
                if linked not in silent:
                    silent[linked] = self._joined.add()
                self._joined.unite(row, silent[linked])
            elif self._judged.find(row) != self._judged.find(target):
                self._joined.unite(row, target)
        self._linked.clear()

    def _new(self) -> int:
        self._judged.add()
        return self._joined.add()
