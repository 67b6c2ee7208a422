"""The rows of a workspace that evidence and its undoing are made of, as both stores keep them.

The fields of each are the columns of its table, in that order and without the workspace. Times are
microseconds since 1970, UTC. ``position`` is of the operation that brought the row; ``voided`` is
the position of the latest standing void that names it, None while the row stands.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from reunite.identifier import phone_key

Source: TypeAlias = Literal["presented", "imported", "asserted"]
"""Who brought a contact or a link: a request, an import, or somebody by hand."""

Operation: TypeAlias = Literal[
    "unlinked",
    "asserted",
    "constrained",
    "unconstrained",
    "blocked",
    "unblocked",
    "allowed",
    "dismissed",
    "undone",
]
"""What can be done by hand, as the journal calls it."""

Target: TypeAlias = Literal["operation", "contact", "link", "constraint", "block", "held"]
"""What a void can name."""


Name: TypeAlias = tuple[Target, int, int, str, str, str, str, int, int]
"""What a void names something by: the columns of `Void` from ``target`` to ``b_contact_id``."""


class Identifier(NamedTuple):
    """An identifier by its key; in order of (type, key)."""

    type: str
    key: str


class Contact(NamedTuple):
    """A numbered row: what was presented once. One without an identity is retired."""

    id: int
    identity_id: int | None
    created_at: int
    email: str | None
    phone: str | None
    position: int
    source: Source
    anchor: Literal["email", "phone"]
    voided: int | None = None

    @property
    def age(self) -> tuple[int, int]:
        """What contacts are ordered by."""
        return self.created_at, self.id

    @property
    def presented(self) -> tuple[Identifier, ...]:
        """Its identifiers: one or two."""
        email = () if self.email is None else (Identifier("email", self.email),)
        phone = () if self.phone is None else (Identifier("phone", phone_key(self.phone)),)
        return (*email, *phone)

    @property
    def anchored(self) -> Identifier:
        """The identifier that was new when it was made; of two the e-mail."""
        return self.presented[0 if self.anchor == "email" else -1]

    @property
    def name(self) -> Name:
        """What a void names its pair by."""
        return "contact", self.position, self.id, "", "", "", "", 0, 0

    @property
    def answers_for(self) -> tuple[Identifier, ...]:
        """The identifiers that an answer shows of it."""
        return self.presented if self.voided is None else (self.anchored,)


class Link(NamedTuple):
    """Evidence beyond contacts, unordered, so kept with a before b.

    It ties the two contacts by their anchors where it names any. A ``b_type`` of ``"row"`` is a
    row that imported rows named and that was not taken itself.
    """

    a_type: str
    a_key: str
    b_type: str
    b_key: str
    source: Source
    position: int
    at: int
    a_contact_id: int = 0
    b_contact_id: int = 0
    voided: int | None = None

    @property
    def a(self) -> Identifier:
        return Identifier(self.a_type, self.a_key)

    @property
    def b(self) -> Identifier:
        return Identifier(self.b_type, self.b_key)

    @property
    def name(self) -> Name:
        """What a void names it by."""
        return ("link", self.position, 0, *self.a, *self.b, self.a_contact_id, self.b_contact_id)


class Void(NamedTuple):
    """That the operation at ``position`` names something, which thereby does not stand.

    ``target_position`` is the named row's own; of a held request its id. An ``"operation"`` stands
    for all that it brought and ended.
    """

    position: int
    target: Target
    target_position: int
    contact_id: int = 0
    a_type: str = ""
    a_key: str = ""
    b_type: str = ""
    b_key: str = ""
    a_contact_id: int = 0
    b_contact_id: int = 0
    voided: int | None = None

    @property
    def names(self) -> Name:
        """What it names, as that names itself."""
        return self[1:10]


class Constraint(NamedTuple):
    """Two identifiers that must never be of one identity; a before b."""

    a_type: str
    a_key: str
    b_type: str
    b_key: str
    position: int
    voided: int | None = None

    @property
    def a(self) -> Identifier:
        return Identifier(self.a_type, self.a_key)

    @property
    def b(self) -> Identifier:
        return Identifier(self.b_type, self.b_key)

    @property
    def name(self) -> Name:
        """What a void names it by."""
        return ("constraint", self.position, 0, *self.a, *self.b, 0, 0)


class Block(NamedTuple):
    """That an identifier was blocked."""

    type: str
    key: str
    position: int
    voided: int | None = None

    @property
    def identifier(self) -> Identifier:
        return Identifier(self.type, self.key)

    @property
    def name(self) -> Name:
        """What a void names it by."""
        return ("block", self.position, 0, *self.identifier, "", "", 0, 0)


class Held(NamedTuple):
    """A request that a constraint or the limit kept from joining; it waits while not voided.

    ``a`` and ``b`` with ``constraint_position`` name the constraint; empty and 0 for the limit.
    """

    id: int
    at: int
    last_at: int
    requests: int
    email: str
    phone: str
    reason: Literal["constraint", "limit"]
    a_type: str = ""
    a_key: str = ""
    b_type: str = ""
    b_key: str = ""
    constraint_position: int = 0
    voided: int | None = None

    @property
    def name(self) -> Name:
        """What a void names it by."""
        return "held", self.id, 0, "", "", "", "", 0, 0


class Holder(NamedTuple):
    """A row of ``identifier``: the live contact that holds it, and what blocked it, if anything."""

    type: str
    key: str
    contact_id: int | None
    blocked_by: int | None = None

    @property
    def identifier(self) -> Identifier:
        return Identifier(self.type, self.key)


class Demotion(NamedTuple):
    """A primary that an import or an operation by hand made secondary."""

    contact_id: int
    position: int


class Entry(NamedTuple):
    """A row of the journal: one accepted request, import or operation."""

    position: int
    type: str
    at: int
    contact_id: int | None
    with_contact_id: int | None
    primary_id: int | None
    demoted_id: int | None
    contacts: int
    identities: int
    last_contact_id: int
    who: str | None = None
    why: str | None = None


Row: TypeAlias = Contact | Link | Void | Constraint | Block | Held | Holder | Demotion | Entry
