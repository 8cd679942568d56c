"""Numbers with a large offset: targets, arrays, series and forecasts are learned from and scored as without it."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import bakeoff
from bakeoff.data.scaling import needs_centring, without_loss
from bakeoff.inference.predictor import Predictor
from bakeoff.models import build
from bakeoff.tasks.registry import task_of
from bakeoff.train.tensors import TrainingData

OFFSET = 1.7e9


def scaled(dataset: bakeoff.Dataset) -> np.ndarray:
    return dataset.inputs_at(np.arange(len(dataset)))


def pair(rng: np.random.Generator, shape: tuple[int, ...], offset: float) -> dict[str, np.ndarray]:
    x = rng.normal(0, 3, shape)
    return {"x": x + offset, "y": (x.reshape(len(x), -1)[:, 0] > 0).astype(int)}


@pytest.mark.parametrize("shape", [(60, 3), (60, 2, 12)])
def test_arrays_with_an_offset_are_scaled_as_without_it(shape: tuple[int, ...]) -> None:
    far, near = (bakeoff.load(pair(np.random.default_rng(0), shape, offset)) for offset in (OFFSET, 0.0))
    assert near.inputs.dtype == np.float32
    np.testing.assert_allclose(scaled(far), scaled(near), atol=1e-4)


def test_whole_numbers_of_64_bits_keep_their_last_digits() -> None:
    x = 1_700_000_000 + np.arange(60).repeat(2).reshape(60, 2)
    dataset = bakeoff.load({"x": x, "y": np.arange(60) % 2})
    assert len(np.unique(scaled(dataset)[:, 0])) == 60


def test_series_files_with_an_offset_keep_what_varies(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    waves = rng.normal(0, 3, (40, 10))
    head = "@problemName t\n@timeStamps false\n@univariate true\n@classLabel true a b\n@data\n"
    for name, offset in (("far", OFFSET), ("near", 0.0)):
        rows = [
            ",".join(f"{v + offset:.4f}" for v in wave) + ":" + "ab"[n % 2] for n, wave in enumerate(waves)
        ]
        (tmp_path / f"{name}.ts").write_text(head + "\n".join(rows) + "\n")
    far, near = bakeoff.load(tmp_path / "far.ts"), bakeoff.load(tmp_path / "near.ts")
    np.testing.assert_allclose(scaled(far), scaled(near), atol=1e-3)


def test_forecasts_with_an_offset_have_the_same_windows() -> None:
    values = np.random.default_rng(0).normal(0, 3, 300).cumsum()
    frames = [pl.DataFrame({"t": np.arange(300), "y": values + offset}) for offset in (OFFSET, 0.0)]
    far, near = (bakeoff.load(frame, time="t", target="y", horizon=3, window=12) for frame in frames)
    np.testing.assert_allclose(scaled(far), scaled(near), atol=1e-4)
    np.testing.assert_allclose(far.targets - OFFSET, near.targets, atol=1e-4)
    assert far.seasonal_scale == pytest.approx(near.seasonal_scale, rel=1e-4)


def test_a_target_with_an_offset_is_standardised_and_scored_to_the_last_digit() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (80, 2))
    dataset = bakeoff.load({"x": x, "y": OFFSET + 20 * x[:, 0]}, task="value")
    data = TrainingData(dataset)
    standardised = data.train.at(torch.arange(len(data.train))).targets
    np.testing.assert_allclose(
        data.stored(standardised)[:, 0], dataset.targets[np.sort(dataset.splits.train), 0]
    )
    task = task_of(dataset.schema)
    predictor = Predictor.of(
        dataset,
        model="linear",
        width=None,
        weights=build("linear", dataset.schema).state_dict(),
    )
    answers = predictor.predict({"x": x})
    assert len(np.unique(answers)) == 80
    assert task.errors(dataset.targets, dataset.targets).max() == 0


def test_ordinary_numbers_stay_in_float32() -> None:
    rng = np.random.default_rng(0)
    for numbers in (rng.normal(0, 1, (50, 2)), rng.integers(0, 256, (50, 2)), 1e6 * rng.random((50, 2))):
        assert without_loss(numbers).dtype == np.float32
        assert not needs_centring(numbers[:, 0])
    assert without_loss(OFFSET + rng.normal(0, 1, (50, 2))).dtype == np.float64
