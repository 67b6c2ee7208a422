"""What is decided by hand, and taken back: links, voids, constraints, blocks, held requests."""

from reunite.operations.asked import (
    Allow,
    Asked,
    Block,
    Constrain,
    Dismiss,
    Merge,
    Unblock,
    Unconstrain,
    Undo,
    Unlink,
)
from reunite.operations.decision import SHOWN, Decision, Pairs
from reunite.operations.operations import PAGE, Operations, StandingBlock

__all__ = [
    "PAGE",
    "SHOWN",
    "Allow",
    "Asked",
    "Block",
    "Constrain",
    "Decision",
    "Dismiss",
    "Merge",
    "Operations",
    "Pairs",
    "StandingBlock",
    "Unblock",
    "Unconstrain",
    "Undo",
    "Unlink",
]
