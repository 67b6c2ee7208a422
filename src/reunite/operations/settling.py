"""What follows from a change of evidence: identities, contacts, holders and totals anew. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from reunite.evidence import Block, Contact, Demotion, Holder, Identifier, Node, Region
from reunite.identifier import Policy, phone_of_key
from reunite.operations.change import Change


class Components:
    """Which nodes hang together."""

    def __init__(self, region: Region) -> None:
        self._parent: dict[Node, Node] = {}
        for edge in region.standing:
            a, b = self.root(edge.a), self.root(edge.b)
            if a != b:
                self._parent[max(a, b)] = min(a, b)

    def root(self, node: Node) -> Node:
        """The node that stands for all that hang together with this one."""
        root = node
        while (above := self._parent.get(root, root)) != root:
            root = above
        while (above := self._parent.get(node, node)) != root:
            self._parent[node], node = root, above
        return root

    def join(self, a: Node, b: Node) -> bool:
        """Whether two hang together."""
        return self.root(a) == self.root(b)


class Settlement:
    """Identities after a change.

    Args:
        before: every identity that the change touches, whole.
        change: what changes; its new contacts have no identity yet.
        holders: the rows of all identifiers of the region and the change.
        last_contact_id: the highest so far.
        elsewhere: of what is blocked and might be left without a contact here, the oldest contact
            of another identity that answers for it, if any does.
        policy: how a phone is spelt of which only the key is known.

    Attributes:
        before: as given.
        region: the same identities afterwards, all contacts in their new ones.
        components: what hangs together afterwards.
        contacts, holders, forgotten, demotions: the rows to write, and identifiers to remove.
        last_contact_id: the highest afterwards.
    """

    def __init__(
        self,
        before: Region,
        change: Change,
        holders: Iterable[Holder],
        last_contact_id: int,
        elsewhere: Mapping[Identifier, Contact],
        policy: Policy,
    ) -> None:
        self.before = before
        self._change = change
        self.last_contact_id = last_contact_id
        self._elsewhere = elsewhere
        self._policy = policy
        self._held_by = {holder.identifier: holder for holder in holders}
        self._blocking = self._changed_holders_of(change.blocks.values())
        self.region = self._changed()
        self._live = self.region.contacts  # completed and moved below
        self.components = Components(self.region)
        self._replace_lost()
        self._assign()
        self.contacts = self._changed_contacts()
        self.holders, self.forgotten = self._changed_holders()
        self.demotions = self._demotions()

    @property
    def identity_ids(self) -> set[int | None]:
        """The identities afterwards."""
        return {contact.identity_id for contact in self._live.values()}

    @property
    def contacts_gained(self) -> int:
        """By how many the contacts that are not retired became more."""
        return len(self._live) - len(self.before.contacts)

    @property
    def identities_gained(self) -> int:
        """By how many the identities became more."""
        before = {contact.identity_id for contact in self.before.contacts.values()}
        return len(self.identity_ids) - len(before)

    def _changed_holders_of(self, blocks: Iterable[Block]) -> dict[Identifier, Holder]:
        """On each identifier the latest block that stands."""
        changed = dict(self._held_by)
        for block in sorted(blocks, key=lambda block: block.position):
            holder = changed.get(block.identifier, Holder(*block.identifier, None))
            blocked_by = block.position if block.voided is None else None
            changed[block.identifier] = holder._replace(blocked_by=blocked_by)
        return changed

    def _changed(self) -> Region:
        change = self._change
        contacts = dict(self.before.contacts)
        for contact in change.contacts.values():
            is_new = contact.position == change.position
            if contact.id in contacts or contact.id in change.reviving or is_new:
                contacts[contact.id] = contact
        links = {link.name: link for link in self.before.links} | change.links
        blocked = {
            identifier
            for identifier, holder in self._blocking.items()
            if holder.blocked_by is not None
        }
        _retire(contacts, change.retiring, self._elsewhere.keys())
        return Region(contacts.values(), links.values(), blocked)

    def _replace_lost(self) -> None:
        """Give a contact to each identifier that is left without one.

        To a blocked one as well if a contact held it: ids resolve through what holds their anchor.
        """
        answered = {one for contact in self._live.values() for one in contact.answers_for}
        known: dict[Identifier, Contact | None] = dict(self._change.returning)
        known |= _oldest(self.before.contacts.values())
        lost = known.keys() - answered - self._elsewhere.keys()
        for identifier in sorted(lost):
            if identifier in self.region.blocked and not self._held_here(identifier):
                continue
            self.last_contact_id += 1
            replacement = self._replacement(identifier, known[identifier])
            self._live[replacement.id] = replacement

    def _held_here(self, identifier: Identifier) -> bool:
        """Whether a contact of these identities held it; nobody does that was blocked unseen."""
        holder = self._held_by.get(identifier)
        return holder is not None and holder.contact_id in self.before.contacts

    def _replacement(self, identifier: Identifier, oldest: Contact | None) -> Contact:
        is_email = identifier.type == "email"
        return Contact(
            self.last_contact_id,
            None,
            self._change.at if oldest is None else oldest.created_at,
            identifier.key if is_email else None,
            None if is_email else self._spelt(identifier.key, oldest),
            self._change.position,
            "asserted",
            "email" if is_email else "phone",
        )

    def _spelt(self, phone_key: str, oldest: Contact | None) -> str:
        """A phone as its oldest contact has it; what links alone know is spelt by the policy."""
        if oldest is None or oldest.phone is None:
            return phone_of_key(phone_key, self._policy.phone_region)
        return oldest.phone

    def _assign(self) -> None:
        """Put each contact into the identity of what it hangs on; if that is blocked, alone."""
        together: dict[Node | int, list[Contact]] = {}
        for contact in self._live.values():
            node = self.region.hangs_on(contact)
            is_alone = node in self.region.blocked
            key = contact.id if is_alone else self.components.root(node)
            together.setdefault(key, []).append(contact)
        for contacts in together.values():
            identity_id = _identity_id(contacts)
            for contact in contacts:
                if contact.identity_id != identity_id:
                    self._live[contact.id] = contact._replace(identity_id=identity_id)

    def _changed_contacts(self) -> list[Contact]:
        before = self.before.contacts
        changed = [one for one in self._live.values() if before.get(one.id) != one]
        retired = [
            contact._replace(identity_id=None)
            for contact in (before | self._change.contacts).values()
            if contact.id not in self._live
        ]
        return changed + retired

    def _changed_holders(self) -> tuple[list[Holder], list[Identifier]]:
        """Each identifier is held by who held it, while that answers for it; else by the oldest."""
        oldest = {**self._elsewhere, **_oldest(self._live.values())}
        changed: list[Holder] = []
        forgotten: list[Identifier] = []
        ours = self.before.contacts.keys() | self._change.contacts.keys()
        for identifier in sorted(self._blocking.keys() | oldest.keys()):
            holder = self._blocking.get(identifier, Holder(*identifier, None))
            held_by = self._live.get(holder.contact_id or 0)
            answers = held_by is not None and identifier in held_by.answers_for
            is_free = holder.contact_id is None and holder.blocked_by is None
            if not answers and (is_free or holder.contact_id in ours):
                successor = oldest.get(identifier)
                holder = holder._replace(contact_id=None if successor is None else successor.id)
            if holder.contact_id is None and holder.blocked_by is None:
                forgotten.append(identifier)
            elif holder != self._held_by.get(identifier):
                changed.append(holder)
        return changed, forgotten

    def _demotions(self) -> list[Demotion]:
        """The primaries of before that are not primaries any more."""
        before, after = (
            {contact.id for contact in _primaries(contacts)}
            for contacts in (self.before.contacts.values(), self._live.values())
        )
        return [
            Demotion(contact_id, self._change.position)
            for contact_id in sorted(before - after)
            if contact_id in self._live
        ]


def _retire(
    contacts: dict[int, Contact], retiring: Collection[int], elsewhere: Collection[Identifier]
) -> None:
    """Remove contacts, the youngest first, unless one's anchor would be left without any."""
    answering = Counter(one for contact in contacts.values() for one in contact.answers_for)
    for contact_id in sorted(contacts.keys() & retiring, reverse=True):
        anchored = contacts[contact_id].anchored
        if answering[anchored] > 1 or anchored in elsewhere:
            answering.subtract(contacts.pop(contact_id).answers_for)


def _identity_id(contacts: Sequence[Contact]) -> int:
    """The number of an identity: always the id of one of its contacts, so that no two share it.

    Of those that its contacts had before it is the one that most of them had, so that few change;
    where none can be kept, it is the primary's id.
    """
    ids = {contact.id for contact in contacts}
    had = Counter(one.identity_id for one in contacts if one.identity_id in ids)
    kept = [(-count, identity_id) for identity_id, count in had.items() if identity_id is not None]
    return min(kept)[1] if kept else min(contacts, key=lambda one: one.age).id


def _oldest(contacts: Iterable[Contact]) -> dict[Identifier, Contact]:
    """The oldest contact that answers for each identifier."""
    found: dict[Identifier, Contact] = {}
    for contact in sorted(contacts, key=lambda one: one.age):
        for identifier in contact.answers_for:
            found.setdefault(identifier, contact)
    return found


def _primaries(contacts: Iterable[Contact]) -> Iterable[Contact]:
    """The oldest contact of each identity."""
    found: dict[int | None, Contact] = {}
    for contact in sorted(contacts, key=lambda one: one.age):
        found.setdefault(contact.identity_id, contact)
    return found.values()
