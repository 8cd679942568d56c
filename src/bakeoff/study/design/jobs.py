"""What is to be trained: the definition of a study, and its jobs.

A *job* is a group of trials of one entrant that runs as one task of a worker: a stack of replicas, or classical fits.
entrant has first a tuning job (every setting, at full size, with the first seed) and then curve jobs (more sizes and
seeds, at the setting that did best on validation).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.folds import fold_training_size
from bakeoff.data.interventions.catalogue import Intervention
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.states import Omission
from bakeoff.study.design.trial import SeededIntervention, Trial
from bakeoff.study.protocol import (
    BATCH_EXAMPLES,
    CURVE_SIZES,
    FEWEST_USUAL_STEPS,
    LEARNING_RATES,
    MOST_USUAL_STEPS,
    REJECTION_PARTS,
    SEEDS,
    USUAL_EPOCHS,
)
from bakeoff.system.json_records import record_of
from bakeoff.tasks.registry import task_of

#: Part of a trial's key: raised when the same trial would give other figures.
PROTOCOL = 2


@dataclass(frozen=True, kw_only=True)
class Definition:
    """Everything that a study's figures depend on, save the speed of the machine where there is a clock.

    Attributes:
        dataset: fingerprint of the data.
        entrants: names (with widths), in order.
        metric: the deciding one.
        seed: trials use seed, seed + 1, ...
        budget_seconds: of the whole run; None for no clock.
        sizes: training sizes, ascending; the last is all there is.
        seeds: how many.
        steps: of every training; None lets budget and data decide.
        equal: what the networks have equally much of (see `bakeoff.study.design.matched_budgets`).
        device: where networks are trained, as the user gave it.
        cv: the numbers of folds that may be chosen from, the best first; () for a single split.
        folds: how many there are; 0 for a single split. What `cv` leads to is decided in the run, see `with_folds`.
    """

    dataset: str
    entrants: tuple[str, ...]
    metric: str
    seed: int
    budget_seconds: float | None
    sizes: tuple[int, ...]
    seeds: int = SEEDS
    steps: int | None = None
    protocol: int = PROTOCOL
    equal: str = "steps"
    device: str = "auto"
    cv: tuple[int, ...] = ()
    folds: int = 0

    @property
    def fold_numbers(self) -> tuple[int | None, ...]:
        """The folds of every trial; (None,) where there are none."""
        return tuple(range(self.folds)) if self.folds else (None,)

    def with_folds(self, dataset: Dataset) -> "Definition":
        """The same on a dataset with folds: sizes are those of their training parts."""
        return replace(
            self,
            dataset=dataset.fingerprint,
            folds=len(dataset.folds),
            sizes=training_sizes(dataset, full=fold_training_size(dataset)),
        )

    @property
    def context(self) -> str:
        """What a trial's key depends on beyond the trial itself."""
        return f"{self.protocol}/{self.dataset}"

    def to_json(self) -> dict[str, Any]:
        """The record in the store; an unfinished run with an equal record is continued."""
        later = () if self.cv else ("cv", "folds")  # came after the first runs were stored
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
            if name not in later
        }

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> "Definition":
        """Raises `ValueError` where it is none."""
        return record_of(Definition, record)


class JobKind(StrEnum):
    """What a job is for.

    TUNING: every setting on all examples; the learning rates of a network compete in successive rejects. RUNG: every
    setting on fewer examples, in progressive sampling. CURVE: points of the learning curve, at the best setting.
    PAIRED: all seeds at full size on one form of the data, changed or not, so that scores before and after a change are
    paired. TEST: trained networks are tested on changed data, and nothing is trained. FINAL: after folds, the network
    that is handed over, on all examples.
    """

    TUNING = "tuning"
    RUNG = "rung"
    CURVE = "curve"
    PAIRED = "paired"
    TEST = "test"
    FINAL = "final"


def job_name(
    entrant: str,
    kind: JobKind,
    *,
    examples: int | None = None,
    seed: int | None = None,
    intervention: str | None = None,
) -> str:
    """The name under which a job is stored. All names are made here, and none is taken apart.

    Args:
        examples: of the trials of a rung; of the first trial of one of several curve jobs.
        seed: of the first trial of one of several curve jobs.
        intervention: on whose data a paired job trains; None for the data as they are.

    >>> job_name("mlp", JobKind.TUNING), job_name("knn", JobKind.RUNG, examples=90)
    ('mlp/tuning', 'knn/rung-90')
    >>> job_name("mlp", JobKind.CURVE), job_name("mlp", JobKind.CURVE, examples=90, seed=1)
    ('mlp/curve', 'mlp/curve-90-1')
    >>> job_name("mlp", JobKind.PAIRED), job_name("mlp", JobKind.PAIRED, intervention="mirror")
    ('mlp/paired', 'mlp/paired-mirror')
    """
    parts = (kind, examples, seed, intervention)
    return f"{entrant}/" + "-".join(str(part) for part in parts if part is not None)


def job_names(first: Trial) -> tuple[str, ...]:
    """All names that a job of tuning or of the learning curves with this first trial may have."""
    entrant, examples = first.entrant, first.examples
    return (
        job_name(entrant, JobKind.TUNING),
        job_name(entrant, JobKind.RUNG, examples=examples),
        job_name(entrant, JobKind.CURVE),
        job_name(entrant, JobKind.CURVE, examples=examples, seed=first.seed),
    )


@dataclass(frozen=True, kw_only=True)
class Job:
    """Trials of one entrant that run as one task of a worker.

    Attributes:
        name: under which it is stored (`job_name`).
        kind: what it is for.
        entrant: whose trials they are.
        trials: in order.
        test_on: changes of the data on whose test split the trained networks are tested as well. One that is drawn for
            each example is drawn with the seed of the trial, any other with its own.
    """

    name: str
    kind: JobKind
    entrant: str
    trials: tuple[Trial, ...]
    test_on: tuple[SeededIntervention, ...] = ()


def training_sizes(dataset: Dataset, sizes: int = CURVE_SIZES, *, full: int | None = None) -> tuple[int, ...]:
    """The sizes of the learning curve, n/16, n/8, n/4, n/2, n, without those under ten examples or two a class.

    Args:
        full: n; the training split where None.
    """
    full = len(dataset.splits.train) if full is None else full
    least = max(10, 2 * len(task_of(dataset.schema).class_names))
    return tuple(n for k in reversed(range(sizes)) if (n := full // 2**k) >= least or k == 0)


def full_steps(examples: int) -> int:
    """Steps of the whole protocol: `USUAL_EPOCHS` passes over all examples, within bounds."""
    return min(max(USUAL_EPOCHS * math.ceil(examples / BATCH_EXAMPLES), FEWEST_USUAL_STEPS), MOST_USUAL_STEPS)


def tuning_job(entrant: Entrant, definition: Definition, steps: int) -> Job:
    """Every setting at full size with the first seed; in each fold the learning rates compete in rejects."""
    return Job(
        name=job_name(entrant.name, JobKind.TUNING),
        kind=JobKind.TUNING,
        entrant=entrant.name,
        trials=tuple(
            _trial(entrant, setting, definition.sizes[-1], definition.seed, steps, fold)
            for fold in definition.fold_numbers
            for setting in entrant.settings
        ),
    )


def rung_job(entrant: Entrant, definition: Definition, examples: int) -> Job:
    """Every setting of a classical entrant at a smaller size with the first seed: see `progressive_sampling`."""
    return Job(
        name=job_name(entrant.name, JobKind.RUNG, examples=examples),
        kind=JobKind.RUNG,
        entrant=entrant.name,
        trials=tuple(
            _trial(entrant, setting, examples, definition.seed, 0, fold)
            for fold in definition.fold_numbers
            for setting in entrant.settings
        ),
    )


def paired_job(
    entrant: Entrant,
    change: Intervention | None,
    *,
    definition: Definition,
    setting: float | None,
    seeds: Sequence[int],
    steps: int,
    test_on: Sequence[Intervention] = (),
    fold: int | None = None,
) -> Job:
    """All seeds of an entrant on one form of the data, at full size.

    A change that is drawn for each example is drawn again for every seed, so that the variance over seeds includes that
    of the draw. Any other change is the same for all seeds.

    Args:
        change: of the data; None for the data as they are.
        definition: of the study.
        setting, seeds, steps: of the trainings.
        test_on: changes on whose test data a network is tested after its training.
        fold: whose splits they have.
    """
    made = (_trial(entrant, setting, definition.sizes[-1], seed, steps, fold) for seed in seeds)
    return Job(
        name=job_name(entrant.name, JobKind.PAIRED, intervention=None if change is None else change.name),
        kind=JobKind.PAIRED,
        entrant=entrant.name,
        trials=tuple(
            trial
            if change is None
            else replace(trial, intervention=seeded(change, trial.seed if change.drawn else definition.seed))
            for trial in made
        ),
        test_on=tuple(seeded(other, definition.seed) for other in test_on),
    )


def changed_test_job(
    entrant: str, trials: Sequence[Trial], test_on: Sequence[Intervention], *, seed: int
) -> Job:
    """The networks that these trials have trained, tested on changed data.

    Args:
        seed: of the changes that are the same for all trials.
    """
    return Job(
        name=job_name(entrant, JobKind.TEST),
        kind=JobKind.TEST,
        entrant=entrant,
        trials=tuple(trials),
        test_on=tuple(seeded(change, seed) for change in test_on),
    )


def final_job(trial: Trial) -> Job:
    """The training of the network that is handed over, after folds."""
    return Job(
        name=job_name(trial.entrant, JobKind.FINAL),
        kind=JobKind.FINAL,
        entrant=trial.entrant,
        trials=(trial,),
    )


def seeded(change: Intervention, seed: int) -> SeededIntervention:
    """The intervention as a trial records it."""
    return SeededIntervention(name=change.name, seed=seed)


def _trial(
    entrant: Entrant, setting: float | None, examples: int, seed: int, steps: int, fold: int | None
) -> Trial:
    return Trial(
        entrant=entrant.name,
        setting=setting,
        examples=examples,
        seed=seed,
        steps=steps if entrant.kind == "network" else 0,
        width=entrant.width,
        fold=fold,
    )


@dataclass(frozen=True, kw_only=True)
class TrialRequest:
    """One point of an entrant's learning curve that should be trained, if there is time.

    Attributes:
        entrant: whose curve it is.
        what: part of the learning curve it belongs to, and what is left out where it is not trained.
        rank: lower is trained first.
        examples, seed: of the training.
    """

    entrant: str
    what: Omission
    rank: int
    examples: int
    seed: int

    @property
    def point(self) -> tuple[int, int]:
        """(examples, seed)."""
        return self.examples, self.seed


def curve_jobs(
    affordable: Sequence[TrialRequest],
    entrants: Mapping[str, Entrant],
    best: Mapping[str, Mapping[int | None, float | None]],
    steps: Mapping[str, int],
    parts: Mapping[str, int] | None,
) -> list[Job]:
    """The jobs that train each entrant's affordable points at its best setting, in every fold.

    Args:
        best: setting of each entrant by fold.
        steps: of every training, by network.
        parts: number of jobs that an entrant's points are split into, since a single job would occupy one worker for
            too long; None makes one job each, without a clock, where nothing may depend on a timing.
    """
    points: dict[str, list[tuple[int, int]]] = {}
    for request in affordable:
        points.setdefault(request.entrant, []).append(request.point)
    jobs = []
    for name, places in points.items():
        places.sort(key=lambda place: (-place[0], place[1]))
        count = 1 if parts is None else min(parts.get(name, 1), len(places))
        for chunk in (places[first::count] for first in range(count)):
            trials = (
                _trial(entrants[name], setting, *place, steps.get(name, 0), fold)
                for place in chunk
                for fold, setting in best[name].items()
            )
            examples, seed = (None, None) if parts is None else chunk[0]
            label = job_name(name, JobKind.CURVE, examples=examples, seed=seed)
            jobs.append(Job(name=label, kind=JobKind.CURVE, entrant=name, trials=tuple(trials)))
    return jobs


def tuning_work(steps: float) -> float:
    """Steps of all learning rates of a tuning job together, where a full training has `steps`.

    Fewer than one full training for each rate, since the worst ones are eliminated on the way.

    >>> tuning_work(100)  # 4 rates for a quarter, 3 for the next, 2 for the rest
    275.0
    """
    work, alive, before = 0.0, float(len(LEARNING_RATES)), 0.0
    for part in (*REJECTION_PARTS, 1.0):
        work += alive * (part - before)
        alive, before = alive - 1, part
    return work * steps
