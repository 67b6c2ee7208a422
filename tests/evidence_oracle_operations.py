"""What is decided by hand about a workspace, done to nothing but its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from evidence_oracle import Block, Constraint, Contact, Held, Piece, Void
from evidence_oracle_requests import Answer, Arriving, Refused, all_nodes, link_of
from oracle import Node, nodes_of

__all__ = ["Answer", "Oracle", "Refused"]


class Oracle(Arriving):
    """One workspace that is asked everything that a store is asked."""

    # ── by hand ──────────────────────────────────────────────────────────────────────────────────

    def unlink_pair(self, id_: int, a: Node, b: Node, constrain: bool, force: bool) -> int:
        """Void all evidence of a pair."""
        has = self._has(id_, a, b)

        def bring(position: int) -> None:
            now = self.now
            pieces = [*self._pairs(a, b)]
            if not has:
                raise Refused("unknown")
            now.voids += [Void(position, piece) for piece in pieces]
            is_joined = b in now.components().get(a, ())
            if is_joined and not force:
                raise Refused("joined", tuple(sorted((a, b))))
            if not pieces:
                raise Refused("cannot")
            if constrain and not is_joined:
                self._keep_apart(position, a, b)

        return self._decide("unlinked", bring)

    def unlink_identifier(self, id_: int, node: Node, constrain: bool) -> int:
        """Void all pairs of an identifier, and the links of what hangs on it."""
        has = self._has(id_, node)

        def bring(position: int) -> None:
            now = self.now
            if not has:
                raise Refused("unknown")
            contacts = [one for one in now.contacts if node in one.nodes and len(one.nodes) == 2]
            links = [one for one in now.links if node in (now.end(one.a), now.end(one.b))]
            if not contacts and not links:
                raise Refused("cannot")
            pieces: list[Piece] = [*contacts, *links]
            now.voids += [Void(position, piece) for piece in pieces]
            if constrain:
                pairs = [one.nodes for one in contacts]
                pairs += [
                    [one.a, one.b]
                    for one in links
                    if not isinstance(one.a, int) and not isinstance(one.b, int)
                ]
                for other in sorted({each for pair in pairs for each in pair} - {node}):
                    self._keep_apart(position, node, other)

        return self._decide("unlinked", bring)

    def merge(self, id_: int, other: int) -> int | None:
        """Assert that two contacts are one person; None where they are by hand already."""
        one, two = self._answering(id_), self._answering(other)
        ends = self.now.hangs_on(one), self.now.hangs_on(two)
        tied = [each for each in self.now.links if {each.a, each.b} == {one.id, two.id}]
        for link in tied:
            if self.now.journal[link.position - 1] == "asserted" and self.now.stands(link):
                return None
        if ends[0] == ends[1] and one.anchor == two.anchor:
            return None

        def bring(position: int) -> None:
            before = self.now.components()
            self.now.links.append(link_of(position, (one.id, two.id), is_live=False))
            self._require_unbroken()
            if ends[1] not in before[ends[0]] and ends[1] in self._nodes_of(one.id):
                self._require_limit(self._nodes_of(one.id))

        return self._decide("asserted", bring)

    def constrain(self, a: Node, b: Node) -> int | None:
        """Keep two identifiers apart; None where they are already."""
        if a == b:
            raise Refused("cannot")
        if b in self.now.components().get(a, ()):
            raise Refused("joined", tuple(sorted((a, b))))
        if self._standing_between(a, b):
            return None
        return self._decide("constrained", lambda position: self._keep_apart(position, a, b))

    def unconstrain(self, a: Node, b: Node) -> int:
        """Remove all constraints between two identifiers."""

        def bring(position: int) -> None:
            between = self._standing_between(a, b)
            if not between:
                raise Refused("unknown")
            self.now.voids += [Void(position, each) for each in between]

        return self._decide("unconstrained", bring)

    def block(self, node: Node) -> int | None:
        """Let an identifier link no one; None where it does not already."""
        if node in self.now.blocked:
            return None
        return self._decide(
            "blocked", lambda position: self.now.blocks.append(Block(position, node))
        )

    def unblock(self, node: Node) -> int:
        """Let it link again."""

        def bring(position: int) -> None:
            now = self.now
            standing = [each for each in now.blocks if each.node == node and now.stands(each)]
            if not standing:
                raise Refused("unknown")
            now.voids += [Void(position, each) for each in standing]

        return self._decide("unblocked", bring)

    def allow(self, held_id: int) -> int:
        """Do what a held request asked, whatever keeps it apart, and however large it gets."""

        def bring(position: int) -> None:
            held = self._waiting(held_id)
            self.now.voids.append(Void(position, held))
            self._reconcile_allowed(position, held.email or None, held.phone or None)

        return self._decide("allowed", bring)

    def _reconcile_allowed(self, position: int, email: str | None, phone: str | None) -> None:
        now, presented = self.now, nodes_of(email, phone)
        if not now.blocked.isdisjoint(presented):
            raise Refused("cannot")
        together = now.components()
        sides = [together[node] for node in presented if now.holders(node)]
        in_the_way = self._apart(frozenset(presented).union(*sides))
        now.voids += [Void(position, constraint) for constraint in in_the_way]
        if len(sides) < len(presented):
            self._bring(position, email, phone)
        else:
            now.links.append(link_of(position, presented, is_live=True))

    def dismiss(self, held_id: int) -> int:
        """Let a held request wait no longer."""

        def bring(position: int) -> None:
            self.now.voids.append(Void(position, self._waiting(held_id)))

        return self._decide("dismissed", bring)

    def undo(self, position: int) -> int:
        """Take back all that an operation brought and ended."""
        undone = position

        def bring(position: int) -> None:
            now = self.now
            if not 0 < undone < position:
                raise Refused("unknown")
            if now.is_undone(undone):
                raise Refused("cannot")
            done = {place for place in range(1, position) if not now.is_undone(place)}
            now.voids.append(Void(position, undone))
            pairs = [(held.email, held.phone.removeprefix("+")) for held in now.waiting]
            if len(pairs) > len(set(pairs)):
                raise Refused("cannot")
            for block in self._blocks_of(undone):
                if block != max(each for each in now.blocks if each.node == block.node):
                    raise Refused("cannot")
            self._retire(done)

        return self._decide("undone", bring)

    def _blocks_of(self, position: int) -> list[Block]:
        """The blocks that an operation brought or ended, or the one that it undid did."""
        now = self.now
        named = [void.target for void in now.voids if void.position == position]
        for undone in named:
            if isinstance(undone, int):
                return self._blocks_of(undone)
        return [each for each in now.blocks if each.position == position or each in named]

    def _retire(self, done: set[int]) -> None:
        """What was brought goes and comes with its operation, unless its anchor needs it."""
        now = self.now
        for contact in sorted(now.contacts, key=lambda one: -one.id):
            if now.is_undone(contact.position) and contact.position in done:
                if not contact.is_new and len(now.holders(contact.anchor)) > 1:
                    now.retired.add(contact.id)
            elif contact.position not in done and not now.is_undone(contact.position):
                now.retired.discard(contact.id)

    # ── what all of them have in common ──────────────────────────────────────────────────────────

    def _decide(self, type_: str, bring: Callable[[int], None]) -> int:
        """Do something under the next position, unless it breaks a constraint."""

        def decide() -> int:
            now, position = self.now, len(self.now.journal) + 1
            before = {node: now.holders(node) for node in all_nodes(now)}
            blocked = now.blocked
            now.journal.append(type_)
            bring(position)
            self._require_unbroken()
            returning = blocked - now.blocked
            for node in returning:
                before[node] = before.get(node) or now.presenting(node)
            self._settle(before, returning, position)
            return position

        return self._try(decide)

    def _settle(
        self, before: dict[Node, list[Contact]], returning: set[Node], position: int
    ) -> None:
        """Give a contact to each identifier that is left without one, as old as its oldest."""
        now = self.now
        linked = {end for link in now.links for end in (link.a, link.b)} & returning
        for node in sorted(before):
            if now.holders(node) or not (before[node] or node in linked):
                continue
            if node in now.blocked - now.were_held:
                continue
            oldest = before[node][0] if before[node] else None
            created = now.time if oldest is None else oldest.created
            email = node[1] if node[0] == "email" else None
            phone = node[1] if oldest is None else oldest.phone
            phone = None if node[0] == "email" else phone
            now.last_id += 1
            now.contacts.append(
                Contact(position, now.last_id, created, email, phone, node, False, False)
            )

    def _nodes_of(self, id_: int) -> frozenset[Node]:
        """All identifiers that the identity of a contact shows, and what connects it."""
        contact = self._answering(id_)
        return self.now.components()[self.now.hangs_on(contact)]

    def _answering(self, id_: int) -> Contact:
        """The contact of an id; of a retired one, who holds its anchor."""
        now = self.now
        found = [contact for contact in now.contacts if contact.id == id_]
        if not found:
            raise Refused("unknown")
        return now.holders(found[0].anchor)[0] if id_ in now.retired else found[0]

    def _has(self, id_: int, *nodes: Node) -> bool:
        """Whether the identity of a contact shows one of these."""
        person = self.now.person(self._answering(id_))
        return any(
            key in (person.emails if type_ == "email" else map(_key, person.phones))
            for type_, key in nodes
        )

    def _pairs(self, a: Node, b: Node) -> Iterable[Piece]:
        """All evidence of a pair, whether it stands or not."""
        now = self.now
        yield from (contact for contact in now.contacts if set(contact.nodes) == {a, b})
        yield from (link for link in now.links if {now.end(link.a), now.end(link.b)} == {a, b})

    def _keep_apart(self, position: int, a: Node, b: Node) -> None:
        self.now.constraints.append(Constraint(position, *sorted((a, b))))

    def _standing_between(self, a: Node, b: Node) -> list[Constraint]:
        now = self.now
        return [one for one in now.constraints if {one.a, one.b} == {a, b} and now.stands(one)]

    def _waiting(self, held_id: int) -> Held:
        for held in self.now.waiting:
            if held.id == held_id:
                return held
        raise Refused("cannot" if held_id in self.now.requests else "unknown")


def _key(phone: str) -> str:
    return phone.removeprefix("+")
