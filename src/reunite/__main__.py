"""`python -m reunite` is `reunite`."""

from reunite.cli import main

main()
