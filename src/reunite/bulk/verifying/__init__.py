"""Verifying: everything that a store says, worked out once more by other ways.

forms      normal forms and keys; holders: who holds each identifier
replay     the journal, position by position, over the evidence: requests, imports; joined: what
           they joined so far; steps: what each row has to say
partition  whether identities are components; voids: which decisions stand; findings: what is off
verifying  all of that in order
"""

from reunite.bulk.verifying.verifying import Verification, verify

__all__ = ["Verification", "verify"]
