"""Are intervals over folds true, and how much narrower are they? Small samples of large data, whose truth is the rest.

    scripts/bench validity_folds [--repetitions N] [--folds K ...] [--out FILE]

A large set (planted, or the built-in digits) is sampled again and again. Each sample is judged twice, with one split
and in folds, as a comparison does both: quick learners are trained on the training part alone, with the project's own
splits and its own analysis of their outputs. The truth is a learner's mean score on what was not sampled, over the
training sets of all samples: an interval that holds it speaks of the learner, and not of the networks of one training
set. `mlp` has two seeds, the others have no randomness. Counted are: intervals of a score, and of a difference of two,
that hold the truth; their widths; and winners that are not the best.
"""

import argparse
import json
import os
import time
import warnings
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from bakeoff.data.schema import Classes, Schema, Table, Value
from bakeoff.data.splits import Splits, make_folds, make_splits
from bakeoff.study.analysis import resampling
from bakeoff.study.analysis.uncertainty import Ranking, rank_entrants
from bakeoff.tasks.metrics.registry import METRICS

Floats = NDArray[np.float64]
SIZES = (100, 200, 400)
#: Examples of each planted set.
POOL = 4000


@dataclass(frozen=True)
class Source:
    """A large set, and the learners that are tried on samples of it."""

    inputs: Floats
    targets: NDArray[Any]
    learners: dict[str, Any]
    metric: str


def _planted(noise: float, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Three classes of which two dimensions in eight tell, with a bend, and some labels that are wrong."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((POOL, 8))
    bent = inputs[:, 0] + 0.6 * inputs[:, 1] ** 2 + noise * rng.standard_normal(POOL)
    return inputs, np.digitize(bent, np.quantile(bent, (1 / 3, 2 / 3))).astype(np.int64)


def sources() -> dict[str, Source]:
    classify = {
        "logistic": LogisticRegression(max_iter=200),
        "knn": KNeighborsClassifier(5),
        "tree": DecisionTreeClassifier(random_state=0),
        "bayes": GaussianNB(),
        "mlp": MLPClassifier((16,), max_iter=25, learning_rate_init=0.02),
    }
    regress = {
        "ridge": Ridge(1.0),
        "knn": KNeighborsRegressor(5),
        "tree": DecisionTreeRegressor(random_state=0),
    }
    digits = load_digits()
    rng = np.random.default_rng(3)
    inputs = rng.standard_normal((POOL, 6))
    value = inputs[:, 0] + np.sin(2 * inputs[:, 1]) + 0.5 * rng.standard_normal(POOL)
    return {
        "planted, easy": Source(*_planted(0.3, 1), classify, "accuracy"),
        "planted, hard": Source(*_planted(1.2, 2), classify, "accuracy"),
        "digits": Source(digits.data / 16, digits.target.astype(np.int64), classify, "accuracy"),
        "values": Source(inputs, value.astype(np.float32)[:, None], regress, "rmse"),
    }


@dataclass
class Judged:
    """One sample in one way: the outputs of each learner's seeds, their targets and folds, and scores on the rest."""

    outputs: dict[str, list[Floats]]
    targets: NDArray[Any]
    folds: NDArray[np.int64]
    on_rest: dict[str, float]


def judge(
    source: Source, rows: NDArray[np.int64], parts: tuple[Splits, ...], rest: NDArray[np.int64], turn: int
) -> Judged:
    """Train on each part's training examples, and answer its test examples and the rest."""
    inputs, targets = source.inputs[rows], source.targets[rows]
    metric, outputs, on_rest = METRICS[source.metric], {}, {}
    size = min(len(part.train) for part in parts)
    for name, learner in source.learners.items():
        runs, scores = [], []
        for seed in range(2 if name == "mlp" else 1):
            answers = []
            for number, part in enumerate(parts):
                model = clone(learner)
                if name == "mlp":
                    model.set_params(random_state=1000 * turn + 10 * number + seed)
                train = part.train[:size]
                model.fit(inputs[train], targets[train].ravel())
                answers.append(_answers(model, inputs[part.test], source))
                scores.append(
                    metric.score(_answers(model, source.inputs[rest], source), source.targets[rest])
                )
            runs.append(np.concatenate(answers))
        outputs[name], on_rest[name] = runs, float(np.mean(scores))
    tested = np.concatenate([part.test for part in parts])
    folds = np.repeat(np.arange(len(parts)), [len(part.test) for part in parts])
    return Judged(outputs, targets[tested], folds, on_rest)


def _answers(model: Any, inputs: Floats, source: Source) -> Floats:
    if source.metric == "rmse":
        return model.predict(inputs)[:, None]
    classes = int(source.targets.max()) + 1
    found = np.full((len(inputs), classes), 1e-6)
    found[:, model.classes_] = np.maximum(model.predict_proba(inputs), 1e-6)
    return np.log(found)


def samples(source: Source, size: int, repetitions: int, folds: int) -> tuple[list[Judged], list[Judged]]:
    """(with one split, in folds)."""
    classes = source.metric == "accuracy"
    names = tuple(map(str, range(int(source.targets.max()) + 1))) if classes else ()
    schema = Schema(
        input=Table(features=source.inputs.shape[1]),
        target=Classes(names=names) if classes else Value(size=1),
    )
    single, folded = [], []
    for turn in range(repetitions):
        order = np.random.default_rng([turn, size]).permutation(len(source.targets))
        rows, rest = order[:size], order[size:][:600]
        targets = source.targets[rows]
        single.append(judge(source, rows, (make_splits(schema, targets, seed=turn),), rest, turn))
        folded.append(judge(source, rows, make_folds(schema, targets, count=folds, seed=turn), rest, turn))
    return single, folded


def measured(source: Source, judged: list[Judged], folds: int) -> dict[str, float]:
    """Coverage of scores and of differences, their mean widths, and false winners."""
    names = list(source.learners)
    truth = {name: float(np.mean([one.on_rest[name] for one in judged])) for name in names}
    best = max(names, key=lambda name: METRICS[source.metric].sign * truth[name])
    scores, pairs, widths, pair_widths, false = [], [], [], [], 0
    for one in judged:
        place: Ranking = rank_entrants(
            one.outputs,
            one.targets,
            METRICS[source.metric],
            deterministic=[n for n in names if n != "mlp"],
            folds=one.folds if folds else None,
            replicates=400,
        )
        for name in names:
            found = place.scores[name]
            scores.append(found.low <= truth[name] <= found.high)
            widths.append(found.high - found.low)
        for first, second in combinations(names, 2):
            gap = place.difference(first, second)
            pairs.append(gap.low <= truth[first] - truth[second] <= gap.high)
            pair_widths.append(gap.high - gap.low)
        false += place.winner not in (None, best)
    return {
        "scores held": float(np.mean(scores)),
        "differences held": float(np.mean(pairs)),
        "width": float(np.mean(widths)),
        "width of a difference": float(np.mean(pair_widths)),
        "false winners": false / len(judged),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--folds", type=int, nargs="*", default=[5])
    parser.add_argument(
        "--parts",
        type=float,
        nargs="*",
        default=[resampling.FOLD_CORRECTION],
        help="parts of Nadeau and Bengio's correction; the one in force where none is given",
    )
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    results: dict[str, Any] = {}
    for name, source in sources().items():
        if options.only and name not in options.only:
            continue
        for size in SIZES:
            for folds in options.folds:
                begun = time.perf_counter()
                single, folded = samples(source, size, options.repetitions, folds)
                plain = measured(source, single, 0)
                print(f"{name}, {size} examples, one split: {_line(plain)}", flush=True)
                results[f"{name}/{size}/split"] = plain
                for part in options.parts:
                    resampling.FOLD_CORRECTION = part
                    found = measured(source, folded, folds)
                    found["ratio"] = found["width"] / plain["width"]
                    found["ratio of differences"] = (
                        found["width of a difference"] / plain["width of a difference"]
                    )
                    results[f"{name}/{size}/{folds}/{part}"] = found
                    print(
                        f"  {folds} folds, part {part:g}: {_line(found)} ({time.perf_counter() - begun:.0f} s)",
                        flush=True,
                    )
                if options.out:
                    options.out.write_text(json.dumps(results, indent=1))


def _line(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in found.items())


if __name__ == "__main__":
    main()
