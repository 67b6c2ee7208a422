"""Decisions by hand, written as rows: what an unlink and a block leave in a store.

They are worked out here for the few shapes that tests about looking need, apart from whatever the
product makes of an operation.
"""

from __future__ import annotations

from reunite.evidence import Block, Constraint, Contact, Entry, Holder, Identifier, Void
from reunite.repositories import Store
from reunite.repositories.transaction import Transaction

WHO, WHY = "Ann", "the phone was recycled"


def unlink(store: Store, contact_id: int, *, gone_with: tuple[int, ...] = ()) -> int:
    """Void the pair of a contact that then is of an identity of its own, with some others.

    The pair is kept apart from now on. Returns the position.
    """
    with store.transaction() as transaction:
        (contact,) = transaction.contacts({contact_id})
        position = transaction.head.position + 1
        a, b = contact.presented
        transaction.put(
            [
                contact._replace(voided=position, identity_id=contact_id),
                *(
                    each._replace(identity_id=contact_id)
                    for each in transaction.contacts(gone_with)
                ),
                Void(position, "contact", contact.position, contact_id),
                Constraint(*a, *b, position),
                entry(transaction, "unlinked", identities=1),
            ]
        )
    return position


def block(store: Store, identifier: Identifier, *, gone: tuple[int, ...]) -> int:
    """Block an identifier that so leaves some contacts to an identity of their own."""
    with store.transaction() as transaction:
        position = transaction.head.position + 1
        (holder,) = transaction.holders({identifier})
        transaction.put(
            [
                Block(*identifier, position),
                Holder(*identifier, holder.contact_id, position),
                *_moved(transaction, gone),
                entry(transaction, "blocked", identities=1),
            ]
        )
    return position


def undo(store: Store, contact_id: int, unlinked: int, *, back_into: int) -> int:
    """Take the unlink of a contact's pair back."""
    with store.transaction() as transaction:
        position = transaction.head.position + 1
        (contact,) = transaction.contacts({contact_id})
        (void,) = transaction.voids_by({unlinked})
        (constraint,) = transaction.constraints_by({unlinked})
        transaction.put(
            [
                *(
                    each._replace(identity_id=back_into)
                    for each in transaction.members({contact_id})
                ),
                contact._replace(voided=None, identity_id=back_into),
                void._replace(voided=position),
                constraint._replace(voided=position),
                Void(position, "operation", unlinked),
                entry(transaction, "undone", identities=-1),
            ]
        )
    return position


def _moved(transaction: Transaction, contact_ids: tuple[int, ...]) -> list[Contact]:
    contacts = transaction.contacts(contact_ids)
    return [contact._replace(identity_id=contact_ids[0]) for contact in contacts]


def entry(transaction: Transaction, type_: str, *, identities: int) -> Entry:
    head = transaction.head
    return Entry(
        head.position + 1,
        type_,
        transaction.at,
        None,
        None,
        None,
        None,
        head.contacts,
        head.identities + identities,
        head.last_contact_id,
        WHO,
        WHY,
    )
