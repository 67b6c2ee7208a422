"""What ties the identifiers of a workspace together, from a snapshot of its tables.

tables      of a snapshot, brought into an engine
evidence    who was presented with whom
forest      union-find over it
decided     what was ever decided about by hand
identities  what the store keeps as such
digest      two numbers that say whether two stores agree
"""
