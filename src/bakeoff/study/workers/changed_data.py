"""Changed data in a worker: the dataset of an intervention, and trained networks tested on changed test data."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.folds import of_fold
from bakeoff.data.interventions.catalogue import Intervention, intervention
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.trial import SeededIntervention, Trial
from bakeoff.study.workers.executor import SharedDataset
from bakeoff.tasks.outputs import Outputs

if TYPE_CHECKING:
    from torch import Tensor, nn

#: Examples that go through a network at once when it is tested on changed data.
_ROWS = 250
#: Training examples that are changed with the test examples, since some changes learn statistics from them.
_TRAINING_ROWS = 2000

#: The weights of a trained network, by name.
Weights = Mapping[str, "Tensor"]


@lru_cache(maxsize=2)
def changed_dataset(
    shared: SharedDataset, change: SeededIntervention | None, fold: int | None = None
) -> Dataset:
    """The dataset that a trial with this intervention and this fold is trained on."""
    dataset = of_fold(shared.open(), fold)
    if change is None:
        return dataset
    return intervention(change.name, dataset.schema)(dataset, seed=change.seed)


@dataclass(frozen=True, kw_only=True)
class ChangedTests:
    """Outputs of trained networks on changed test data.

    Attributes:
        outputs: by the name of the intervention, one a network; interventions that the networks cannot take are left
            out.
        complete: whether there was time for all of them.
    """

    outputs: Mapping[str, tuple[Outputs, ...]]
    complete: bool = True

    def of_network(self, place: int) -> dict[str, Outputs]:
        """The outputs of the network at this place, by the name of the intervention."""
        return {name: runs[place] for name, runs in self.outputs.items()}


def test_networks(
    dataset: Dataset,
    entrant: Entrant,
    trained: Sequence[tuple[Trial, Weights]],
    test_on: Sequence[SeededIntervention],
    deadline: float | None,
) -> ChangedTests:
    """Test an entrant's trained networks on changed test data, until the deadline.

    Args:
        dataset: that they were trained on.
        trained: each network's trial and weights.
        test_on: as in `bakeoff.study.design.jobs.Job`.
        deadline: on the monotonic clock of this worker; None for none.
    """
    if not test_on:
        return ChangedTests(outputs={})
    small = _for_testing(dataset)
    found: dict[str, tuple[Outputs, ...]] = {}
    test = _Test(entrant=entrant, dataset=dataset, small=small, deadline=deadline)
    for asked in test_on:
        if test.is_over():
            return ChangedTests(outputs=found, complete=False)
        change = intervention(asked.name, dataset.schema)
        changed = change(small, seed=asked.seed)
        if change.changes_targets or changed.schema != dataset.schema:
            continue
        runs = [
            test.outputs(weights, _drawn_again(change, small, trial.seed) or changed)
            for trial, weights in trained
        ]
        finished = tuple(run for run in runs if run is not None)
        if len(finished) < len(runs):
            return ChangedTests(outputs=found, complete=False)
        found[asked.name] = finished
    return ChangedTests(outputs=found)


def _drawn_again(change: Intervention, dataset: Dataset, seed: int) -> Dataset | None:
    """The changed dataset of this seed where the change is drawn for each example, else None."""
    return change(dataset, seed=seed) if change.drawn else None


def _for_testing(dataset: Dataset) -> Dataset:
    """The full test split, and of the training split only the examples that the statistics of a change need."""
    splits = dataset.splits
    train = np.sort(splits.train)[:_TRAINING_ROWS]
    rows = np.concatenate([train, splits.test])
    places = np.arange(len(rows))
    chosen = replace(splits, train=places[: len(train)], validation=places[:0], test=places[len(train) :])
    return dataset.subset(rows, chosen)


class _Test:
    """Computes outputs of an entrant's network on changed test data, scaled as in its training.

    Args:
        entrant: whose network it is.
        dataset: that it was trained on.
        small: its part from which the changed data are made.
        deadline: on the monotonic clock; None for none.
    """

    def __init__(self, *, entrant: Entrant, dataset: Dataset, small: Dataset, deadline: float | None) -> None:
        import torch

        from bakeoff import models
        from bakeoff.tasks.registry import task_of
        from bakeoff.tasks.target_scaling import as_stored

        torch.set_num_threads(1)
        assert entrant.card is not None
        self._module: nn.Module = models.build(entrant.card, dataset.schema, width=entrant.width, seed=0)
        task = task_of(dataset.schema)
        scaling = task.target_scaling(dataset)
        self._in_unit_of_data: Callable[[Tensor], Tensor] = lambda raw: as_stored(
            task.in_unit_of_data(raw.double(), scaling), scaling
        )
        self._input_scaling, self._deadline = small.scaling, deadline

    def is_over(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def outputs(self, weights: Weights, changed: Dataset) -> Outputs | None:
        """Outputs on the changed test examples; None where the time is over before all of them are computed."""
        import torch

        from bakeoff.models.layers.graphs import network_inputs
        from bakeoff.models.layers.views import arguments

        self._module.load_state_dict(dict(weights))
        self._module.eval()
        seen = changed.changed(scaling=self._input_scaling)
        test = seen.splits.test
        parts: Sequence[NDArray[np.int64]] = np.array_split(test, max(1, -(-len(test) // _ROWS)))
        outputs = []
        with torch.no_grad():
            for part in parts:
                if self.is_over():
                    return None
                inputs, lengths = (
                    network_inputs(seen.inputs_at(part), seen.schema.input),
                    seen.lengths_at(part),
                )
                true_lengths = None if lengths is None else torch.from_numpy(np.asarray(lengths))
                raw = self._module(*arguments(self._module, inputs, true_lengths))
                outputs.append(self._in_unit_of_data(raw))
        return Outputs.of(torch.cat(outputs).numpy())
