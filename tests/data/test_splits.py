"""Schemas, splits and scaling: what must hold for any data."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakeoff.data import scaling as scaling_module
from bakeoff.data.scaling import Scaling
from bakeoff.data.schema import Classes, Forecast, Image, Schema, Series, Table, Tokens, Value
from bakeoff.data.splits import make_splits, nested_order
from bakeoff.errors import DataError

size = st.integers(1, 50)
inputs = st.one_of(
    st.builds(Image, channels=size, height=size, width=size),
    st.builds(Series, channels=size, length=size),
    st.builds(Tokens, vocabulary_size=size, length=size),
    st.builds(Table, features=size),
)
targets = st.one_of(
    st.builds(Classes, names=st.lists(st.text(), min_size=2, max_size=5, unique=True).map(tuple)),
    st.builds(Value, size=size),
    st.builds(Forecast, horizon=size, season=size),
)


@given(inputs, targets)
def test_a_schema_comes_back_from_json(input_kind: Image, target: Classes) -> None:
    schema = Schema(input=input_kind, target=target)
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


@pytest.mark.parametrize(
    "record", [{}, {"input": {"kind": "os.system"}}, {"input": {"kind": "Image"}, "target": {}}]
)
def test_a_damaged_schema_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(DataError, match="not a schema that bakeoff wrote"):
        Schema.from_json(record)


def classes(count: int) -> Schema:
    return Schema(input=Table(features=1), target=Classes(names=tuple(map(str, range(count)))))


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=10, max_size=300), st.integers(0, 1000))
def test_splits_divide_everything_and_train_on_every_class_that_can_be(labels: list[int], seed: int) -> None:
    codes = np.array(labels)
    splits = make_splits(classes(5), codes, seed=seed)
    together = np.concatenate([splits.train, splits.validation, splits.test])
    np.testing.assert_array_equal(np.sort(together), np.arange(len(codes)))
    assert set(codes[splits.train]) == set(codes)
    counts = np.bincount(codes, minlength=5)
    for part in (splits.train, splits.test):
        expected = counts * len(part) / len(codes)
        assert np.abs(np.bincount(codes[part], minlength=5) - expected).max() <= 3


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=20, max_size=200).filter(lambda g: len(set(g)) >= 4),
    st.integers(0, 99),
)
def test_a_group_is_on_one_side(groups: list[int], seed: int) -> None:
    labels = np.arange(len(groups)) % 2
    splits = make_splits(classes(2), labels, seed=seed, groups=np.array(groups))
    sides = [set(np.array(groups)[part]) for part in (splits.train, splits.validation, splits.test)]
    assert all(sides)
    assert sum(map(len, sides)) == len(set(groups))


@given(st.lists(st.integers(0, 3), min_size=4, max_size=200), st.integers(0, 99), st.data())
def test_every_prefix_of_the_nested_order_has_the_shares_of_the_whole(
    labels: list[int], seed: int, data: st.DataObject
) -> None:
    codes = np.array(labels)
    order = nested_order(np.arange(len(codes)), codes, seed=seed)
    np.testing.assert_array_equal(np.sort(order), np.arange(len(codes)))
    length = data.draw(st.integers(1, len(codes)))
    expected = np.bincount(codes, minlength=4) * length / len(codes)
    assert np.abs(np.bincount(codes[order[:length]], minlength=4) - expected).max() <= 2


@given(st.integers(1, 40), st.integers(1, 3), st.integers(1, 9), st.integers(0, 99), st.booleans())
def test_scaling_is_the_mean_and_deviation_of_the_real_steps(
    count: int, channels: int, length: int, seed: int, padded: bool
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((count, channels, length)).astype(np.float32) * 3 + 7
    lengths = rng.integers(1, length + 1, count) if padded else None
    learned = Scaling.learn(values, lengths)
    for channel in range(channels):
        real = np.concatenate(
            [row[channel, : (length if lengths is None else lengths[n])] for n, row in enumerate(values)]
        )
        assert learned.mean[channel] == pytest.approx(real.astype(np.float64).mean(), abs=1e-5)
        if np.ptp(real) > 0:
            assert learned.std[channel] == pytest.approx(real.astype(np.float64).std(), rel=1e-4, abs=1e-6)


def test_scaling_by_blocks_is_scaling_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(0, 256, (500, 3, 8, 8), dtype=np.uint8)
    whole = Scaling.learn(values)
    monkeypatch.setattr(scaling_module, "STATISTICS_BLOCK_NUMBERS", 1000)
    blocks = Scaling.learn(values)
    np.testing.assert_allclose(blocks.mean, whole.mean, rtol=1e-6)
    np.testing.assert_allclose(blocks.std, whole.std, rtol=1e-6)
    np.testing.assert_allclose(whole.mean, values.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(whole.std, values.std(axis=(0, 2, 3)), rtol=1e-6)


def test_scaling_never_holds_the_whole_set_as_float() -> None:
    values = np.zeros((4000, 3, 32, 32), np.uint8)
    values[::2] = 255
    tracemalloc.start()
    Scaling.learn(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * scaling_module.STATISTICS_BLOCK_NUMBERS * 8 < values.size * 4
