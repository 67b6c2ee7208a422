"""Every error that reunite raises, in one tree.

    ReuniteError
    ├── InvalidIdentifier      what was presented is no e-mail, no phone, or nothing at all
    ├── IdentityTooLarge       accepted, it would make an identity larger than the limit
    ├── BlockedIdentifier      all that was presented is blocked, so it says nothing of anyone
    ├── ConstraintViolation    accepted, it would join two identifiers that a constraint keeps apart
    ├── Unknown                what was asked for is not in the store: a contact, a workspace, …
    ├── InvalidOperation       what is to be done by hand was not said so that it means something
    ├── OperationRefused       as things stand, what is to be done by hand cannot be
    │   └── StillJoined        other evidence joins the pair that was to be unlinked
    ├── KeyReused              the key of an operation came before, with another operation
    ├── StoreError             the store did not do what was asked
    │   ├── StoreMissing       there is none where it was to be looked at
    │   ├── StoreUnavailable   surely not done; asking again later may succeed
    │   ├── OutcomeUnknown     perhaps done: the answer was lost; asking again is safe
    │   └── StoreFull          surely not done: no space left on the store's disk
    ├── ImportStopped          what was to be imported cannot be, as it is; nothing was written
    ├── ExportStopped          what was to be exported could not be written where it was to go
    ├── Shed                   not taken: too many requests wait, or this one waited too long
    ├── StoreRefused           this program must not work on this store
    │   ├── PolicyMismatch     it was made with another phone region or rule version
    │   ├── SchemaMismatch     its schema is newer, or older and may not be migrated here
    │   └── UnsuitableStore    it lacks what the promises rest on
    ├── InvalidSetting         a setting or a store's URL that means nothing
    └── CannotListen           the server's address cannot be listened on

The edge turns them into problem+json in one place (`http/problem.py`), the command line into exit
codes in one place (`cli`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias


class ReuniteError(Exception):
    """Base of all errors of this package."""


class InvalidIdentifier(ReuniteError):
    """What was presented cannot be an identifier; nothing was written.

    Attributes:
        field: ``"email"``, ``"phoneNumber"`` or ``""`` for the request as a whole.
        wrong: what was wrong, never repeating the value.
        right: what would be right.
    """

    def __init__(self, field: str, wrong: str, right: str) -> None:
        super().__init__(f"{field}: {wrong}; {right}" if field else f"{wrong}; {right}")
        self.field = field
        self.wrong = wrong
        self.right = right


class IdentityTooLarge(ReuniteError):
    """The request would bring an identity past the store's limit; it joined nothing.

    Attributes:
        primary_contact_id: the primary contact of the identity it would have joined; where it
            would have merged two, the older one's.
        size: distinct identifiers of that identity now.
        would_be: distinct identifiers it would have.
        limit: distinct identifiers an identity of this workspace may have.
        held_id: of the held request that it became; None where it was only tried.
    """

    def __init__(
        self,
        primary_contact_id: int,
        size: int,
        would_be: int,
        limit: int,
        held_id: int | None = None,
    ) -> None:
        super().__init__(
            f"identity {primary_contact_id} has {size} identifiers and would have {would_be}; "
            f"the limit is {limit}"
        )
        self.held_id = held_id
        self.primary_contact_id = primary_contact_id
        self.size = size
        self.would_be = would_be
        self.limit = limit


class BlockedIdentifier(ReuniteError):
    """All that was presented is blocked, so that it links no one; nothing was written.

    Attributes:
        fields: what was presented: ``"email"``, ``"phoneNumber"`` or both.
        wrong: what was wrong, never repeating the value.
        right: what would be right.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = tuple(fields)
        self.wrong = "is blocked and links no one" if len(fields) == 1 else "both are blocked"
        self.right = "present an identifier that is not blocked, alone or with it"
        super().__init__(f"{' and '.join(fields)}: {self.wrong}; {self.right}")


class ConstraintViolation(ReuniteError):
    """A constraint keeps apart what would become one identity; nothing was joined.

    Attributes:
        a, b: the two identifiers of the constraint, each a type and a key.
        position: the journal position of the constraint.
        held_id: of the held request that it became; None where it was an operation, or only tried.
        chain: the evidence that would join the two, where whoever answers had it explained.
    """

    def __init__(
        self,
        a: tuple[str, str],
        b: tuple[str, str],
        position: int,
        held_id: int | None = None,
    ) -> None:
        super().__init__(a, b, position)
        self.a = a
        self.b = b
        self.position = position
        self.held_id = held_id
        self.chain: Sequence[object] = ()

    def __str__(self) -> str:
        way_out = "remove it"
        if self.held_id is not None:
            way_out += f", or allow held request {self.held_id}"
        return (
            f"the constraint of position {self.position} keeps two of these identifiers apart; "
            f"{way_out}"
        )


Refusal: TypeAlias = IdentityTooLarge | BlockedIdentifier | ConstraintViolation
"""What the rule answers a request with that it does not take."""


class Unknown(ReuniteError):
    """The store does not have what was named; the message says what it is, never an identifier."""


class InvalidOperation(ReuniteError):
    """What is to be done by hand was not said so that it means something; nothing was written.

    Attributes:
        field: which part of it, ``""`` for the whole.
        wrong: what was wrong, never repeating a value.
        right: what would be right.
    """

    def __init__(self, field: str, wrong: str, right: str) -> None:
        super().__init__(f"{field}: {wrong}; {right}" if field else f"{wrong}; {right}")
        self.field = field
        self.wrong = wrong
        self.right = right


class OperationRefused(ReuniteError):
    """As things stand it cannot be done; nothing was written. The message says what would help."""


class StillJoined(OperationRefused):
    """Other evidence joins the pair that was to be unlinked, or kept apart; nothing was written.

    Attributes:
        a, b: the two identifiers, each a type and a key.
        chain: the evidence that joins the two, where whoever answers had it explained.
    """

    def __init__(
        self, a: tuple[str, str], b: tuple[str, str], *, can_be_forced: bool = False
    ) -> None:
        advice = ", or force it" if can_be_forced else ""
        super().__init__(f"other evidence still joins the two: unlink what is in the chain{advice}")
        self.a = a
        self.b = b
        self.chain: Sequence[object] = ()


class KeyReused(ReuniteError):
    """The key of an operation came within the last day with another operation or body."""


class StoreError(ReuniteError):
    """The store did not do what was asked."""


class StoreMissing(StoreError):
    """There is no store where one was to be looked at: no file, or a database without a schema.

    ``where`` is a path, or a URL as it may be shown.
    """

    def __init__(self, where: str) -> None:
        super().__init__(
            f"there is no store at {where}: give the URL of one that there is (--database)"
        )


class StoreUnavailable(StoreError):
    """The store could not be reached or was busy; surely nothing was written."""


class OutcomeUnknown(StoreError):
    """The connection was lost during the commit: written or not, repeating is safe."""


class StoreFull(StoreError):
    """The store's disk is full; nothing was written."""


class ImportStopped(ReuniteError):
    """A source, or what it would do to the store, forbids the import; nothing was written.

    The message says what, where, and what would be right; it may name identifiers, because whoever
    imports them has them.
    """


class ExportStopped(ReuniteError):
    """A file or folder could not be written; nothing is left of it."""


class Shed(ReuniteError):
    """Not taken, because too many requests wait or this one waited past its deadline."""


class StoreRefused(ReuniteError):
    """This program, set as it is, must not work on this store."""


class PolicyMismatch(StoreRefused):
    """The store was made with another policy (phone region or rule version)."""


class SchemaMismatch(StoreRefused):
    """The store's schema is newer than this program, or older and may not be migrated here."""


class UnsuitableStore(StoreRefused):
    """The store lacks something that the promises rest on, such as working advisory locks."""


class InvalidSetting(ReuniteError):
    """A setting or a store's URL that cannot be understood; the message says what would be."""


class CannotListen(ReuniteError):
    """The server's address cannot be listened on; the message says what to do."""
