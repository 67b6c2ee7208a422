"""Work on whole tables: import what people already have, verify, export.

Needs the extra ``reunite[bulk]`` (DuckDB, SciPy); the command line says so where it is missing.
"""
