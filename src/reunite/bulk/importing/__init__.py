"""Importing: rows to components, to a plan for a store, and into the store, whole or not at all.

joining      which rows are one person
components   which of many nodes hang together
planning     what it does to a store, worked out before anything is written
constraints  whether it would join what is kept apart
glue         what holds an identity together
report       what an import does, as data
writing      the plan, in one transaction
importing    all of that in order
"""

from reunite.bulk.importing.importing import Import, Outcome, Store, plan_only, run_import

__all__ = ["Import", "Outcome", "Store", "plan_only", "run_import"]
