"""`make undo`: the wrong merges of a messy table, found by stats and explain, and undone.

repair      from end to end
stores      both stores asked over HTTP, and their answers compared
support     what a support agent decides of a doubtful identity, by what reunite tells
pictures    two identities drawn, before and after
people      the partition against the people
report      what was found
"""
