"""Trainings to the last step, with all that was known of them at every evaluation: what `speed_stops.py` replays.

Every learning rate at full size from six starts, of which three are a comparison's seeds and three those of the same
comparison started again: nobody stops, so that each saving can be tried on the very same trainings afterwards.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from bakeoff import models
from bakeoff.data.load import load
from bakeoff.study.design.jobs import training_sizes
from bakeoff.study.protocol import (
    BATCH_EXAMPLES,
    EVALUATIONS,
    FEWEST_USUAL_STEPS,
    LEARNING_RATES,
    SEEDS,
)
from bakeoff.study.workers.local import available_cores
from bakeoff.study.workers.training import set_up_torch
from bakeoff.system.files import atomic_write
from bakeoff.tasks.metrics.registry import MetricContext
from bakeoff.tasks.registry import task_of

NETWORKS = ("linear", "mlp", "cnn", "gru", "transformer")
STEPS = FEWEST_USUAL_STEPS
#: How far the starts of the comparison that is started again are from those of the first.
OTHER_STARTS = 100


@dataclass(frozen=True, kw_only=True)
class Course:
    """One training: what was known at each of its E evaluations.

    Attributes:
        steps, measures, losses: [E]; the measure is what evaluations are judged by, see `Recipe.judge`.
        validation, test: answers: classes [E, N], or values [E, N, size] in the unit of the data.
    """

    steps: np.ndarray
    measures: np.ndarray
    losses: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Recording:
    """All trainings of the comparisons on one dataset; from a file of plain arrays.

    Attributes:
        data, seed: the dataset and the seed of its splits.
        arrays: by network, and what is said of it; see `record`.
    """

    data: str
    seed: int
    arrays: dict[str, np.ndarray]

    @cached_property
    def dataset(self) -> Any:
        return load(self.data, seed=self.seed)

    @property
    def metric(self) -> Any:
        context = MetricContext(seasonal_scale=self.dataset.seasonal_scale)
        return task_of(self.dataset.schema).default_metric(context)

    @property
    def networks(self) -> list[str]:
        return [name for name in NETWORKS if f"{name}/steps" in self.arrays]

    def course(self, network: str, rate: int, start: int) -> Course:
        """Of the training with the rate and the start at these places."""
        parts = {}
        for part in ("measures", "losses", "validation", "test"):
            parts[part] = self.arrays[f"{network}/{part}"][rate, start]
        return Course(steps=self.arrays[f"{network}/steps"], **parts)


def starts_of(seed: int) -> list[int]:
    """The seeds of a comparison, and of the one that is started again."""
    return [seed + far + number for far in (0, OTHER_STARTS) for number in range(SEEDS)]


def recorded(data: str, seed: int, folder: Path) -> Recording:
    """From its file in this folder, or made now (minutes) and written there."""
    path = folder / f"{data.replace(':', '-')}-{seed}-{STEPS}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        arrays = record(data, seed)
        with atomic_write(path) as unfinished, unfinished.open("wb") as file:
            np.savez_compressed(file, **arrays)
    with np.load(path, allow_pickle=False) as file:
        return Recording(data=data, seed=seed, arrays=dict(file))


def record(data: str, seed: int) -> dict[str, np.ndarray]:
    """Train everything; arrays by "network/part", with the rates and starts on the first two axes."""
    schema = load(data, seed=seed).schema
    names = [name for name in NETWORKS if models.card(name).takes(schema)]
    places = [
        (name, start) for name in reversed(names) for start in starts_of(seed)
    ]  # the expensive ones first
    with ProcessPoolExecutor(available_cores(), mp_context=get_context("spawn")) as pool:
        found = list(pool.map(_one_start, *zip(*[(data, seed, *place) for place in places], strict=True)))
    arrays = {}
    for name in names:
        parts = [part for place, part in zip(places, found, strict=True) if place[0] == name]
        arrays[f"{name}/steps"] = parts[0]["steps"]
        for key in ("measures", "losses", "validation", "test"):
            arrays[f"{name}/{key}"] = np.stack([part[key] for part in parts], axis=1)
    return arrays


def _one_start(data: str, seed: int, name: str, start: int) -> dict[str, np.ndarray]:
    """In a process: a network at every rate from one start; measures [rates, E] and so on."""
    from bakeoff.train.recipe import Recipe, Replica
    from bakeoff.train.stacked import fit_stack, run
    from bakeoff.train.tensors import TrainingData

    set_up_torch()
    dataset = load(data, seed=seed)
    training, is_classes = TrainingData(dataset), dataset.schema.is_classification
    seen: dict[float, list[tuple[Any, ...]]] = {rate: [] for rate in LEARNING_RATES}

    class Remembering(run.StackedTraining):
        def evaluate(self) -> None:
            losses, validation = run.evaluate(self.network, self.data, self.data.validation)
            test = run.evaluate(self.network, self.data, self.data.test)[1]
            measures = self._measures(losses, validation)
            for place, row in enumerate(self.rows):
                answers = [self._in_unit(outputs[place]) for outputs in (validation, test)]
                if is_classes:
                    answers = [one.argmax(axis=1).astype(np.int16) for one in answers]
                seen[row.replica.learning_rate].append(
                    (self.steps_done, measures[place], losses[place], *answers)
                )
            super().evaluate()

    full = training_sizes(dataset)[-1]
    card = models.card(name)
    with patch.object(fit_stack, "StackedTraining", Remembering):
        fit_stack.fit_stack(
            lambda seed: models.build(card, dataset.schema, seed=seed),
            training,
            [Replica(learning_rate=rate, seed=start, examples=full) for rate in LEARNING_RATES],
            Recipe(
                steps=STEPS,
                batch_size=BATCH_EXAMPLES,
                schedule="cosine",
                evaluations=EVALUATIONS,
                judge="errors" if is_classes else "loss",
            ),
            reproducible=True,
        )
    whole = max(seen.values(), key=len)
    for course in seen.values():  # of one that diverged the rest counts for nothing
        course += [(step, np.inf, np.inf, *rest) for step, _, _, *rest in whole[len(course) :]]
    keys = ("steps", "measures", "losses", "validation", "test")
    columns = {
        key: np.stack([np.array([one[place] for one in seen[rate]]) for rate in LEARNING_RATES])
        for place, key in enumerate(keys)
    }
    return columns | {"steps": columns["steps"][0]}
