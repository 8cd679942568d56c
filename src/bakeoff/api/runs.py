"""`runs`: the runs in a folder, and the network that a run handed over."""

from collections.abc import Callable
from pathlib import Path

from bakeoff.api.arguments import refuses_unknown_arguments
from bakeoff.errors import StoreError, printable
from bakeoff.inference.predictor import Predictor
from bakeoff.models import ModelCard
from bakeoff.study.results.run_folder import RunFolder

#: Called with a run's folder and its network as soon as that is read.
NetworkListener = Callable[[RunFolder, Predictor], None]


@refuses_unknown_arguments
def runs(folder: str | Path = "runs") -> tuple[RunFolder, ...]:
    """The runs that lie in a folder, by name; `kind` of each says what made it.

    Args:
        folder: of runs; where there is none, there are no runs.
    """
    return tuple(RunFolder.inside(folder))


def network_of(
    run: str | Path,
    runs: str | Path = "runs",
    *,
    trust: bool = False,
    model: str | ModelCard | None = None,
    on_network: NetworkListener | None = None,
) -> tuple[RunFolder, Predictor]:
    """The run and the network in it.

    Args:
        run: its name under `runs`, or its folder.
        runs: the folder of runs.
        trust: whether a network that is not of the catalogue may be imported because the run names it.
        model: the run's network, as a name or a card, in place of what the run names.
        on_network: called as soon as it is read, before anything is computed with it.

    Raises:
        StoreError: there is no such run, or it has no network.
        ModelError: its network is not of the catalogue, and was neither trusted nor named here.
    """
    folder = RunFolder.find(run, runs)
    if not folder.has_network:
        raise StoreError(
            f"The run '{printable(folder.name)}' has no champion, since no network was judged in it: compare again "
            "with a larger --budget."
        )
    predictor = Predictor.load(folder.network, trust=trust, model=model)
    if on_network is not None:
        on_network(folder, predictor)
    return folder, predictor
