"""The rule once more, as naively as can be: the reference that the product is checked against.

It shares no code with the package, keeps nothing but what was presented, and works out everything
else anew for every answer. It is slow on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Node = tuple[str, str]
"""An identifier: ``("email", key)`` or ``("phone", key)``."""


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


class Oracle:
    """One workspace; contact ids are 1, 2, 3 … and a contact's id is its age.

    ``limit`` is the number of distinct identifiers that an identity may have.
    """

    def __init__(self, limit: int = 10_000) -> None:
        if limit < 2:
            raise ValueError("an identity must have room for an e-mail and a phone")
        self.limit = limit
        self.contacts: list[tuple[str | None, str | None]] = []
        self.links: list[list[Node]] = []

    def identify(self, email: str | None = None, phone: str | None = None) -> dict[str, Any]:
        """Apply the rule to one request; the values are in normal form.

        Returns ``{"contact": <as over HTTP>, "outcome": …}`` or, for a request that would bring an
        identity past the limit, ``{"refusal": {"primaryContactId", "size", "wouldBe", "limit"},
        "outcome": "refused"}``; that one changes nothing.
        """
        nodes = nodes_of(email, phone)
        if not nodes:
            raise ValueError("neither an e-mail nor a phone")
        before = self.components()
        touched = {before[node] for node in nodes if node in before}
        is_new = any(node not in before for node in nodes)
        changes = is_new or len(touched) > 1
        would_be = len(frozenset(nodes).union(*touched))
        if changes and would_be > self.limit:
            return {"refusal": self._refusal(touched, would_be), "outcome": "refused"}
        if is_new:
            self.contacts.append((email, phone))
        elif not self._holds(nodes):
            self.links.append(nodes)
        contact = self._contact(self.components()[nodes[0]])
        return {"contact": contact, "outcome": _outcome(is_new, len(touched))}

    def components(self) -> dict[Node, frozenset[Node]]:
        """Map each identifier to its identity's identifiers, worked out from all evidence."""
        return components([*(nodes_of(*contact) for contact in self.contacts), *self.links])

    def partition(self) -> frozenset[frozenset[Node]]:
        """Return the identities as sets of identifiers."""
        return frozenset(self.components().values())

    def identities(self) -> list[dict[str, Any]]:
        """Return all identities as over HTTP, the one with the oldest primary first."""
        answers = [self._contact(component) for component in self.partition()]
        return sorted(answers, key=lambda contact: int(contact["primaryContactId"]))

    @property
    def number_of_contacts(self) -> int:
        return len(self.contacts)

    @property
    def number_of_identities(self) -> int:
        return len(self.partition())

    @property
    def number_of_links(self) -> int:
        return len(self.links)

    def _holds(self, nodes: list[Node]) -> bool:
        """Tell whether a contact or a link holds all these identifiers together."""
        evidence = [*(nodes_of(*contact) for contact in self.contacts), *self.links]
        return any(set(nodes) <= set(together) for together in evidence)

    def _contact(self, component: frozenset[Node]) -> dict[str, Any]:
        ids: list[int] = []
        emails: list[str] = []
        phones: dict[str, str] = {}
        for number, (email, phone) in enumerate(self.contacts, start=1):
            if component.isdisjoint(nodes_of(email, phone)):
                continue
            ids.append(number)
            if email is not None and email not in emails:
                emails.append(email)
            if phone is not None:
                phones.setdefault(phone.removeprefix("+"), phone)
        return {
            "primaryContactId": ids[0],
            "emails": emails,
            "phoneNumbers": list(phones.values()),
            "secondaryContactIds": ids[1:],
        }

    def _refusal(self, touched: set[frozenset[Node]], would_be: int) -> dict[str, int]:
        primary, size = min(
            (int(self._contact(component)["primaryContactId"]), len(component))
            for component in touched
        )
        return {
            "primaryContactId": primary,
            "size": size,
            "wouldBe": would_be,
            "limit": self.limit,
        }


def _outcome(is_new: bool, touched: int) -> str:
    if touched == 0:
        return "created"
    if is_new:
        return "extended"
    return "merged" if touched > 1 else "known"
