"""The command line. Each command is one file beside this one, and imports what is heavy only when it runs."""

import os
import re
import sys
import warnings
from typing import Any

import typer

from bakeoff.cli import compare, cost, data, explain, fit, models, predict, streams, unexpected, why
from bakeoff.errors import BakeoffError, BakeoffWarning, printable
from bakeoff.system import processes

#: A network of the user's own, and not one of another package's catalogue.
_OWN_NETWORK = re.compile(r"(?!timm:|hf:)[A-Za-z_][\w.]*:[A-Za-z_]\w*(@\d+)?")

app = typer.Typer(
    name="bakeoff",
    help="Which neural network fits your data, what does it cost, and would more data change the answer?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(name="models")(models.models)
app.add_typer(cost.app, name="cost")
app.command(name="data")(data.data)
app.command(name="compare")(compare.compare)
app.command(name="fit")(fit.fit)
app.command(name="predict")(predict.predict)
app.command(name="why")(why.why)
app.command(name="explain")(explain.explain)


def main() -> None:
    """Run the command line: an error becomes one sentence and a status, never a traceback."""
    streams.prepare_streams()
    warnings.showwarning = _show_warning
    processes.leave_out_current_folder()
    _find_own_networks()
    status = _status_of_app()
    sys.exit(streams.STATUS_NO_READER if streams.reader_has_gone() else status)


def _status_of_app() -> int:
    try:
        app()
    except SystemExit as ended:  # how Typer ends, with 0, 1 (stopped) or 2 (a faulty option)
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BakeoffError as error:
        print(f"bakeoff: {printable(str(error), most=2000)}", file=sys.stderr)
        return 1
    except (Exception, KeyboardInterrupt) as error:
        return unexpected.answer(error)
    return 0


def _find_own_networks() -> None:
    """For `module:factory` among the arguments, or in a run that is trusted, the current folder is searched last."""
    words = [word for argument in sys.argv[1:] for word in argument.split(",")]
    if "--trust" in words or any(_OWN_NETWORK.fullmatch(word) for word in words):
        sys.path.append(os.getcwd())


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    """Our own warnings as one sentence; other packages' as they are."""
    if issubclass(category, BakeoffWarning):
        print(f"bakeoff: {printable(str(message), most=2000)}", file=sys.stderr)
    else:
        print(
            warnings.formatwarning(message, category, filename, lineno, line), end="", file=file or sys.stderr
        )
