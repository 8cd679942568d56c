"""Large data: entrants that cost more the more examples there are begin with few of them.

A network takes the same number of steps at every size of its learning curve, so that nothing is saved by training it
on less. Neighbours and gradient boosting cost about as much as there are examples. Under a clock they therefore climb
their learning curve rung by rung from its smallest size, with all settings at each, as long as the next size fits
their share of the time. One whose curve leads to a score with which it could not reach the leader is not trained on
all examples at all. (To give up by the learning curve before all data are used: Domhan, Springenberg & Hutter 2015;
Mohr & van Rijn 2021, arXiv:2111.13914.)
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bakeoff.data.dataset import Dataset
from bakeoff.study.analysis.learning_curves import fit_rungs
from bakeoff.study.design.classical import row_size
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import RUNG, Definition
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.results.records import CurvePoint
from bakeoff.tasks.metrics.metric import Metric

#: Data of fewer numbers than this (examples times values of one) are learned whole at once: it takes a few seconds.
LARGE = 2_000_000
#: The leader is out of reach where less than this part of the curves that the points allow comes to its score, less
#: this many standard errors of a score on the validation examples.
STILL_POSSIBLE, ERRORS = 0.005, 3.0
#: Finished jobs by name, and what a result is worth on validation, growing with quality.
Results = Mapping[str, Sequence[TrialResult]]
Score = Callable[[TrialResult], float]
#: What to choose by; the greater, the better.
Preference = Callable[[TrialResult], tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One size of an entrant's climb.

    Attributes:
        score: the best of its settings on validation, growing with quality.
        seconds: of all settings together.
    """

    examples: int
    score: float
    seconds: float

    def seconds_at(self, examples: int) -> float:
        """Predicted for another size: in proportion to the examples."""
        return self.seconds * examples / self.examples


@dataclass(frozen=True, kw_only=True)
class Next:
    """What comes after the rungs that there are.

    Attributes:
        examples: the size that is trained next; None where the climb ends.
        seconds: predicted for that size, or for all sizes that would have followed.
        spared: whether the climb ends since the leader is out of reach, and not for want of time.
    """

    examples: int | None
    seconds: float
    spared: bool = False


def climbs(entrant: Entrant, dataset: Dataset, definition: Definition) -> bool:
    """Whether it begins with few examples: it costs more the more there are, the data are large, there is a clock."""
    if entrant.kind != "classical" or definition.budget_seconds is None:
        return False
    return len(definition.sizes) > 1 and definition.sizes[-1] * row_size(dataset.schema) >= LARGE


def climbed(entrant: str, results: Results, score: Score) -> list[Rung] | None:
    """An entrant's rungs so far, smallest first; None where the last of them failed, or took too long."""
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
    """The setting that did best at the largest size, of those that climbed."""
    best = {}
    for entrant in entrants:
        for job in _jobs(entrant.name, results):
            if counted := _counted(job):
                best[entrant.name] = max(counted, key=preference).trial.setting
    return best


def _jobs(entrant: str, results: Results) -> list[Sequence[TrialResult]]:
    found = [job for name, job in results.items() if name.startswith(f"{entrant}/{RUNG}")]
    return sorted(found, key=lambda job: job[0].trial.examples)


def _counted(job: Sequence[TrialResult]) -> list[TrialResult]:
    return [result for result in job if result.counts]


def next_rung(
    climbed: Sequence[Rung],
    sizes: Sequence[int],
    *,
    seconds_left: float,
    leader: float | None,
    metric: Metric,
    judged_on: int,
) -> Next:
    """The next size, or why there is none.

    Args:
        climbed: the rungs so far, smallest first.
        sizes: of the whole curve; the last is all the examples.
        seconds_left: of the entrant's share of the time.
        leader: the best score so far of one that saw all examples, growing with quality; None where nobody did.
        metric: of the scores. judged_on: so many validation examples.
    """
    if not climbed:
        return Next(examples=sizes[0], seconds=0.0)
    last = climbed[-1]
    ahead = [size for size in sizes if size > last.examples]
    all_of_them = sum(map(last.seconds_at, ahead))
    if leader is not None and out_of_reach(climbed, sizes[-1], leader, metric, judged_on):
        return Next(examples=None, seconds=all_of_them, spared=True)
    if last.seconds_at(ahead[0]) > seconds_left:
        return Next(examples=None, seconds=all_of_them)
    return Next(examples=ahead[0], seconds=last.seconds_at(ahead[0]))


def out_of_reach(
    climbed: Sequence[Rung], examples: int, leader: float, metric: Metric, judged_on: int
) -> bool:
    """Whether (almost) no curve through these rungs comes to the leader's score with this many examples."""
    points = []
    for rung in climbed:
        score = metric.sign * rung.score
        points.append(CurvePoint(examples=rung.examples, score=score, low=score, high=score, seeds=(score,)))
    fit = fit_rungs(points, metric)
    if fit.withheld is not None:
        return False
    error = max(metric.sign * metric.best - leader, 1 / judged_on if metric.percent else 0.0)
    deviation = math.sqrt(max(error * (1 - error), 0.0)) if metric.percent else error
    doubt = ERRORS * deviation / math.sqrt(judged_on)
    return leader - doubt > metric.sign * fit.best_possible(examples, STILL_POSSIBLE)
