"""Progressive sampling: on large data, entrants whose cost grows with the data are tried on few examples first.

A network takes the same number of steps at every size of its learning curve, so that nothing is saved by training it
on less. The cost of neighbours and of gradient boosting is about proportional to the examples. Under a clock they are
therefore tuned on the smallest size of the learning curve first, then on the next (each size is a rung), as long as
the next size is predicted to fit their share of the time. An entrant whose learning curve cannot reach the leader's
score is pruned: it is not trained on all examples. (Early termination by learning curves: Domhan, Springenberg &
Hutter 2015; Mohr & van Rijn 2021, arXiv:2111.13914.)
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bakeoff.data.dataset import Dataset
from bakeoff.study.analysis.learning_curves import fit_rungs
from bakeoff.study.design.classical import row_size
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Definition, JobKind, job_name
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.protocol import DOUBT_ERRORS, LARGE_DATA_VALUES, POSSIBLE_SHARE
from bakeoff.study.results.records import CurvePoint
from bakeoff.tasks.metrics.metric import Metric

#: Results of the finished jobs, by the job's name.
Results = Mapping[str, Sequence[TrialResult]]
#: A result's score on validation, with the sign under which greater is better.
Score = Callable[[TrialResult], float]
#: What settings are chosen by; greater is better (see `metrics.preference`).
Preference = Callable[[TrialResult], tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One training size on which an entrant was tried, with all its settings.

    Attributes:
        examples: the training size.
        score: validation score of the best setting, with the sign under which greater is better.
        seconds: of all settings together.
    """

    examples: int
    score: float
    seconds: float

    def seconds_at(self, examples: int) -> float:
        """Predicted seconds for another training size: proportional to the examples."""
        return self.seconds * examples / self.examples


@dataclass(frozen=True, kw_only=True)
class NextSize:
    """The training size to try next, or why progressive sampling ends.

    Attributes:
        examples: the next training size; None where no further size is tried.
        seconds: predicted for that size, or for all sizes that would have followed.
        pruned: whether it ends because the leader's score is out of reach, and not because time is short.
    """

    examples: int | None
    seconds: float
    pruned: bool = False


def samples_progressively(entrant: Entrant, dataset: Dataset, definition: Definition) -> bool:
    """Whether this entrant is tried on few examples first: a classical one, on large data, under a clock."""
    if entrant.kind != "classical" or definition.budget_seconds is None or definition.folds:
        return False
    return len(definition.sizes) > 1 and definition.sizes[-1] * row_size(dataset.schema) >= LARGE_DATA_VALUES


def sizes_tried(entrant: str, results: Results, score: Score) -> list[Rung] | None:
    """The training sizes that an entrant was tried on, smallest first; None where all trials of one size failed."""
    rungs = []
    for job in _jobs(entrant, results):
        counted = _counted(job)
        if not counted:
            return None
        rungs.append(
            Rung(
                examples=counted[0].trial.examples,
                score=max(map(score, counted)),
                seconds=sum(result.seconds for result in job),
            )
        )
    return rungs


def settings(
    entrants: Iterable[Entrant], results: Results, preference: Preference
) -> dict[str, float | None]:
    """Each progressively sampled entrant's best setting at the largest size that it was tried on."""
    best = {}
    for entrant in entrants:
        for job in _jobs(entrant.name, results):
            if counted := _counted(job):
                best[entrant.name] = max(counted, key=preference).trial.setting
    return best


def _jobs(entrant: str, results: Results) -> list[Sequence[TrialResult]]:
    found = [
        job
        for name, job in results.items()
        if job and name == job_name(entrant, JobKind.RUNG, examples=job[0].trial.examples)
    ]
    return sorted(found, key=lambda job: job[0].trial.examples)


def _counted(job: Sequence[TrialResult]) -> list[TrialResult]:
    return [result for result in job if result.counts]


def next_rung(
    tried: Sequence[Rung],
    sizes: Sequence[int],
    *,
    seconds_left: float,
    leader: float | None,
    metric: Metric,
    judged_on: int,
) -> NextSize:
    """The training size to try next, or why there is none.

    Args:
        tried: the sizes tried so far, smallest first.
        sizes: of the learning curve, ascending; the last is all training examples.
        seconds_left: of the entrant's share of the time.
        leader: best validation score of the entrants that saw all examples, greater is better; None without any.
        metric: of the scores.
        judged_on: number of validation examples.
    """
    if not tried:
        return NextSize(examples=sizes[0], seconds=0.0)
    last = tried[-1]
    ahead = [size for size in sizes if size > last.examples]
    all_of_them = sum(map(last.seconds_at, ahead))
    if leader is not None and out_of_reach(tried, sizes[-1], leader, metric, judged_on):
        return NextSize(examples=None, seconds=all_of_them, pruned=True)
    if last.seconds_at(ahead[0]) > seconds_left:
        return NextSize(examples=None, seconds=all_of_them)
    return NextSize(examples=ahead[0], seconds=last.seconds_at(ahead[0]))


def out_of_reach(tried: Sequence[Rung], examples: int, leader: float, metric: Metric, judged_on: int) -> bool:
    """Whether less than `POSSIBLE_SHARE` of the curves through these sizes reach the leader's score at `examples`."""
    points = []
    for rung in tried:
        score = metric.sign * rung.score
        points.append(CurvePoint(examples=rung.examples, score=score, low=score, high=score, seeds=(score,)))
    fit = fit_rungs(points, metric)
    if fit.withheld is not None:
        return False
    error = max(metric.sign * metric.best - leader, 1 / judged_on if metric.percent else 0.0)
    deviation = math.sqrt(max(error * (1 - error), 0.0)) if metric.percent else error
    doubt = DOUBT_ERRORS * deviation / math.sqrt(judged_on)
    return leader - doubt > metric.sign * fit.best_possible(examples, POSSIBLE_SHARE)
