"""`make bench-import`: what an import costs, against its floor, row-by-row work, and store size."""
