"""Work on whole tables: import what people already have, verify, export.

Needs the extra ``reunite[bulk]`` (DuckDB, SciPy); the command line says so where it is missing.

reading    sources to rows in normal form, and what was wrong with them
importing  rows to components, to a plan for a store, and into the store
evidence   what ties a workspace's identifiers together, and the digests of that
verifying  everything that a store says, worked out once more by other ways
exporting  contacts, people, or all of a workspace as files; how much of what there is
engine     DuckDB, set for this work
literal    a path as DuckDB takes it for one file
progress   how far it is
output     files and folders that appear whole or not at all
"""
