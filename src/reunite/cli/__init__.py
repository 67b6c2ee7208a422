"""The command line: `reunite serve`, `identify`, `import`, `verify` and so on.

main      the commands' names; an error becomes one line on stderr and an exit status
block     `block list`
importing, export, verify, stats   commands for whole tables; report: what an import tells people
extra     what these need to be installed
options   the options that commands share: each is a setting
serve     the server's beginning: checks, the socket, the processes
store     commands that use the store directly
"""

from reunite.cli.main import app, main

__all__ = ["app", "main"]
