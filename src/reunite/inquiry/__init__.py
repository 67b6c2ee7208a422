"""Looking without writing: identities, their history and graph, and why two are one person."""

from reunite.inquiry.asked import Asked
from reunite.inquiry.explanation import Explanation, KeptApart
from reunite.inquiry.foresight import Foreseen, Writes
from reunite.inquiry.graph import Graph
from reunite.inquiry.history import Event, History, Item
from reunite.inquiry.inquiry import Inquiry
from reunite.inquiry.step import Step
from reunite.inquiry.told import Spelt, TakenBack

__all__ = [
    "Asked",
    "Event",
    "Explanation",
    "Foreseen",
    "Graph",
    "History",
    "Inquiry",
    "Item",
    "KeptApart",
    "Spelt",
    "Step",
    "TakenBack",
    "Writes",
]
