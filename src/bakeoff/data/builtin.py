"""The built-in data: everything works offline. A name here is a DATA that `load` takes.

Each is a function of the seed; the line in `BUILTINS` is what `bakeoff data` shows (its sentence is in the message
catalogue as "data.builtin.<name>"). The planted tasks of `bakeoff.data.synthetic.planted` are listed as `planted:NAME`.
"""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset
from bakeoff.data.forms.arrays import ArrayEncoder
from bakeoff.data.schema import Classes, Image, Series
from bakeoff.data.synthetic.mnist1d import TRAIN_EXAMPLES
from bakeoff.data.synthetic.mnist1d import generate as generate_mnist1d
from bakeoff.messages import say

PLANTED_PREFIX = "planted:"


def digits(seed: int = 0) -> Dataset:
    """1797 grey images 8x8 of handwritten digits, pixels 0 to 16 (Alpaydin & Kaynak 1998, UCI 80)."""
    images, targets = _digits_table()
    return make_dataset(
        name="digits",
        input=Image(channels=1, height=8, width=8),
        target=Classes(names=tuple(str(digit) for digit in range(10))),
        inputs=images[:, None],
        targets=targets,
        encoder=ArrayEncoder(),
        seed=seed,
        source="scikit-learn's load_digits: UCI, Optical Recognition of Handwritten Digits (test part)",
        licence="CC BY 4.0",
    )


def _digits_table() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images [N, 8, 8] and digits [N] from the file inside scikit-learn, without the 1.5 s that its import takes."""
    found = find_spec("sklearn")
    folders = () if found is None else found.submodule_search_locations or ()
    for path in (Path(folder) / "datasets" / "data" / "digits.csv.gz" for folder in folders):
        if path.exists():
            table = np.loadtxt(path, delimiter=",", dtype=np.int64)
            return table[:, :-1].reshape(-1, 8, 8).astype(np.uint8), table[:, -1]
    from sklearn.datasets import load_digits  # another layout of files

    bunch = load_digits()
    return bunch.images.astype(np.uint8), bunch.target.astype(np.int64)


def mnist1d(seed: int = 0) -> Dataset:
    """4000 training and 1000 test series of 40 steps, ten classes (Greydanus & Kobak 2024, arXiv 2011.14439).

    Generated with the published seed; the published test part is kept as the test split.
    """
    series, digits = generate_mnist1d()
    inputs = series.astype(np.float32)[:, None, :]
    return make_dataset(
        name="mnist1d",
        input=Series(channels=1, length=inputs.shape[-1]),
        target=Classes(names=tuple(str(digit) for digit in range(10))),
        inputs=inputs,
        targets=digits.astype(np.int64),
        encoder=ArrayEncoder(axes="series"),
        test=np.arange(TRAIN_EXAMPLES, len(inputs), dtype=np.int64),
        seed=seed,
        source="generated as published, with its default settings (seed 42)",
        licence="Apache-2.0",
    )


def _scikit_learn_table(name: str, seed: int = 0, *, licence: str = "CC BY 4.0") -> Dataset:
    """One of scikit-learn's embedded tables, its columns under their names."""
    from sklearn import datasets

    from bakeoff.data.forms.table import load_frame_columns

    bunch = getattr(datasets, f"load_{name}")()
    classes = getattr(bunch, "target_names", None)
    return load_frame_columns(
        {str(column): bunch.data[:, place] for place, column in enumerate(bunch.feature_names)},
        bunch.target if classes is None else np.asarray(classes)[bunch.target],
        name=name,
        task="value" if classes is None else "classes",
        seed=seed,
        source=f"scikit-learn's load_{name}",
        licence=licence,
    )


def _two_numbers(name: str, points: NDArray[Any], labels: NDArray[Any], seed: int, source: str) -> Dataset:
    from bakeoff.data.forms.table import load_frame_columns

    return load_frame_columns(
        {"x": points[:, 0], "y": points[:, 1]},
        np.array(["zero", "one"])[labels],
        name=name,
        task="classes",
        seed=seed,
        source=source,
        licence="generated",
    )


def xor(seed: int = 0, *, examples: int = 1000, noise: float = 0.15) -> Dataset:
    """Points around the four corners (+-0.5, +-0.5); the class is whether the signs differ (Minsky & Papert 1969)."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 2, size=(examples, 2))
    points = corners - 0.5 + noise * rng.standard_normal((examples, 2))
    return _two_numbers("xor", points, corners[:, 0] ^ corners[:, 1], seed, f"generated, noise {noise}")


def spirals(seed: int = 0, *, examples: int = 1000, turns: float = 1.5, noise: float = 0.03) -> Dataset:
    """Two spirals wound into each other (Lang & Witbrock 1988), radius 0 to 1."""
    rng = np.random.default_rng(seed)
    labels = np.arange(examples) % 2
    radius = np.sqrt(rng.uniform(0.01, 1.0, examples))
    angle = 2 * np.pi * turns * radius + np.pi * labels
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points += noise * rng.standard_normal(points.shape)
    order = rng.permutation(examples)
    return _two_numbers(
        "spirals", points[order], labels[order], seed, f"generated, {turns} turns, noise {noise}"
    )


def circles(seed: int = 0, *, examples: int = 1000, ratio: float = 0.5, noise: float = 0.1) -> Dataset:
    """A circle inside another one of twice its radius."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(examples) % 2)
    angle = rng.uniform(0, 2 * np.pi, examples)
    radius = np.where(labels == 1, ratio, 1.0)
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points += noise * rng.standard_normal(points.shape)
    return _two_numbers("circles", points, labels, seed, f"generated, noise {noise}")


BUILTINS: dict[str, Callable[[int], Dataset]] = {
    "digits": digits,
    "iris": partial(_scikit_learn_table, "iris"),
    "wine": partial(_scikit_learn_table, "wine"),
    "breast_cancer": partial(_scikit_learn_table, "breast_cancer"),
    "diabetes": partial(_scikit_learn_table, "diabetes", licence="see Efron et al. 2004"),
    "mnist1d": mnist1d,
    "xor": xor,
    "spirals": spirals,
    "circles": circles,
}


def builtin_names() -> list[str]:
    """The names of all built-in data, the planted tasks last."""
    from bakeoff.data.synthetic.planted import PLANTED

    return [*BUILTINS, *(PLANTED_PREFIX + name for name in PLANTED)]


def builtin_summaries() -> dict[str, str]:
    """Name -> a line on what it is, in the language in force; of a planted task, what decides about its class."""
    from bakeoff.data.synthetic.planted import PLANTED

    lines = {name: say(f"data.builtin.{name}") for name in BUILTINS}
    lines.update({PLANTED_PREFIX + name: say(f"data.planted.{name}") for name in PLANTED})
    return lines


def load_builtin(name: str, *, seed: int = 0) -> Dataset:
    """The built-in data of this name (one of `builtin_names`)."""
    if not name.startswith(PLANTED_PREFIX):
        return BUILTINS[name](seed)
    from bakeoff.data.synthetic.planted import PLANTED

    task = PLANTED[name.removeprefix(PLANTED_PREFIX)]
    inputs, targets, schema = task.make(seed)
    return make_dataset(
        name=name.replace(":", "-"),
        input=schema.input,
        target=schema.target,
        inputs=inputs,
        targets=targets,
        lengths=None if task.lengths is None else task.lengths(seed),
        encoder=ArrayEncoder(axes=schema.input.word),
        seed=seed,
        source="generated: " + task.summary,
        licence="generated",
    )
