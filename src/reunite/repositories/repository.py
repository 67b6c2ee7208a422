"""What a store must do; `sqlite` and `postgresql` do it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

import msgspec

from reunite.errors import InvalidIdentifier, InvalidSetting, Refusal
from reunite.identifier import Policy, Presented, present
from reunite.identity import Identified
from reunite.repositories.transaction import Transactional

Presentable = Presented | Mapping[str, object] | tuple[object, object]
"""One request as a caller may give it: made by `present`, ``{"email": …, "phone_number": …}``, or
the pair ``(email, phone_number)``."""


OnWait = Callable[[], object]
"""Called when all that is left is up to the store, right before that is waited for, once or more
often: whoever shares the interpreter with the caller had better work now. Not called where nothing
has to be waited for."""


def nobody_waits() -> None:
    """What is called on a wait that nobody makes use of."""


class Totals(msgspec.Struct, frozen=True):
    """How many contacts and identities a workspace has."""

    contacts: int
    identities: int


class Repository(Protocol):
    """One workspace of one store.

    What writes is for one thread at a time. What only looks, `recognise_many` among it, others may
    call meanwhile: it has connections of its own, for which they take turns, so that what is known
    need not wait behind writes. All methods raise `StoreUnavailable`,
    `OutcomeUnknown` or `StoreFull` where the store fails.
    """

    policy: Policy

    def identify(
        self, email: str | None = None, phone_number: str | int | None = None
    ) -> Identified:
        """Reconcile one request and answer with the whole person.

        Raises `InvalidIdentifier` or `BlockedIdentifier`; then nothing was written. Raises
        `ConstraintViolation` or `IdentityTooLarge` where it must not join what it would; then it is
        held, under the error's ``held_id``.
        """
        (answer,) = self._reconcile([present(self.policy, email, phone_number)], nobody_waits)
        if isinstance(answer, Refusal):
            raise answer
        return answer

    def identify_many(
        self, requests: Sequence[Presentable], on_wait: OnWait = nobody_waits
    ) -> list[Identified | Refusal | InvalidIdentifier]:
        """Reconcile requests one after the other, in one transaction.

        Each is answered with the identity right after it or, where `identify` would raise, with
        that error; one refused request takes nothing from the others. ``on_wait`` is called as
        `OnWait` says.
        """
        answers: list[Identified | Refusal | InvalidIdentifier | None] = []
        taken: list[Presented] = []
        for request in requests:
            try:
                taken.append(_presented(self.policy, request))
                answers.append(None)
            except InvalidIdentifier as problem:
                answers.append(problem)
        reconciled = iter(self._reconcile(taken, on_wait) if taken else ())
        return [next(reconciled) if answer is None else answer for answer in answers]

    @abstractmethod
    def recognise_many(
        self, requests: Sequence[Presented], on_wait: OnWait = nobody_waits
    ) -> list[Identified | None]:
        """Answer the requests that would change nothing, all from one snapshot, without a lock.

        A request that brings something new, or only what is blocked, is answered with None: it has
        to be identified.
        """

    @abstractmethod
    def totals(self) -> Totals:
        """Count the workspace's contacts and identities (they are kept, not counted)."""

    @abstractmethod
    def check(self) -> None:
        """Raise unless the store answers now."""

    @abstractmethod
    def close(self) -> None:
        """Release the connections; closing twice is fine."""

    @abstractmethod
    def _reconcile(
        self, requests: Sequence[Presented], on_wait: OnWait
    ) -> list[Identified | Refusal]:
        """Apply the rule to requests in normal form, in order, in one transaction."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


LARGEST_LIMIT = 2**31 - 1
"""What PostgreSQL's column holds: a store of either kind can be put into one of the other."""


class Limited(Protocol):
    """The limit of an identity, kept in the store so that all servers agree."""

    @abstractmethod
    def identity_limit(self) -> int:
        """How many distinct identifiers an identity of the workspace may have."""

    @abstractmethod
    def set_identity_limit(self, identity_limit: int) -> None:
        """Change it for all servers, to 2 at least and `LARGEST_LIMIT` at most.

        Identities that are larger stay as they are. Raises `InvalidSetting`.
        """


def require_limit(identity_limit: int) -> None:
    """Raise `InvalidSetting` unless an e-mail and a phone have room, and every store for it."""
    if not 2 <= identity_limit <= LARGEST_LIMIT:
        raise InvalidSetting(
            f"the limit of an identity is from 2 to {LARGEST_LIMIT}, not {identity_limit}"
        )


class Store(Repository, Limited, Transactional, Protocol):
    """All that a store offers of a workspace."""


def _presented(policy: Policy, request: Presentable) -> Presented:
    if isinstance(request, Presented):
        return request
    if isinstance(request, Mapping):
        if unknown := request.keys() - {"email", "phone_number"}:
            raise InvalidIdentifier(
                "",
                f"the request has {', '.join(sorted(map(repr, unknown)))}, which means nothing",
                "it has email, phone_number or both",
            )
        return present(policy, request.get("email"), request.get("phone_number"))
    email, phone_number = request
    return present(policy, email, phone_number)
