"""Held requests: allowed or dismissed."""

from __future__ import annotations

from typing import Literal

from reunite.errors import OperationRefused, Unknown
from reunite.evidence import Contact, Held, Identifier, Link
from reunite.identifier import phone_key
from reunite.operations.asked import Allow, Dismiss
from reunite.operations.plan import Plan
from reunite.operations.work import Work


def allow(work: Work, asked: Allow) -> Plan:
    """Do what a held request asked, and take the constraints in its way out of it.

    The limit does not count here. Raises `Unknown`, or `OperationRefused` where it does not wait
    any more or presents what is blocked by now.
    """
    held = _waiting(work, asked.held_id)
    email, phone = Identifier("email", held.email), Identifier("phone", phone_key(held.phone))
    holders = {holder.identifier: holder for holder in work.sight.holders({email, phone})}
    if any(holder.blocked_by is not None for holder in holders.values()):
        raise OperationRefused(
            "an identifier of the request is blocked by now: unblock it, or dismiss the request"
        )
    work.change.void(held)
    if email in holders and phone in holders:
        contact_id = holders[email].contact_id
        work.change.set(Link(*email, *phone, "presented", work.change.position, work.change.at))
    else:
        contact_id = work.sight.head.last_contact_id + 1
        work.change.set(_contact(work, held, contact_id, "phone" if email in holders else "email"))
    settlement = work.settle()
    lifted = tuple(work.violated(settlement))
    work.change.void(*lifted)
    return Plan("allowed", contact_id, settlement, lifted=lifted)


def dismiss(work: Work, asked: Dismiss) -> Plan:
    """Let a held request wait no longer; nothing else changes. Raises as `allow` does."""
    work.change.void(_waiting(work, asked.held_id))
    return Plan("dismissed")


def _waiting(work: Work, held_id: int) -> Held:
    found = work.sight.held({held_id})
    if not found:
        raise Unknown(f"no held request has the id {held_id}")
    if found[0].voided is not None:
        raise OperationRefused(
            f"held request {held_id} was decided at position {found[0].voided}; undo that first"
        )
    return found[0]


def _contact(work: Work, held: Held, contact_id: int, anchor: Literal["email", "phone"]) -> Contact:
    """The contact that the request would have made."""
    return Contact(
        contact_id,
        None,
        work.change.at,
        held.email,
        held.phone,
        work.change.position,
        "presented",
        anchor,
    )
