"""`explain`: what the network of a run can see, what it uses, and what it gets most wrong."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bakeoff.api.arguments import refuses_unknown_arguments
from bakeoff.api.runs import NetworkListener, network_of
from bakeoff.data.builtin import builtin_names
from bakeoff.data.encoder import NewExamples
from bakeoff.errors import OptionError, printable
from bakeoff.explain.network.explain_network import Explained, explain_network
from bakeoff.models import ModelCard
from bakeoff.report.html.explain_page import write_explained
from bakeoff.study.results.facts import SOURCE
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.study.results.store import Store


@dataclass(frozen=True, kw_only=True, eq=False)
class RunExplanation:
    """What `explain` returns.

    Attributes:
        run: whose network it is.
        explained: what was found, with its `sentences`.
        examples: that it was found on.
    """

    run: RunFolder
    explained: Explained = field(repr=False)
    examples: NewExamples = field(repr=False)

    def write(self, path: str | Path | None = None) -> Path:
        """Write the plots into an HTML file, `explain.html` in the run's folder where None, and return its path.

        Raises:
            StoreError: it cannot be written.
        """
        return write_explained(self.explained, self.examples, Path(path or self.run.explained))


@refuses_unknown_arguments
def explain(
    run: str | Path,
    data: Any = None,
    *,
    runs: str | Path = "runs",
    trust: bool = False,
    model: str | ModelCard | None = None,
    on_network: NetworkListener | None = None,
) -> RunExplanation:
    """Explain the network that a comparison or a fit handed over.

    Args:
        run: its name under `runs`, or its folder.
        data: of the form that was trained on; those that the run was made with where None.
        runs: the folder of runs.
        trust: whether the run may choose a network to import that is not of the catalogue, and a file to open.
        model: the run's network, as a name or a card, in place of what the run names.
        on_network: called with the run and its network before the data are read.

    Raises:
        UnknownArgumentError: a keyword that is none of these.
        StoreError: there is no such run, or it has no network.
        ModelError: its network is not of the catalogue, and was neither trusted nor named here.
        OptionError: the run does not tell which data it was made with, or they may not be opened because it says so.
        DataError: the data cannot be read, or are not of the form that was trained on.
    """
    folder, predictor = network_of(run, runs, trust=trust, model=model, on_network=on_network)
    source = source_of(folder, trust=trust) if data is None else data
    new = predictor.read(source)
    name = Path(source).name if isinstance(source, str | Path) else "data"
    return RunExplanation(run=folder, explained=explain_network(predictor, new, data=name), examples=new)


def source_of(run: RunFolder, *, trust: bool = False) -> str:
    """The data that the run was made with.

    Args:
        run: the run.
        trust: whether it may name a file or folder elsewhere on this disk.

    Raises:
        OptionError: its folder does not know them, they are no longer there, or it may not name them.
    """
    found = _recorded_source(run, trust=trust) or _builtin_of(run)
    if found is None:
        name = printable(run.name)
        raise OptionError(
            f"The run '{name}' does not tell which data its network is to be explained with, or they are no longer "
            f"there: name them after the run, as in `bakeoff explain {name} DATA`."
        )
    return found


def _recorded_source(run: RunFolder, *, trust: bool) -> str | None:
    if not run.study.exists():
        return None
    source = SOURCE.read(Store(run.path))
    if source is None:
        return None
    if source in builtin_names():
        return source
    if not Path(source).exists():
        return None
    if trust or Path(source).resolve().is_relative_to(run.path.resolve()):
        return source
    name, shown = printable(run.name), printable(source, most=200)
    raise OptionError(
        f"The run '{name}' says that it was made with '{shown}', and a run does not choose which of your files are "
        f"opened: name them, as in `bakeoff explain {name} {shown}`, or add --trust."
    )


def _builtin_of(run: RunFolder) -> str | None:
    """The built-in data that a run's folder is named after ("digits", "digits-2"), if any."""
    return next((name for name in (run.name, run.stem) if name in builtin_names()), None)
