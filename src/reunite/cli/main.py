"""The commands, and what becomes of their errors."""

from __future__ import annotations

import io
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from reunite import errors
from reunite.cli.block import block
from reunite.cli.constraint import constraint
from reunite.cli.deciding import merge, undo, unlink
from reunite.cli.explain import explain
from reunite.cli.export import export
from reunite.cli.graph import graph
from reunite.cli.held import held
from reunite.cli.importing import import_
from reunite.cli.lookup import lookup
from reunite.cli.printing import note, printable
from reunite.cli.serve import serve
from reunite.cli.show import show
from reunite.cli.stats import stats
from reunite.cli.store import identify, migrate, workspace
from reunite.cli.verify import verify

EXIT_STATUSES: dict[type[errors.ReuniteError], int] = {
    errors.CannotListen: 1,
    errors.InvalidSetting: 2,
    errors.StoreRefused: 3,
    errors.StoreError: 4,
    errors.InvalidIdentifier: 5,
    errors.IdentityTooLarge: 5,
    errors.BlockedIdentifier: 5,
    errors.ConstraintViolation: 5,
    errors.Unknown: 5,
    errors.InvalidOperation: 5,
    errors.OperationRefused: 5,
    errors.KeyReused: 5,
    errors.ImportStopped: 6,
    errors.ExportStopped: 6,
}
"""What a shell sees of an error; 2 is what wrong options give, too."""

app = typer.Typer(
    help="Decides, at the moment of asking, who a customer is.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would show customers.
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(migrate)
app.command()(identify)
app.command()(workspace)
app.command()(lookup)
app.command()(show)
app.command()(explain)
app.command()(graph)
app.command()(unlink)
app.command()(merge)
app.command()(undo)
app.command()(verify)
app.command()(export)
app.command()(stats)
app.command("import")(import_)
app.add_typer(constraint, name="constraint")
app.add_typer(block, name="block")
app.add_typer(held, name="held")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"reunite {version('reunite')}")
        raise typer.Exit


@app.callback()
def _common(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command of this process."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the terminal's encoding lacks is no reason to stop in the middle of an answer.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except errors.ReuniteError as error:
        # A database driver's message may have several lines.
        note("reunite: " + printable(" ".join(str(error).split())))
        sys.exit(_exit_status(error))


def _exit_status(error: errors.ReuniteError) -> int:
    return next((EXIT_STATUSES[kind] for kind in type(error).__mro__ if kind in EXIT_STATUSES), 1)
