"""The command line: `reunite serve`, `identify`, `import`, `verify` and so on.

main        the commands' names; an error becomes one line on stderr and an exit status
options     the options that commands share
opening     the store that they name
serve       the server's beginning: checks, the socket, the processes
store       `identify`, `migrate`, `workspace`
lookup, show, explain, graph  looking without writing
person      how a person is shown
page        the page that `graph` writes
deciding    `unlink`, `merge`, `undo`
constraint, block, held  what is kept apart, what links no one, which requests wait
decision    an operation by hand: done or only tried, and what came of it
refusal     a refusal that names two identifiers, with the evidence that joins them
importing, export, verify, stats  work on whole tables
report      what an import tells people
extra       what work on whole tables needs to be installed
printing    how text of a store, or of a file, is printed
"""

from reunite.cli.main import app, main

__all__ = ["app", "main"]
