"""What is asked about: an identifier, or a contact and the identifier it hangs on."""

from __future__ import annotations

import re
from typing import TypeAlias

from reunite.errors import InvalidIdentifier, Unknown
from reunite.evidence import Contact, Identifier, Region
from reunite.identifier import Policy, Presented, phone_key, present
from reunite.inquiry.region import blocked_of, identity_ids_of
from reunite.repositories.transaction import Sight

Asked: TypeAlias = Identifier | int
"""An identifier by its key, or a contact id."""


def identifiers_presented(presented: Presented) -> tuple[Identifier, ...]:
    """What was presented, by keys."""
    email = () if presented.email is None else (Identifier("email", presented.email),)
    phone = () if presented.phone is None else (Identifier("phone", phone_key(presented.phone)),)
    return (*email, *phone)


def read(policy: Policy, text: str) -> Asked:
    """Understand what a person wrote: ``#7`` is contact 7, what has an ``@`` is an e-mail.

    Everything else is a phone. Raises `InvalidIdentifier`.
    """
    if found := re.fullmatch(r"#([0-9]{1,20})", text.strip(), re.ASCII):
        return int(found[1])
    if not text.strip():
        raise InvalidIdentifier("", "is empty", "an e-mail, a phone number, or #7 for contact 7")
    is_email = "@" in text
    presented = present(policy, text if is_email else None, None if is_email else text)
    return identifiers_presented(presented)[0]


def contact_of(sight: Sight, contact_id: int, which: str = "") -> Contact:
    """The contact with this id, a retired one too. Raises `Unknown`, naming ``which`` it is."""
    found = sight.contacts({contact_id})
    if found:
        return found[0]
    if 0 < contact_id <= sight.head.last_contact_id:
        raise Unknown(
            f"{which}contact {contact_id} is not in the store: its row was left out by an import, "
            "or its number was passed over"
        )
    raise Unknown(f"{which}contact {contact_id} is not in the store; no contact has had that id")


def identifier_of(sight: Sight, asked: Asked, which: str) -> Identifier:
    """The identifier that is asked about.

    Raises `Unknown` naming ``which`` of two it is, never a value.
    """
    if isinstance(asked, Identifier):
        if not sight.holders({asked}):
            raise Unknown(f"{which} identifier is not in the store")
        return asked
    contact = contact_of(sight, asked, f"{which}, ")
    return Region([contact], [], blocked_of(sight, contact.presented)).hangs_on(contact)


def identity_id_of(sight: Sight, contact: Contact) -> int:
    """The identity of a contact; of a retired one that of whoever holds its anchor now.

    Raises `Unknown` where nobody does.
    """
    if contact.identity_id is not None:
        return contact.identity_id
    found = identity_ids_of(sight, {contact.anchored})
    if contact.anchored not in found:
        raise Unknown(f"contact {contact.id} is retired, and nobody has what it hung on any more")
    return found[contact.anchored]
