"""`bakeoff explain RUN DATA`: what the network of a run can see, what it uses, and what it gets most wrong."""

from pathlib import Path
from typing import Annotated

import typer

from bakeoff.cli.options import NetworkOption, TrustOption


def explain(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run: its name under --runs, or its folder.")],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA", help="Data of the same form; those that the run was made with if not given."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the plots to this .html file; RUN/explain.html if not given."),
    ] = None,
    runs: Annotated[Path, typer.Option("--runs", help="Folder of runs.")] = Path("runs"),
    trust: TrustOption = False,
    model: NetworkOption = None,
) -> None:
    """Explain the network that a comparison handed over, with plots."""
    from rich.console import Console
    from rich.text import Text

    from bakeoff.cli.predict import _load
    from bakeoff.data.builtin import builtin_names
    from bakeoff.errors import OptionError, printable
    from bakeoff.explain.network.explain_network import explain_network
    from bakeoff.messages import say
    from bakeoff.report.html.evidence_page import write_explained

    folder, predictor = _load(run, runs, trust=trust, model=model)
    source = data or _source_of(folder, trust=trust) or _builtin_of(folder.name, builtin_names())
    if source is None:
        raise OptionError(
            f"The run '{printable(folder.name)}' does not tell which data its network is to be explained with, or they "
            f"are no longer there: name them after the run, as in `bakeoff explain {printable(folder.name)} DATA`."
        )
    new = predictor.read(source)
    found = explain_network(predictor, new, data=Path(source).name)
    console = Console()
    for sentence in found.sentences:
        console.print(Text(f"• {sentence}"))
    place = write_explained(found, new, out or folder / "explain.html")
    console.print(Text(say("why.explain.written", path=printable(str(place))), style="dim"))


def _source_of(folder: Path, *, trust: bool) -> str | None:
    """The data that the run was made with, if its folder knows them and they are still there.

    Raises:
        OptionError: they are a file or folder elsewhere on this disk, and nobody said that the run may choose what is
            opened.
    """
    from bakeoff.data.builtin import builtin_names
    from bakeoff.errors import OptionError, printable
    from bakeoff.study.comparison import SOURCE_FACT
    from bakeoff.study.results.store import Store

    if not (folder / "study.sqlite").exists():
        return None
    source = Store(folder).fact(SOURCE_FACT)
    if not isinstance(source, str):
        return None
    if source in builtin_names():
        return source
    if not Path(source).exists():
        return None
    if trust or Path(source).resolve().is_relative_to(folder.resolve()):
        return source
    run, shown = printable(folder.name), printable(source, most=200)
    raise OptionError(
        f"The run '{run}' says that it was made with '{shown}', and a run does not choose which of your files are "
        f"opened: name them, as in `bakeoff explain {run} {shown}`, or add --trust."
    )


def _builtin_of(name: str, known: object) -> str | None:
    """The built-in data that a run's folder is named after ("digits", "digits-2"), if any."""
    names = list(known)  # type: ignore[call-overload]
    stem = name.rstrip("0123456789").rstrip("-")
    return name if name in names else stem if stem in names else None
