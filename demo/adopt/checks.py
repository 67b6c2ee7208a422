"""What was compared, and what differed."""

from __future__ import annotations

from dataclasses import dataclass, field

_EXAMPLES = 5


@dataclass
class Check:
    """One kind of comparison.

    Attributes:
        what: what is compared with what.
        compared: how many things were.
        wrong: how many of them differed.
        examples: what the first of them were.
    """

    what: str
    compared: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        """Whether something was compared and all was as it must be."""
        return self.compared > 0 and self.wrong == 0

    def compare(self, name: str, found: object, due: object) -> None:
        """Compare what was found with what must be."""
        self.compared += 1
        if found != due:
            self.wrong += 1
            if len(self.examples) < _EXAMPLES:
                self.examples.append(f"{name}: {found}, but it must be {due}")
