"""A refusal that names two identifiers, with the evidence that joins them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from reunite.cli.printing import note, printable
from reunite.errors import ConstraintViolation, ReuniteError, StillJoined
from reunite.identifier import Presented
from reunite.inquiry import Inquiry
from reunite.repositories import Store


@contextmanager
def explained(store: Store, presented: Presented | None = None) -> Iterator[None]:
    """Print the chain of a refusal to standard error, before it ends the command.

    ``presented`` is the request that is made here, if it is one: it would have joined the two.
    """
    try:
        yield
    except (ConstraintViolation, StillJoined) as refusal:
        # It was refused all the same; that it cannot be explained now is no reason to hide it.
        with suppress(ReuniteError):
            for number, step in enumerate(Inquiry(store).chain(refusal, presented), start=1):
                note(printable(f"  {number}. {step.sentence}"))
        raise
