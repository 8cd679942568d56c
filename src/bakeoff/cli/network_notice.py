"""What `predict` and `explain` say of a run's network before it answers."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bakeoff.inference.predictor import Predictor
    from bakeoff.study.results.run_folder import RunFolder


def network_notice(*, is_typed: bool) -> "Callable[[RunFolder, Predictor], None]":
    """A listener that says on standard error what was imported besides bakeoff's own code.

    Args:
        is_typed: whether the network was typed here, and is not the one that the run names.
    """
    from bakeoff.errors import printable
    from bakeoff.messages import say
    from bakeoff.models import catalogue

    def notice(run: "RunFolder", predictor: "Predictor") -> None:
        if not is_typed and predictor.model in catalogue():
            return
        key = "models.own.typed" if is_typed else "models.own.trusted"
        file = None if predictor.card is None else predictor.card.file
        network = predictor.model if file is None else f"{predictor.model} ({file})"
        shown = printable(network, most=300), printable(str(run.network), most=200)
        typer.echo(say(key, network=shown[0], folder=shown[1]), err=True)

    return notice
