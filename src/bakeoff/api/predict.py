"""`predict`: the network that a comparison or a fit handed over, on new data of the same form."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.api.arguments import refuses_unknown_arguments
from bakeoff.api.runs import NetworkListener, network_of
from bakeoff.data.dataset import Finding
from bakeoff.inference.predictor import Predictor
from bakeoff.inference.training_hashes import is_training_example
from bakeoff.models import ModelCard
from bakeoff.report.content.predictions import Predictions, write_predictions
from bakeoff.study.results.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True, eq=False)
class NewPredictions:
    """What `predict` returns.

    Attributes:
        run: whose network answers.
        predictor: the network.
        predictions: for all new examples, with the true answers where the new data hold them.
        is_training_example: [N], whether the network was trained on or chosen by this example; None where that is not
            known.
        findings: what reading the new data found.
    """

    run: RunFolder
    predictor: Predictor = field(repr=False)
    predictions: Predictions = field(repr=False)
    is_training_example: NDArray[np.bool_] | None = field(repr=False)
    findings: Sequence[Finding] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.predictions)

    @cached_property
    def metric(self) -> str | None:
        """The deciding one of the run; None where the run does not tell."""
        metric = (self.run.verdict_record() or self.run.fit_record()).get("metric")
        return metric if isinstance(metric, str) else None

    @property
    def score(self) -> tuple[str, float] | None:
        """(metric, score) on all new examples; None where their answers are not known."""
        return self.predictions.score(self.metric)

    @property
    def unseen_score(self) -> tuple[str, float] | None:
        """The score on the examples that the network has not seen; None where there are none, or no answers."""
        if self.is_training_example is None or self.score is None:
            return self.score
        return self.predictions.at(~self.is_training_example).score(self.score[0])

    def write(self, path: str | Path) -> None:
        """Write one row an example into a .csv, .tsv, .jsonl or .parquet file.

        Raises:
            OptionError: the file has another ending.
            StoreError: it cannot be written.
        """
        write_predictions(self.predictions, Path(path))


@refuses_unknown_arguments
def predict(
    run: str | Path,
    newdata: Any,
    *,
    runs: str | Path = "runs",
    trust: bool = False,
    model: str | ModelCard | None = None,
    on_network: NetworkListener | None = None,
) -> NewPredictions:
    """Predict with the network of a run; the answer is scored where the new data hold the true answers.

    Args:
        run: its name under `runs`, or its folder.
        newdata: of the form that was trained on: a file, a folder, a built-in name, arrays or a frame.
        runs: the folder of runs.
        trust: whether a network that is not of the catalogue may be imported because the run names it.
        model: the run's network, as a name or a card, in place of what the run names.
        on_network: called with the run and its network before the new data are read.

    Raises:
        UnknownArgumentError: a keyword that is none of these.
        StoreError: there is no such run, or it has no network.
        ModelError: its network is not of the catalogue, and was neither trusted nor named here.
        DataError: the new data cannot be read, or are not of the form that was trained on.
    """
    folder, predictor = network_of(run, runs, trust=trust, model=model, on_network=on_network)
    new = predictor.read(newdata)
    return NewPredictions(
        run=folder,
        predictor=predictor,
        predictions=Predictions.of(predictor.schema, new, predictor.outputs(new.inputs, new.lengths)),
        is_training_example=is_training_example(folder.network, new.inputs),
        findings=new.findings,
    )
