"""`make adopt`: two tables of existing data, imported, verified, compared with the truth, served.

adoption    one table from end to end
tables      the two tables, and what is true of them
rows        what a table's rows say, read by a second, plain path
truth       who must be whose primary, and some people to ask for
checks      what was compared, and what differed
commands    the real command line
verifying   both stores verified
partition   the stores against the truth
people      who is who while more is posted
posts       what is posted on top
judge       every answer against the people
report      what was found
tabular     how it is printed
"""
