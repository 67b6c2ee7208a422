"""One transaction of a store, to be asked by named query: what `sight` needs of each store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from reunite.errors import StoreError


class Session(ABC):
    """Runs the queries of a store's ``transaction.sql``, which have the same names in each.

    What failed in part must neither be looked into nor be committed: after an error, and once it
    has ended, nothing more can be asked.
    """

    def __init__(self) -> None:
        self._is_over = False

    def ask(
        self,
        query: str,
        columns: Sequence[str] = (),
        rows: Sequence[tuple[Any, ...]] = (),
        **more: object,
    ) -> list[tuple[Any, ...]]:
        """The rows that a query gives.

        Args:
            query: its name.
            columns: of the list that it takes, if it takes one.
            rows: that list.
            more: its other parameters.

        Raises `StoreError`.
        """
        self.require_sound()
        self._is_over = True
        found = self._run(query, {**self._listed(columns, rows), **more})
        self._is_over = False
        return found

    def require_sound(self) -> None:
        """Raise `StoreError` if anything failed before."""
        if self._is_over:
            raise StoreError("this transaction failed or has ended: begin another")

    def end(self) -> None:
        """Whoever still has it may ask no more."""
        self._is_over = True

    @abstractmethod
    def _listed(self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, object]:
        """The parameters in which a list travels."""

    @abstractmethod
    def _run(self, query: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Run one statement; raises `StoreError`."""
