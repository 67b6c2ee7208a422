"""Verifying: everything that a store says, worked out once more by other ways.

findings   which rule is broken, by what, how often
forms      whether every value is in normal form
holders    who holds each identifier, and what each contact hangs on
replay     the journal, position by position, over the evidence
steps      what each row of it has to say
joined     what the rows joined so far
requests, imports  one kind of row each, replayed
partition  whether identities are components
voids      which operations are undone
verifying  all of that in order
"""

from reunite.bulk.verifying.verifying import Verification, verify

__all__ = ["Verification", "verify"]
