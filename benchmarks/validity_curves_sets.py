"""Learning curves of cheap learners on real and planted data up to ten times the data (see `validity_curves.py`).

A curve has up to 13 sizes, six draws of the training set (nested, one a seed) and a test set that is large for what
is to be known; beside it the scores on a small test set, as a person has one. Half of the data sets calibrate and
the other half are held out, so that no data set stands on both sides.
"""

import sysconfig
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Sizes of a curve: doubled from the smallest one, and ten times some of them.
SMALLEST, SEEDS, STEPS = 8, 6, 400
LEARNERS = ("linear", "knn", "tree", "boosting", "mlp")
Pair = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class CurveSet:
    """A data set for curves.

    Attributes:
        make: gives inputs [N, D] and targets [N].
        pool: examples that training sets are drawn from; the others are for testing.
        small: sizes of the small test sets.
        real: measured in the world, or planted.
        held_out: on which side it stands.
        classes: whether the targets are classes.
        jumps: whether somebody may learn nothing for long and then all at once.
    """

    make: Callable[[], Pair]
    pool: int = 2560
    small: tuple[int, ...] = (100, 400)
    real: bool = True
    held_out: bool = False
    classes: bool = True
    jumps: bool = False
    learners: tuple[str, ...] = ()


def patches(task: str) -> Pair:
    """Patches of scikit-learn's two photographs: 9 x 9 brightness values, about 7,200 of them."""
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(7)
    pictures = [image.mean(axis=2) / 255.0 for image in load_sample_images().images]
    inputs, answers = [], []
    for _ in range(7200):
        which = int(rng.integers(2))
        top, left = int(rng.integers(427 - 9)), int(rng.integers(640 - 9))
        patch = pictures[which][top : top + 9, left : left + 9]
        if task == "which picture":
            inputs.append(patch.ravel())
            answers.append(which)
        elif task == "upside down":
            turned = bool(rng.integers(2))
            inputs.append((patch[::-1] if turned else patch).ravel())
            answers.append(int(turned))
        elif task == "where":
            inputs.append(patch.ravel())
            answers.append(3 * which + 3 * top // 427)
        else:  # the middle, from what is at least three pixels away
            around = patch.copy()
            around[2:7, 2:7] = np.nan
            inputs.append(around[np.isfinite(around)])
            answers.append(float(patch[4, 4]))
    return np.array(inputs), np.array(answers)


def source_lines(task: str) -> Pair:
    """Lines of Python's own library: bytes counted in 96 bins and hashed pairs of bytes in 160."""
    rng = np.random.default_rng(8)
    library = Path(sysconfig.get_path("stdlib"))
    packages = ("email", "tkinter", "asyncio", "ctypes", "xml", "multiprocessing", "http", "unittest")
    found: list[tuple[str, Any]] = []
    for index, package in enumerate(packages):
        for path in sorted((library / package).rglob("*.py")):
            if "test" in path.parts:
                continue
            lines = [line.strip() for line in path.read_text(errors="ignore").splitlines()]
            for line, following in pairwise(lines):
                if len(line) > 15:
                    answer = {"package": index, "comment": int(" " in line and line[0] == "#")}
                    answer |= {
                        "indented": int(len(following) > 15),
                        "length": float(np.log(len(following) + 1)),
                    }
                    found.append((line.lstrip("#") if task == "comment" else line, answer[task]))
    if task == "package":  # as many of each
        chosen = [
            int(i)
            for k in range(len(packages))
            for i in rng.permutation([j for j, entry in enumerate(found) if entry[1] == k])[:900]
        ]
    elif task == "comment":
        kinds = [[j for j, entry in enumerate(found) if entry[1] == k] for k in (0, 1)]
        fewest = min(3600, *map(len, kinds))
        chosen = [int(i) for kind in kinds for i in rng.permutation(kind)[:fewest]]
    else:
        chosen = [int(i) for i in rng.permutation(len(found))[:7200]]
    inputs = np.zeros((len(chosen), 256))
    for row, index in enumerate(chosen):
        letters = found[index][0].encode("ascii", "replace")[:80]
        for first in letters:
            inputs[row, first % 96] += 1
        for first, second in pairwise(letters):
            inputs[row, 96 + (first * 31 + second * 17) % 160] += 1
    return np.sqrt(inputs), np.array([found[index][1] for index in chosen])


def mnist1d(*, shuffled: bool = False) -> Pair:
    from bakeoff.data.synthetic.mnist1d import generate

    inputs, answers = generate()
    return (np.random.default_rng(0).permuted(inputs, axis=1) if shuffled else inputs), answers


def bundled(name: str) -> Pair:
    import sklearn.datasets

    loaded = getattr(sklearn.datasets, f"load_{name}")()
    return np.asarray(loaded.data, float), np.asarray(loaded.target)


def planted(name: str) -> Pair:
    """Known shapes: plateaus by noise that nobody can learn, jumps by rules that take enough examples."""
    import sklearn.datasets as made

    rng = np.random.default_rng(9)
    count = 8200
    square = rng.uniform(-1, 1, (count, 2))
    noise = rng.random(count)
    if name.startswith("friedman"):
        inputs, values = getattr(made, f"make_{name}")(count, random_state=3, noise=0.0)
        return inputs, values + values.std() * (0.1 if name == "friedman1" else 0.3) * rng.standard_normal(
            count
        )
    if name == "line":
        inputs = rng.standard_normal((count, 4))
        return inputs, inputs @ np.array([1.0, -2.0, 0.5, 0.0]) + 2.0 * rng.standard_normal(count)
    if name == "xor":
        return square, (square[:, 0] * square[:, 1] > 0).astype(int)
    if name == "xor in eight":
        cube = rng.uniform(-1, 1, (count, 8))
        return cube, (cube[:, 0] * cube[:, 1] > 0).astype(int)
    if name == "noisy halves":
        return square, ((square[:, 0] > 0) ^ (noise < 0.2)).astype(int)
    if name == "noisy moons":
        inputs, answers = made.make_moons(count, noise=0.35, random_state=4)
        return inputs, answers
    if name == "blobs":
        inputs, answers = made.make_blobs(count, 6, centers=5, cluster_std=4.0, random_state=5)
        return inputs, answers
    if name == "chessboard":
        return square, ((np.floor(square * 4).sum(axis=1)) % 2).astype(int)
    if name == "parity":
        bits = rng.integers(0, 2, (count, 10))
        return bits.astype(float), bits[:, :4].sum(axis=1) % 2
    if name == "hastie":
        inputs, answers = made.make_hastie_10_2(count, random_state=6)
        return inputs, (answers > 0).astype(int)
    if name == "clusters":
        return tuple(  # type: ignore[return-value]
            made.make_classification(
                count, 20, n_informative=6, n_classes=3, n_clusters_per_class=3, flip_y=0.1, random_state=7
            )
        )
    assert name == "spirals", name
    turn = np.sqrt(rng.random(count)) * 3 * np.pi
    side = rng.integers(0, 2, count)
    radius = turn + np.pi * side
    inputs = np.stack([turn * np.cos(radius), turn * np.sin(radius)], axis=1)
    return inputs + 0.3 * rng.standard_normal((count, 2)), side


SETS: dict[str, CurveSet] = {
    "digits": CurveSet(make=lambda: bundled("digits"), pool=1280, small=(100,)),
    "breast cancer": CurveSet(make=lambda: bundled("breast_cancer"), pool=320, small=(100,), held_out=True),
    "diabetes": CurveSet(make=lambda: bundled("diabetes"), pool=320, small=(60,), classes=False),
    "mnist1d": CurveSet(make=mnist1d, pool=2560, held_out=True),
    "mnist1d, shuffled": CurveSet(make=lambda: mnist1d(shuffled=True), pool=2560),
    "patches: which picture": CurveSet(make=lambda: patches("which picture"), held_out=True),
    "patches: upside down": CurveSet(make=lambda: patches("upside down")),
    "patches: where": CurveSet(make=lambda: patches("where")),
    "patches: the middle": CurveSet(make=lambda: patches("middle"), classes=False, held_out=True),
    "lines: package": CurveSet(make=lambda: source_lines("package"), held_out=True),
    "lines: comment": CurveSet(make=lambda: source_lines("comment"), pool=2560),
    "lines: what follows": CurveSet(make=lambda: source_lines("indented"), held_out=True),
    "lines: length of the next": CurveSet(make=lambda: source_lines("length"), classes=False),
    "friedman1": CurveSet(make=lambda: planted("friedman1"), real=False, classes=False),
    "friedman2": CurveSet(make=lambda: planted("friedman2"), real=False, classes=False, held_out=True),
    "friedman3": CurveSet(make=lambda: planted("friedman3"), real=False, classes=False),
    "line": CurveSet(make=lambda: planted("line"), real=False, classes=False, held_out=True),
    "noisy halves": CurveSet(make=lambda: planted("noisy halves"), real=False),
    "noisy moons": CurveSet(make=lambda: planted("noisy moons"), real=False, held_out=True),
    "blobs": CurveSet(make=lambda: planted("blobs"), real=False),
    "clusters": CurveSet(make=lambda: planted("clusters"), real=False, held_out=True),
    "hastie": CurveSet(make=lambda: planted("hastie"), real=False),
    "xor": CurveSet(make=lambda: planted("xor"), real=False, held_out=True),
    "xor in eight": CurveSet(make=lambda: planted("xor in eight"), real=False, jumps=True),
    "chessboard": CurveSet(make=lambda: planted("chessboard"), real=False, jumps=True, held_out=True),
    "parity": CurveSet(make=lambda: planted("parity"), real=False, jumps=True),
    "spirals": CurveSet(make=lambda: planted("spirals"), real=False, jumps=True, held_out=True),
}


def learner(name: str, classes: bool, examples: int, seed: int) -> Any:
    """A learner of scikit-learn at its defaults, cheap enough for a thousand fits."""
    from sklearn import ensemble, linear_model, neighbors, neural_network, pipeline, preprocessing, tree

    kind = "Classifier" if classes else "Regressor"
    if name == "linear":
        body = linear_model.LogisticRegression(max_iter=100) if classes else linear_model.Ridge()
    elif name == "knn":
        body = getattr(neighbors, f"KNeighbors{kind}")(min(5, examples))
    elif name == "tree":
        body = getattr(tree, f"DecisionTree{kind}")(min_samples_leaf=2, random_state=seed)
    elif name == "forest":
        body = getattr(ensemble, f"RandomForest{kind}")(20, max_features="sqrt", random_state=seed)
    elif name == "boosting":
        body = getattr(ensemble, f"GradientBoosting{kind}")(
            n_estimators=40, subsample=0.7, max_features="sqrt", random_state=seed
        )
    else:
        assert name == "mlp", name
        batch = min(100, examples)
        body = getattr(neural_network, f"MLP{kind}")(
            (48,),
            batch_size=batch,
            learning_rate_init=3e-3,
            max_iter=max(1, round(STEPS / max(examples // batch, 1))),
            n_iter_no_change=10**6,
            random_state=seed,
        )
    return pipeline.make_pipeline(preprocessing.StandardScaler(), body)


def sizes_of(pool: int) -> list[int]:
    doubled = [SMALLEST * 2**k for k in range(20) if SMALLEST * 2**k <= pool]
    return sorted({*doubled, *(10 * size for size in doubled if size >= 32 and 10 * size <= pool)})


def make_curves(names: list[str], learners: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """A record a curve; errors are shares of misses, or RMSE in standard deviations of the targets."""
    warnings.filterwarnings("ignore")
    for name in names:
        chosen = SETS[name]
        inputs, targets = chosen.make()
        order = np.random.default_rng(11).permutation(len(targets))
        inputs, targets = inputs[order], targets[order]
        if not chosen.classes:
            targets = (targets - targets.mean()) / targets.std()
        pool, test = slice(0, chosen.pool), slice(chosen.pool, chosen.pool + 1500)
        for which in learners:
            if which == "boosting" and (
                inputs.shape[1] > 40 or (chosen.classes and len(np.unique(targets)) > 3)
            ):
                continue  # dear: a tree a class and round
            yield {
                "data": name,
                "learner": which,
                "metric": "accuracy" if chosen.classes else "rmse",
                "chance": round(_chance(targets[pool], targets[test], chosen.classes), 4),
                **_curve(which, chosen, (inputs[pool], targets[pool]), (inputs[test], targets[test])),
            }


def _curve(name: str, chosen: CurveSet, pool: Pair, test: Pair) -> dict[str, Any]:
    sizes = sizes_of(chosen.pool)
    errors = np.zeros((len(sizes), SEEDS))
    training = np.zeros((len(sizes), SEEDS))
    misses = np.zeros((len(sizes), SEEDS, len(test[1])), np.float32)
    for seed in range(SEEDS):
        order = np.random.default_rng(seed).permutation(len(pool[1]))
        for index, size in enumerate(sizes):
            inputs, targets = pool[0][order[:size]], pool[1][order[:size]]
            if chosen.classes and len(np.unique(targets)) < 2:
                here, seen = (test[1] != targets[0]).astype(float), np.zeros(1)
            else:
                fitted = learner(name, chosen.classes, size, seed).fit(inputs, targets)
                here = _missed(fitted.predict(test[0]), test[1], chosen.classes)
                seen = _missed(fitted.predict(inputs), targets, chosen.classes)
            misses[index, seed] = here
            errors[index, seed] = _total(here, chosen.classes)
            training[index, seed] = _total(seen, chosen.classes)
    small = {}
    for count in chosen.small:
        part = misses[:, :, :count]
        scores = part.mean(axis=2) if chosen.classes else np.sqrt(part.mean(axis=2))
        small[str(count)] = _short(scores)
    tail = misses[-1].mean(axis=0)
    return {
        "sizes": sizes,
        "errors": _short(errors),
        "training": _short(training.mean(axis=1)),
        "small": small,
        # of an RMSE: standard error x square root of the examples, relative to it
        "relative_deviation": None if chosen.classes else round(float(tail.std() / (2 * tail.mean())), 3),
    }


def _chance(known: NDArray[Any], tested: NDArray[Any], classes: bool) -> float:
    """The error of an answer that is always the same."""
    if classes:
        values, counts = np.unique(known, return_counts=True)
        return float((tested != values[counts.argmax()]).mean())
    return float(np.sqrt(((tested - known.mean()) ** 2).mean()))


def _missed(answers: NDArray[Any], targets: NDArray[Any], classes: bool) -> NDArray[np.float64]:
    return (answers != targets).astype(float) if classes else (answers - targets) ** 2


def _total(missed: NDArray[np.float64], classes: bool) -> float:
    return float(missed.mean() if classes else np.sqrt(missed.mean()))


def _short(values: NDArray[np.float64]) -> Any:
    return np.round(values, 4).tolist()
