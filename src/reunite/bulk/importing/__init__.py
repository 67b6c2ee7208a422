"""Importing: rows to components, to a plan for a store, and into the store, whole or not at all.

joining    which rows are one person; components: the algorithm
planning   what that does to a store, worked out before anything is written
glue       what holds an identity together; report: what an import does, as data
writing    the plan, in one transaction
importing  all of that in order
"""

from reunite.bulk.importing.importing import Import, Outcome, Store, plan_only, run_import

__all__ = ["Import", "Outcome", "Store", "plan_only", "run_import"]
