"""Are forecasts of more data right? Learning curves up to ten times the data, half to calibrate by, half held out.

    scripts/bench validity_curves                  the figures of the held-out half (a minute)
    scripts/bench validity_curves --half calibrate
    scripts/bench validity_curves --make           makes the curves again (half an hour; benchmarks/results/curves.json)

A case is a curve measured as a comparison measures it - five sizes that double, three seeds, one small test set - with
its forecast; the truth is the mean of three other seeds on a test set of up to 1,500 examples. Half of the data sets
have chosen the constants of `bakeoff.study.curves`; the figures that count are those of the other half.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.study.curves import MULTIPLES, CurveFit, fit_curve
from bakeoff.study.metrics import METRICS
from bakeoff.study.records import CurvePoint
from bakeoff.study.uncertainty import wilson

sys.path.insert(0, str(Path(__file__).parent))
from validity_curves_sets import SETS, make_curves

RESULTS = Path(__file__).parent / "results" / "curves.json"
#: Sizes of a measured curve, and the fewest of a case.
SIZES, FEWEST = 5, 4
#: "Should help" is false where the truth gains less than half of this (points of a share; part of an error), and has
#: to be said where it gains twice as much.
MARGIN = {"accuracy": 0.01, "rmse": 0.02}


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One measured curve with what came of it."""

    data: str
    learner: str
    metric: str
    points: tuple[CurvePoint, ...]
    training: tuple[CurvePoint, ...]
    chance: float
    now: float
    later: dict[int, float]  # errors by multiple

    @property
    def jumps(self) -> bool:
        return SETS[self.data].jumps and self.learner not in ("linear",)

    def gain(self, multiple: int) -> float:
        """What the truth gains: points of a share, or part of an error."""
        lost = self.now - self.later[multiple]
        return lost if self.metric == "accuracy" else lost / self.now


def cases(records: Sequence[dict[str, Any]], *, held_out: bool | None = None) -> Iterator[Case]:
    for record in records:
        chosen = SETS[record["data"]]
        if held_out is not None and chosen.held_out != held_out:
            continue
        metric = METRICS[record["metric"]]
        sizes = record["sizes"]
        errors = np.array(record["errors"])
        doubled = [size for size in sizes if size & (size - 1) == 0]
        chance = record["chance"]
        for end in range(FEWEST - 1, len(doubled) - 1):
            measured = [sizes.index(size) for size in doubled[max(0, end + 1 - SIZES) : end + 1]]
            now = doubled[end]
            for tested, small in record["small"].items():
                for first in (0, 3):
                    seeds, others = slice(first, first + 3), slice(3 - first, 6 - first)
                    later = {
                        multiple: float(errors[sizes.index(multiple * now), others].mean())
                        for multiple in MULTIPLES
                        if multiple * now in sizes
                    }
                    yield Case(
                        data=record["data"],
                        learner=record["learner"],
                        metric=metric.name,
                        points=tuple(
                            _point(sizes[i], np.array(small)[i, seeds], int(tested), record) for i in measured
                        ),
                        training=tuple(
                            _training(sizes[i], record["training"][i], metric.name) for i in measured
                        ),
                        chance=metric.best - metric.sign * chance,
                        now=float(errors[measured[-1]].mean()),
                        later=later,
                    )


def _point(size: int, errors: Any, tested: int, record: dict[str, Any]) -> CurvePoint:
    metric = METRICS[record["metric"]]
    error = float(errors.mean())
    seeds = float(errors.var(ddof=1)) / len(errors)
    if metric.percent:
        low, high = wilson(error, error * (1 - error) / tested + seeds, tested)
    else:
        reach = 1.96 * np.sqrt((error * record["relative_deviation"]) ** 2 / tested + seeds)
        low, high = max(error - reach, 0.0), error + reach
    scores = [metric.best - metric.sign * value for value in (error, low, high)]
    return CurvePoint(
        examples=size,
        score=scores[0],
        low=min(scores[1:]),
        high=max(scores[1:]),
        seeds=tuple(float(metric.best - metric.sign * value) for value in errors),
    )


def _training(size: int, error: float, metric: str) -> CurvePoint:
    score = METRICS[metric].best - METRICS[metric].sign * error
    return CurvePoint(examples=size, score=score, low=score, high=score)


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What a fit said of a case, by multiple."""

    case: Case
    withheld: str | None
    held: dict[int, bool]
    low_side: dict[int, bool]  # the truth is better than the whole interval
    width: dict[int, float]
    helps: dict[int, bool]


def judge(case: Case, fit: CurveFit) -> Outcome:
    metric = METRICS[case.metric]
    held, better, width, helps = {}, {}, {}, {}
    if fit.withheld is None:
        for multiple, error in case.later.items():
            _, low, high = fit.predict(fit.examples * multiple)
            truth = metric.best - metric.sign * error
            held[multiple] = low <= truth <= high
            better[multiple] = truth > high if metric.higher_is_better else truth < low
            width[multiple] = (high - low) / max(case.now, 1e-9)
            helps[multiple] = fit.helps(fit.examples * multiple)
    return Outcome(case=case, withheld=fit.withheld, held=held, low_side=better, width=width, helps=helps)
