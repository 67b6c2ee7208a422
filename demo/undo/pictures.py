"""Two identities drawn, before and after they were parted: one by unlink, one by block."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from demo.adopt.commands import draw
from demo.undo.support import Case, Decision, Doubt


@dataclass
class Pictures:
    """Draws the first identity of each kind of decision, as one store has it.

    Attributes:
        folder: where the pages go; it is made.
        made: the pages.
    """

    database: str
    folder: Path
    made: list[Path] = field(default_factory=list)
    _drawn: dict[Doubt, str] = field(default_factory=dict)

    def before(self, doubt: Doubt, decision: Decision) -> None:
        """Draw an identity that is about to be parted, if it is the first of its kind."""
        if decision.what not in self._drawn.values():
            self._drawn[doubt] = decision.what
            self._draw(f"{decision.what}-before", doubt.contact_id)

    def after(self, case: Case) -> None:
        """Draw those whom such an identity was parted into."""
        if (what := self._drawn.get(case.doubt)) is not None:
            for number, contact_id in enumerate(case.contact_ids, start=1):
                self._draw(f"{what}-after-{number}", contact_id)

    def _draw(self, name: str, contact_id: int) -> None:
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{name}.html"
        draw(self.database, contact_id, path)
        self.made.append(path)
