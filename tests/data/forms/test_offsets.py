"""Numbers far from zero keep their differences: they are centred in float64 before they become float32."""

import json

import numpy as np
import polars as pl

from bakeoff.data.findings import findings_of
from bakeoff.data.load import load, read_new

SECONDS = 1_700_000_000 + np.arange(180) % 60


def test_seconds_since_1970_keep_their_differences_in_training_and_in_new_data() -> None:
    frame = pl.DataFrame({"timestamp": SECONDS, "late": np.where(SECONDS % 60 >= 20, "yes", "no")})
    dataset = load(frame, target="late")
    np.testing.assert_array_equal(np.diff(dataset.inputs[:, 0]), np.diff(SECONDS))
    record = json.loads(json.dumps(dataset.encoder.to_json()))  # type: ignore[union-attr]
    new = read_new(record, frame[5:9], schema=dataset.schema)
    np.testing.assert_array_equal(new.inputs, dataset.inputs[5:9])


def test_examples_that_float32_would_round_together_are_no_copies() -> None:
    frame = pl.DataFrame({"timestamp": 1_700_000_000 + np.arange(180), "late": ["yes", "no"] * 90})
    kinds = {finding.kind for finding in findings_of(load(frame, target="late"))}
    assert not kinds & {"duplicates", "contradictions"}


def test_columns_near_zero_stay_as_they_are() -> None:
    numbers = np.random.default_rng(0).normal(50, 10, 60)
    dataset = load(pl.DataFrame({"x": numbers, "y": ["yes", "no"] * 30}), target="y")
    np.testing.assert_array_equal(dataset.inputs[:, 0], numbers.astype(np.float32))
