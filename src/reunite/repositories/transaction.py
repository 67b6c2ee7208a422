"""What a store does for what is asked and decided about single identities.

No request to identify needs it. The rows are those of `reunite.evidence`, the same in both stores.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from reunite.evidence import (
    Block,
    Constraint,
    Contact,
    Entry,
    Held,
    Holder,
    Identifier,
    Link,
    Row,
    Void,
)
from reunite.identifier import Policy
from reunite.reconcile import Head, Microseconds, PhoneKey

LARGEST_ID = 2**63 - 1
"""No store has a larger contact id, position or id of a held request."""


class Provenance(NamedTuple):
    """What an imported row said of itself: its id where it was numbered anew, and its linkedId."""

    contact_id: int
    position: int
    source_id: str | None
    linked_id: str | None


class Answered(NamedTuple):
    """What an operation under a key answered, and the digest of what it was asked."""

    key: str
    digest: str
    at: Microseconds
    answer: str


class Sight(Protocol):
    """A workspace at one moment, looked into by key; what others write meanwhile is not seen.

    Each method costs as much as it finds, never as much as the store, but for `presenting`. Rows
    come in order of their table's key, voided ones included unless it is said otherwise. All raise
    `StoreError` where the store fails.
    """

    policy: Policy
    head: Head
    identity_limit: int
    has_blocks: bool
    """Whether anything was blocked when this began: where nothing was, nobody looks for it."""
    at: Microseconds
    """The store's clock then, never before the head's; in a `Transaction` read under the lock."""

    @abstractmethod
    def contacts(self, ids: Collection[int]) -> list[Contact]:
        """Contacts by id, retired ones included."""

    @abstractmethod
    def members(self, identity_ids: Collection[int]) -> list[Contact]:
        """All contacts of identities, by identity and age."""

    @abstractmethod
    def voided(self, identifiers: Collection[Identifier]) -> list[Contact]:
        """The voided contacts that once presented one of these identifiers, retired ones too."""

    @abstractmethod
    def presenting(self, identifiers: Collection[Identifier]) -> list[Contact]:
        """All contacts that ever presented one of these identifiers; it reads every contact."""

    @abstractmethod
    def contacts_brought(self, position: int) -> list[Contact]:
        """The contacts that an import or an operation by hand brought, not those of a request."""

    @abstractmethod
    def links(self, identifiers: Collection[Identifier]) -> list[Link]:
        """All links that have one of these as an end, rows that imports named included."""

    @abstractmethod
    def links_brought(self, position: int) -> list[Link]:
        """The links that an import or an operation by hand brought, not those of a request."""

    @abstractmethod
    def holders(self, identifiers: Collection[Identifier]) -> list[Holder]:
        """Those of these identifiers that the store has."""

    @abstractmethod
    def provenances(self, contact_ids: Collection[int]) -> list[Provenance]:
        """What the import knew of these contacts."""

    @abstractmethod
    def entries(self, positions: Collection[int]) -> list[Entry]:
        """Rows of the journal by position."""

    @abstractmethod
    def demotions(self, contact_ids: Collection[int]) -> list[Entry]:
        """The journal's rows of merges, imports and operations that demoted one of these."""

    @abstractmethod
    def voids_of(self, target_positions: Collection[int]) -> list[Void]:
        """The voids that name something which has one of these positions (not held requests)."""

    @abstractmethod
    def voids_of_held(self, held_ids: Collection[int]) -> list[Void]:
        """The voids that name one of these held requests."""

    @abstractmethod
    def voids_by(self, positions: Collection[int]) -> list[Void]:
        """The voids that these operations brought."""

    @abstractmethod
    def constraints(self, identifiers: Collection[Identifier]) -> list[Constraint]:
        """All constraints that have one of these as an end."""

    @abstractmethod
    def constraints_by(self, positions: Collection[int]) -> list[Constraint]:
        """The constraints that these operations brought."""

    @abstractmethod
    def standing_constraints(self, after: int, limit: int) -> list[Constraint]:
        """The constraints that stand, by position, of positions above ``after``.

        Those of one position come together, so that a few may be more than ``limit``.
        """

    @abstractmethod
    def blocks(self, identifiers: Collection[Identifier]) -> list[Block]:
        """All blocks that these identifiers ever had."""

    @abstractmethod
    def blocks_by(self, positions: Collection[int]) -> list[Block]:
        """The blocks that these operations brought."""

    @abstractmethod
    def standing_blocks(self) -> list[Block]:
        """The blocks that stand, by type and key; of one identifier the latest."""

    @abstractmethod
    def held(self, ids: Collection[int]) -> list[Held]:
        """Held requests by id, decided ones included."""

    @abstractmethod
    def waiting(self, after: int, limit: int) -> list[Held]:
        """The held requests that wait, by id, of ids above ``after``."""

    @abstractmethod
    def waiting_for(self, email: str, phone: PhoneKey) -> list[Held]:
        """The held requests that wait with this pair: one at most, unless it is damaged."""

    @abstractmethod
    def answered(self, key: str) -> Answered | None:
        """What was answered under a key of the caller's, within the last day."""


class Transaction(Sight, Protocol):
    """A workspace under its lock: all that is written is committed when it is left without error.

    Leaving raises `OutcomeUnknown` where it may or may not have been committed.
    """

    @abstractmethod
    def put(self, rows: Sequence[Row]) -> None:
        """Write rows, each as it is from now on: new ones, and changed ones in place of the old."""

    @abstractmethod
    def forget(self, identifiers: Collection[Identifier]) -> None:
        """Remove rows of ``identifier``: of what is neither held nor blocked any more."""

    @abstractmethod
    def answer(self, answered: Answered) -> None:
        """Keep what is answered under a key; those older than a day are dropped."""


class Transactional(Protocol):
    """A store whose single identities can be looked into and decided about."""

    @abstractmethod
    def sight(self) -> AbstractContextManager[Sight]:
        """See the workspace as it is now, without a lock; threads take turns."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Transaction]:
        """Take the workspace's lock, on the thread and connection that identify uses."""
