"""Are forecasts of more data right? Learning curves up to ten times the data, half to calibrate by, half held out.

    scripts/bench validity_curves                  the figures of the held-out half (a minute)
    scripts/bench validity_curves --half calibrate, or all: there each data set is judged by what all others choose
    scripts/bench validity_curves --make           makes the curves again (half an hour; benchmarks/results/curves.json)

A case is a curve measured as a comparison measures it - five sizes that double, three seeds, one small test set - with
its forecast; the truth is the mean of three other seeds on a test set of up to 1,500 examples. Half of the data sets
chose the constants of `bakeoff.study.analysis.learning_curves`; the figures that count are those of the other half.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from bakeoff.study.analysis import learning_curves
from bakeoff.study.analysis.learning_curves import LEVEL, MULTIPLES, CurveFit, fit_curve
from bakeoff.study.analysis.uncertainty import wilson
from bakeoff.study.results.records import CurvePoint
from bakeoff.tasks.metrics.registry import METRICS

sys.path.insert(0, str(Path(__file__).parent))
from validity_curves_sets import LEARNERS, SETS, make_curves

RESULTS = Path(__file__).parent / "results" / "curves.json"
#: Sizes of a measured curve, and the fewest of a case.
SIZES, FEWEST = 5, 4
#: Learners that a comparison scores on their own training examples.
NETWORKS = ("linear", "mlp")
#: Factors of the spread of drawn curves that are tried.
FACTORS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
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
    if fit.no_forecast is None:
        for multiple, error in case.later.items():
            _, low, high = fit.predict(fit.examples * multiple)
            truth = metric.best - metric.sign * error
            held[multiple] = low <= truth <= high
            better[multiple] = truth > high if metric.higher_is_better else truth < low
            width[multiple] = (high - low) / max(error, 1e-9)
            helps[multiple] = fit.helps(fit.examples * multiple)
    return Outcome(case=case, withheld=fit.no_forecast, held=held, low_side=better, width=width, helps=helps)


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Lines of docs/benchmarks/curves.md."""
    yield "| curves | times the data | cases | withheld | 80 % interval holds | truth better | worse |" + (
        ' on plateaus: cases | "should help" said | where true by twice the margin: cases | said |'
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for kind, chosen in (
        ("real", [o for o in outcomes if not o.case.jumps and SETS[o.case.data].real]),
        ("all but jumps", [o for o in outcomes if not o.case.jumps]),
        ("jumps", [o for o in outcomes if o.case.jumps]),
    ):
        for multiple in MULTIPLES:
            here = [o for o in chosen if multiple in o.case.later]
            conclusion = [o for o in here if o.withheld is None]
            plateau = [o for o in here if o.case.gain(multiple) < MARGIN[o.case.metric] / 2]
            helped = [o for o in here if o.case.gain(multiple) >= 2 * MARGIN[o.case.metric]]
            figures = (
                kind,
                f"x{multiple}",
                len(here),
                _percent([o.withheld is not None for o in here]),
                _percent([o.held[multiple] for o in conclusion]),
                _percent([o.low_side[multiple] for o in conclusion]),
                _percent([not o.held[multiple] and not o.low_side[multiple] for o in conclusion]),
                len(plateau),
                _percent([o.helps.get(multiple, False) for o in plateau]),
                len(helped),
                _percent([o.helps.get(multiple, False) for o in helped]),
            )
            yield "| " + " | ".join(map(str, figures)) + " |"


def _percent(values: Sequence[bool]) -> str:
    return f"{100 * np.mean(values):.0f} %" if values else "-"


def fit(case: Case, *, bounded: bool = True) -> CurveFit:
    """The fit of a case as a comparison makes it: `bounded` by training scores where the learner is a network."""
    training = case.training if bounded and case.learner in NETWORKS else ()
    return fit_curve(case.points, METRICS[case.metric], chance=case.chance, training=training)


def left_out(pairs: Sequence[tuple[Case, CurveFit]]) -> Iterator[str]:
    """How many intervals hold, with the factor of the spread that the curves of all *other* data sets choose."""
    yield "| times the data | cases | held with the factor of the others | real alone | factors | in use |"
    yield "|---|---|---|---|---|---|"
    spoken = [(case, found) for case, found in pairs if not case.jumps and found.no_forecast is None]
    for multiple in MULTIPLES:
        here = [(case, found) for case, found in spoken if multiple in case.later]
        held = np.array([[_holds(case, found, multiple, one) for one in FACTORS] for case, found in here])
        names = np.array([case.data for case, _ in here])
        real = np.array([SETS[name].real for name in names])
        chosen = {name: int(abs(held[names != name].mean(axis=0) - LEVEL).argmin()) for name in set(names)}
        crossed = np.array([row[chosen[name]] for row, name in zip(held, names, strict=True)])
        factors = sorted({FACTORS[place] for place in chosen.values()})
        figures = (
            f"x{multiple}",
            len(here),
            _percent(list(crossed)),
            _percent(list(crossed[real])),
            " to ".join(f"{one:g}" for one in (factors[0], factors[-1])),
            f"{learning_curves.STRETCH[multiple]:g}",
        )
        yield "| " + " | ".join(map(str, figures)) + " |"


def _holds(case: Case, found: CurveFit, multiple: int, factor: float) -> bool:
    with mock.patch.dict(learning_curves.STRETCH, {multiple: factor}):
        return judge(replace(case, later={multiple: case.later[multiple]}), found).held[multiple]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--make", action="store_true", help="make the curves again")
    parser.add_argument("--half", choices=("held-out", "calibrate", "all"), default="held-out")
    parser.add_argument("--every", type=int, default=1, help="judge one case in so many")
    options = parser.parse_args()
    if options.make:
        lines = [json.dumps(record) for record in make_curves(list(SETS), LEARNERS)]
        RESULTS.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    records = json.loads(RESULTS.read_text())
    half = None if options.half == "all" else options.half == "held-out"
    chosen = list(cases(records, held_out=half))[:: options.every]
    names = {case.data for case in chosen}
    print(f"{options.half}: {len(chosen)} cases of {len(records)} curves, {len(names)} data sets\n")
    pairs = [(case, fit(case)) for case in chosen]
    print("\n".join(table([judge(*pair) for pair in pairs])))
    print("\nwithout the scores on the training examples:\n")
    print("\n".join(table([judge(case, fit(case, bounded=False)) for case in chosen])))
    if options.half == "all":
        print("\n" + "\n".join(left_out(pairs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
