"""`make bench-import`: what imports cost, against their floor, and work on all of a store."""
