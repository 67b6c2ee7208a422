"""The rule once more, as naively as can be: the reference that the product is checked against.

It shares no code with the package, keeps nothing but what was presented, and works out everything
else anew for every answer. It is slow on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Node = tuple[str, str]
"""An identifier: ``("email", key)`` or ``("phone", key)``; ``("row", …)`` is one that an import
did not take but that others name."""


def nodes_of(email: str | None, phone: str | None) -> list[Node]:
    """Name the identifiers of a request in normal form; a phone's key leaves out the plus."""
    nodes = []
    if email is not None:
        nodes.append(("email", email))
    if phone is not None:
        nodes.append(("phone", phone.removeprefix("+")))
    return nodes


def components(evidence: Iterable[Iterable[Node]]) -> dict[Node, frozenset[Node]]:
    """Map each identifier to all that it is connected with, itself included, by union-find."""
    parent: dict[Node, Node] = {}

    def root(node: Node) -> Node:
        parent.setdefault(node, node)
        while parent[node] != node:
            node = parent[node]
        return node

    for together in evidence:
        first, *others = together
        root(first)
        for other in others:
            parent[root(other)] = root(first)
    groups: dict[Node, set[Node]] = {}
    for node in parent:
        groups.setdefault(root(node), set()).add(node)
    return {node: frozenset(groups[root(node)]) for node in parent}


@dataclass(frozen=True)
class Imported:
    """A contact of the past. ``time`` counts presented contacts: it is older than those after."""

    id: int
    time: float
    email: str | None
    phone: str | None


class Oracle:
    """One workspace; presented contacts get the next id, and their order is their age.

    ``limit`` is the number of distinct identifiers that an identity may have.
    """

    def __init__(self, limit: int = 10_000) -> None:
        if limit < 2:
            raise ValueError("an identity must have room for an e-mail and a phone")
        self.limit = limit
        self.contacts: list[tuple[str | None, str | None]] = []
        self.links: list[list[Node]] = []
        self.imported: list[Imported] = []
        self.imported_links: list[list[Node]] = []
        self.blocked: set[Node] = set()
        self._last_ids = [(0, 0)]

    def block(self, *nodes: Node) -> None:
        """Let identifiers that nobody has yet link no one."""
        self.blocked.update(nodes)

    def adopt(self, rows: Iterable[Imported], links: Iterable[list[Node]], last_id: int) -> None:
        """Take in rows and links of an import; ``last_id`` is the highest id seen so far."""
        self.imported.extend(rows)
        self.imported_links.extend(links)
        self._last_ids.append((len(self.contacts), last_id))

    def identify(self, email: str | None = None, phone: str | None = None) -> dict[str, Any]:
        """Apply the rule to one request; the values are in normal form.

        Returns ``{"contact": <as over HTTP>, "outcome": …}`` or, for a request that would bring an
        identity past the limit, ``{"refusal": {"primaryContactId", "size", "wouldBe", "limit"},
        "outcome": "refused"}``, or, for one that presents only what is blocked, ``{"blocked":
        <names of fields>, "outcome": "blocked"}``; those two change nothing.
        """
        presented = nodes_of(email, phone)
        if not presented:
            raise ValueError("neither an e-mail nor a phone")
        nodes = self._free(presented)
        if not nodes:
            names = {"email": "email", "phone": "phoneNumber"}
            return {"blocked": [names[type_] for type_, _ in presented], "outcome": "blocked"}
        before = self.components()
        touched = {before[node] for node in nodes if node in before}
        is_new = any(node not in before for node in nodes)
        changes = is_new or len(touched) > 1
        would_be = _size(frozenset(nodes).union(*touched))
        if changes and would_be > self.limit:
            return {"refusal": self._refusal(touched, would_be), "outcome": "refused"}
        if is_new:
            self.contacts.append((email, phone))
        elif len(presented) > 1 and not self._holds(presented):
            self.links.append(presented)
        contact = self._contact(self.components()[nodes[0]])
        return {"contact": contact, "outcome": _outcome(is_new, len(touched))}

    def components(self) -> dict[Node, frozenset[Node]]:
        """Map each identifier to its identity's identifiers, worked out from all evidence."""
        contacts = [nodes_of(email, phone) for _, email, phone in self._by_age()]
        together = [*contacts, *self.links, *self.imported_links]
        return components(self._free(nodes) for nodes in together)

    def partition(self) -> frozenset[frozenset[Node]]:
        """Return the identities as sets of identifiers."""
        return frozenset(self.components().values())

    def identities(self) -> list[dict[str, Any]]:
        """Return all identities as over HTTP, the one with the oldest primary first."""
        answers = [self._contact(component) for component in self.partition()]
        return sorted(answers, key=lambda contact: int(contact["primaryContactId"]))

    @property
    def last_id(self) -> int:
        """The highest contact id seen so far."""
        before, last_id = self._last_ids[-1]
        return last_id + len(self.contacts) - before

    @property
    def number_of_contacts(self) -> int:
        return len(self.contacts) + len(self.imported)

    @property
    def number_of_identities(self) -> int:
        return len(self.partition())

    @property
    def number_of_links(self) -> int:
        return len(self.links)

    def _free(self, nodes: Iterable[Node]) -> list[Node]:
        """Those that are not blocked, and so are evidence."""
        return [node for node in nodes if node not in self.blocked]

    def _by_age(self) -> list[tuple[int, str | None, str | None]]:
        """All contacts: id, e-mail and phone."""
        aged: list[tuple[float, int, str | None, str | None]] = [
            (row.time, row.id, row.email, row.phone) for row in self.imported
        ]
        for number, contact in enumerate(self.contacts, start=1):
            before, last_id = max(each for each in self._last_ids if each[0] < number)
            aged.append((number, last_id + number - before, *contact))
        return [(id_, email, phone) for _, id_, email, phone in sorted(aged, key=lambda c: c[:2])]

    def _holds(self, nodes: list[Node]) -> bool:
        """Tell whether what was presented holds all these identifiers together."""
        evidence = [*(nodes_of(*contact) for contact in self.contacts), *self.links]
        return any(set(nodes) <= set(together) for together in evidence)

    def _contact(self, component: frozenset[Node]) -> dict[str, Any]:
        ids: list[int] = []
        emails: dict[str, str] = {}
        phones: dict[str, str] = {}
        for id_, email, phone in self._by_age():
            if component.isdisjoint(self._free(nodes_of(email, phone))):
                continue
            ids.append(id_)
            if email is not None:
                emails.setdefault(email, email)
            if phone is not None:
                phones.setdefault(phone.removeprefix("+"), phone)
        for link in self.links:
            if not component.isdisjoint(self._free(link)):
                for type_, key in self.blocked.intersection(link):
                    (emails if type_ == "email" else phones).setdefault(key, key)
        return {
            "primaryContactId": ids[0],
            "emails": list(emails.values()),
            "phoneNumbers": list(phones.values()),
            "secondaryContactIds": ids[1:],
        }

    def _refusal(self, touched: set[frozenset[Node]], would_be: int) -> dict[str, int]:
        ids = [id_ for id_, _, _ in self._by_age()]
        primary, size = min(
            (
                (int(self._contact(component)["primaryContactId"]), _size(component))
                for component in touched
            ),
            key=lambda one: ids.index(one[0]),
        )
        return {
            "primaryContactId": primary,
            "size": size,
            "wouldBe": would_be,
            "limit": self.limit,
        }


def _size(component: frozenset[Node]) -> int:
    """How many identifiers; a row that imported links go through is none."""
    return sum(type_ != "row" for type_, _ in component)


def _outcome(is_new: bool, touched: int) -> str:
    if touched == 0:
        return "created"
    if is_new:
        return "extended"
    return "merged" if touched > 1 else "known"
