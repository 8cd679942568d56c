"""The command line. Each command is one file beside this one, and imports what is heavy only when it runs."""

import os
import sys

import typer

from bakeoff.cli import models
from bakeoff.errors import BakeoffError

app = typer.Typer(
    name="bakeoff",
    help="Which neural network fits your data, what does it cost, and would more data change the answer?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(name="models")(models.models)


def main() -> None:
    """Run the command line: a `BakeoffError` becomes one sentence and status 1, never a traceback."""
    try:
        app()
    except BakeoffError as error:
        print(f"bakeoff: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
