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

    from bakeoff.api.explain import explain as explain_run
    from bakeoff.cli.network_notice import network_notice
    from bakeoff.errors import printable
    from bakeoff.messages import say

    notice = network_notice(is_typed=model is not None)
    found = explain_run(run, data or None, runs=runs, trust=trust, model=model, on_network=notice)
    console = Console()
    for sentence in found.explained.sentences:
        console.print(Text(f"• {sentence}"))
    place = found.write(out)
    console.print(Text(say("why.explain.written", path=printable(str(place))), style="dim"))
