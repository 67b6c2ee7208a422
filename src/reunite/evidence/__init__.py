"""Why two identifiers belong to one person: rows of evidence, and what they connect. All pure."""

from reunite.evidence.chain import Step, chain
from reunite.evidence.region import Edge, Node, Region
from reunite.evidence.rows import (
    Block,
    Constraint,
    Contact,
    Demotion,
    Entry,
    Held,
    Holder,
    Identifier,
    Link,
    Name,
    Operation,
    Row,
    Source,
    Target,
    Void,
)

__all__ = [
    "Block",
    "Constraint",
    "Contact",
    "Demotion",
    "Edge",
    "Entry",
    "Held",
    "Holder",
    "Identifier",
    "Link",
    "Name",
    "Node",
    "Operation",
    "Region",
    "Row",
    "Source",
    "Step",
    "Target",
    "Void",
    "chain",
]
