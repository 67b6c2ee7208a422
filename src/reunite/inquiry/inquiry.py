"""What can be asked of a store about single identities; nothing of it writes or takes a lock."""

from __future__ import annotations

from reunite.errors import BlockedIdentifier, ConstraintViolation, StillJoined
from reunite.identifier import Presented
from reunite.identity import Identity
from reunite.inquiry.asked import Asked, contact_of, identifiers_presented, identity_id_of, read
from reunite.inquiry.explanation import Explanation, chain_of, explain
from reunite.inquiry.foresight import Foreseen, foresee
from reunite.inquiry.graph import NODES, Graph, graph_of
from reunite.inquiry.history import History, history_of
from reunite.inquiry.region import blocked_of, identities, identity_ids_of, shown_of
from reunite.inquiry.step import Step
from reunite.repositories.transaction import Sight, Transactional

EVENTS = 100
"""Events of one page of a history, unless another number is asked for."""

MOST_EVENTS = 1000
"""Events that may be asked for."""


class Inquiry:
    """Looks into one workspace, each time as it is then.

    Contact ids resolve for ever: of a retired contact to the identity of whoever holds what it
    hung on. All methods raise `StoreError` where the store fails.
    """

    def __init__(self, store: Transactional) -> None:
        self._store = store

    def lookup(self, presented: Presented) -> list[Identity]:
        """The identities that identifiers belong to, by age of their primaries; often one.

        What is blocked is ignored beside other identifiers. Raises `BlockedIdentifier` where all
        that was presented is blocked.
        """
        with self._store.sight() as sight:
            identifiers = identifiers_presented(presented)
            blocked = blocked_of(sight, identifiers)
            if blocked.issuperset(identifiers):
                names = {"email": "email", "phone": "phoneNumber"}
                raise BlockedIdentifier([names[one.type] for one in identifiers])
            found = identity_ids_of(sight, set(identifiers) - blocked)
            return identities(shown_of(sight, set(found.values())))

    def identity(self, contact_id: int) -> Identity:
        """The identity of a contact, primary or not. Raises `Unknown`."""
        with self._store.sight() as sight:
            (identity,) = identities(shown_of(sight, {_identity_id(sight, contact_id)}))
            return identity

    def history(self, contact_id: int, *, after: int = 0, limit: int = EVENTS) -> History:
        """What happened to an identity, at positions above ``after``. Raises `Unknown`."""
        with self._store.sight() as sight:
            return history_of(sight, _identity_id(sight, contact_id), after, limit)

    def graph(self, contact_id: int, *, limit: int = NODES) -> Graph:
        """The evidence of an identity, at most ``limit`` nodes of it. Raises `Unknown`."""
        with self._store.sight() as sight:
            return graph_of(sight, _identity_id(sight, contact_id), limit)

    def explain(self, a: Asked | str, b: Asked | str) -> Explanation:
        """What joins two identifiers, or what does not.

        Each is an identifier, a contact id for what that contact hangs on, or text: an e-mail, a
        phone number, or ``"#7"`` for contact 7. Raises `Unknown` saying which of the two it is,
        and `InvalidIdentifier`.
        """
        with self._store.sight() as sight:
            return explain(
                sight,
                read(sight.policy, a) if isinstance(a, str) else a,
                read(sight.policy, b) if isinstance(b, str) else b,
            )

    def foresee(self, presented: Presented) -> Foreseen:
        """What a request to identify these would be answered with, and what it would write.

        Nothing is written and no lock is taken. Raises the refusal that it would get, as nothing
        that is held: `BlockedIdentifier`, `ConstraintViolation` or `IdentityTooLarge`.
        """
        with self._store.sight() as sight:
            return foresee(sight, presented)

    def chain(
        self, refusal: ConstraintViolation | StillJoined, presented: Presented | None = None
    ) -> tuple[Step, ...]:
        """The evidence between the two identifiers that a refusal names, to be shown with it.

        ``presented`` is what was refused, and would have joined them. Empty where others changed
        meanwhile what there was.
        """
        pair = () if presented is None else identifiers_presented(presented)
        joining = [(pair[0], pair[1])] if len(pair) == 2 else []
        with self._store.sight() as sight:
            return chain_of(sight, refusal, joining)


def _identity_id(sight: Sight, contact_id: int) -> int:
    return identity_id_of(sight, contact_of(sight, contact_id))
