"""Reading sources: from files and tables to rows in normal form, and to what was wrong with them.

source       where from, as named on the command line
spooling     every kind of source brought into a plain file
columns      which column means what
gathering    rows as text
lines        the header of a file, and whether its lines are even
records      files that DuckDB does not take whole, read with care
normalising  what each row says, in normal form
faults       what was not taken
blocklist    a file of identifiers to block
reading      all of that in order
"""

from reunite.bulk.reading.blocklist import read_blocks
from reunite.bulk.reading.faults import Fault, FaultCount, write_rejects
from reunite.bulk.reading.reading import Reading, ReadSource, read, with_refused
from reunite.bulk.reading.source import Source, sources_of

__all__ = [
    "Fault",
    "FaultCount",
    "ReadSource",
    "Reading",
    "Source",
    "read",
    "read_blocks",
    "sources_of",
    "with_refused",
    "write_rejects",
]
