"""What is told, as people say it. Days are UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reunite.evidence import Contact, Entry
from reunite.identity import Identity
from reunite.inquiry.told import Spelt, TakenBack, moment

if TYPE_CHECKING:
    from reunite.inquiry.explanation import KeptApart
    from reunite.inquiry.step import Step

_SHOWN = 5
"""Identifiers of an identity that a sentence names."""


def same(one: Spelt) -> str:
    return f"both are {_name(one)}"


def contact(a: Spelt, b: Spelt, piece: Contact, entry: Entry) -> str:
    """That a contact presented both."""
    day = f"{moment(piece.created_at):%Y-%m-%d}"
    said = f"{_name(a)} and {_name(b)} were presented together in contact {piece.id} on {day}"
    if piece.source == "imported":
        return f"{said}, as the import of {_day(entry)} has it"
    return said + _by_hand(entry)


def link(a: Spelt, b: Spelt, entry: Entry) -> str:
    """That both, known already, were presented together or joined by hand."""
    if entry.type == "asserted":
        return f"{_name(a)} and {_name(b)} were joined by hand{_who_when_why(entry)}"
    again = "" if entry.type == "merged" else " again"
    said = f"{_name(a)} and {_name(b)} were presented together{again} on {_day(entry)}"
    return said + _by_hand(entry)


def imported(a: Spelt, b: Spelt, row: str, named: str, entry: Entry) -> str:
    """That a row named another as the same person."""
    said = f"row {row} named row {named} as the same in the import of {_day(entry)}"
    return f"{said}, which joins {_name(a)} and {_name(b)}"


def refused(a: Spelt, b: Spelt) -> str:
    return f"{_name(a)} and {_name(b)} come together in the request that was refused"


def not_joined(a: Spelt, b: Spelt) -> str:
    return f"nothing joins {_name(a)} and {_name(b)}"


def side(one: Spelt, identity: Identity | None) -> str:
    """What the identity of an identifier has."""
    if identity is None:
        return f"{_name(one)} is blocked: it links no one"
    values = [*identity.emails, *identity.phone_numbers]
    more = f" and {len(values) - _SHOWN:,} more" if len(values) > _SHOWN else ""
    has = ", ".join(values[:_SHOWN])
    return f"{_name(one)} is of contact {identity.primary_contact_id}, who has {has}{more}"


def kept_apart(constraint: KeptApart) -> str:
    a, b = _name(constraint.a), _name(constraint.b)
    said = f"{a} and {b} must not be one person: a constraint of position {constraint.position}"
    return f"{said}{_said(constraint)}"


def once(steps: Sequence[Step]) -> str:
    """What joined two before, and what ended that."""
    return "what joined them: " + "; ".join(
        step.sentence + ("" if step.taken_back is None else _taken_back(step.taken_back))
        for step in steps
    )


def _taken_back(taken_back: TakenBack) -> str:
    word = "blocked" if taken_back.type in ("blocked", "imported") else "taken back"
    return f" ({word} at position {taken_back.position}{_said(taken_back)})"


def _said(decided: KeptApart | TakenBack) -> str:
    return _decided(decided.who, decided.at, decided.why)


def _by_hand(entry: Entry) -> str:
    """Of evidence that a decision brought, whose that was."""
    return "" if entry.who is None else f", {entry.type}{_who_when_why(entry)}"


def _who_when_why(entry: Entry) -> str:
    return _decided(entry.who, moment(entry.at), entry.why)


def _decided(who: str | None, at: datetime, why: str | None) -> str:
    by = "" if who is None else f" by {who}"
    because = "" if why is None else f": {why}"
    return f"{by} on {at:%Y-%m-%d}{because}"


def _day(entry: Entry) -> str:
    return f"{moment(entry.at):%Y-%m-%d}"


def _name(one: Spelt) -> str:
    return f"row {one.value.partition(':')[2]}" if one.type == "row" else one.value
