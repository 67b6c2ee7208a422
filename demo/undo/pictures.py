"""Two identities drawn, before and after they were parted: one by unlink, one by block."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from demo.adopt.commands import draw
from demo.undo.support import Case, Decision, Doubt


@dataclass
class Pictures:
    """Draws the first identity that each kind of decision parted, as one store has it.

    Attributes:
        folder: where the pages go; it is made.
        made: the pages.
    """

    database: str
    folder: Path
    made: list[Path] = field(default_factory=list)
    _parted: set[str] = field(default_factory=set)

    def before(self, doubt: Doubt, decision: Decision) -> None:
        """Draw an identity that is about to be parted, while none of its kind was."""
        if decision.what not in self._parted:
            self._draw(f"{decision.what}-before", doubt.contact_id)

    def after(self, case: Case) -> None:
        """Draw those whom the first identity of its kind was parted into, of many the first."""
        if case.decision is not None and case.decision.what not in self._parted:
            self._parted.add(case.decision.what)
            for number, contact_id in enumerate(case.contact_ids, start=1):
                self._draw(f"{case.decision.what}-after-{number}", contact_id)

    def _draw(self, name: str, contact_id: int) -> None:
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{name}.html"
        draw(self.database, contact_id, path)
        if path not in self.made:
            self.made.append(path)
