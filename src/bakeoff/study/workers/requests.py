"""What the tasks of a comparison are asked for: one frozen record a task, sent to a worker by pickling."""

from dataclasses import dataclass
from pathlib import Path

from bakeoff.data.schema import Schema
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import Job
from bakeoff.study.workers.executor import SharedDataset


@dataclass(frozen=True, kw_only=True)
class WarmUpRequest:
    """For `startup.warm_up`.

    Attributes:
        is_first, is_last: of the workers. A worker may be both, and is then the first.
        loaded: the file by which the first one tells the last that it is ready.
    """

    is_first: bool
    is_last: bool
    loaded: Path


@dataclass(frozen=True, kw_only=True)
class WidthsRequest:
    """For `tasks.match_widths`: networks that shall have about equally many parameters on this kind of data."""

    schema: Schema
    entrants: tuple[Entrant, ...]


@dataclass(frozen=True, kw_only=True)
class ProfileRequest:
    """For `tasks.profile`.

    Attributes:
        dataset, entrant: what is measured.
        reproducible: where there are several devices, choose by a rule and not by a timing.
    """

    dataset: SharedDataset
    entrant: Entrant
    reproducible: bool


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """For `tasks.train`: a network's trials; those on the same data are trained as one stack.

    Attributes:
        dataset, entrant, job: what is trained; the dataset is the unchanged one.
        profile: of the network, copied into the results; None where it was not made.
        weights: for each trial the file that its weights go to, or None.
        reproducible: choose the stack's width by a rule and not by a timing.
        judge: of the evaluations, see `bakeoff.train.recipe.Recipe`.
        metric: the deciding one, in which networks are scored on their own training examples; None scores none.
    """

    dataset: SharedDataset
    entrant: Entrant
    job: Job
    profile: Profile | None
    weights: tuple[str | None, ...]
    reproducible: bool
    judge: str
    metric: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClassicalRequest:
    """For `tasks.fit_classical`: trials of a classical or baseline entrant; the dataset is the unchanged one."""

    dataset: SharedDataset
    entrant: Entrant
    job: Job


@dataclass(frozen=True, kw_only=True)
class ChangedTestRequest:
    """For `tasks.test_trained`: a network's trials, the file with the weights of each, and what to test them on."""

    dataset: SharedDataset
    entrant: Entrant
    job: Job
    weights: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ChampionRequest:
    """For `tasks.write_champion`: a network, the file of its trained weights, and the folder that it is written to."""

    dataset: SharedDataset
    entrant: Entrant
    weights: str
    folder: str
