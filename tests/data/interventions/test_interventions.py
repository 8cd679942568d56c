"""Every intervention keeps what it must keep and removes what it says, on small data whose answer is known by hand."""

import copy

import numpy as np
import pytest

from bakeoff.data.assembly import with_scaling
from bakeoff.data.dataset import Dataset
from bakeoff.data.forms.graphs import graphs_of_dense
from bakeoff.data.interventions.catalogue import KINDS, intervention, interventions
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Classes, Forecast, Graph, Image, Schema, Series, Table, Tokens
from bakeoff.data.splits import make_splits
from bakeoff.errors import DataError

COUNT = 60


def make(kind, inputs, *, lengths=None, target=None):
    target = target or Classes(names=("a", "b", "c"))
    schema = Schema(input=kind, target=target)
    targets = np.arange(COUNT) % 3 if isinstance(target, Classes) else np.zeros((COUNT, 2), np.float32)
    splits = make_splits(schema, targets, seed=0)
    return with_scaling(
        Dataset(name="d", schema=schema, inputs=inputs, targets=targets, splits=splits, lengths=lengths)
    )


def image(seed=0, height=8, width=8):
    x = np.random.default_rng(seed).integers(0, 256, (COUNT, 2, height, width)).astype(np.uint8)
    return make(Image(channels=2, height=height, width=width), x)


def series(seed=0, lengths=None):
    x = np.random.default_rng(seed).standard_normal((COUNT, 2, 16)).astype(np.float32)
    if lengths is not None:
        x[np.broadcast_to((np.arange(16) >= lengths[:, None])[:, None], x.shape)] = 0
    return make(Series(channels=2, length=16), x, lengths=lengths)


def text(seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 13, COUNT)
    x = np.where(np.arange(12) < lengths[:, None], rng.integers(1, 20, (COUNT, 12)), 0).astype(np.int32)
    return make(Tokens(vocabulary_size=20, length=12), x, lengths=lengths)


def table(seed=0):
    x = np.random.default_rng(seed).standard_normal((COUNT, 5)).astype(np.float32) * [1, 10, 100, 1, 1] + 3
    return make(Table(features=5), x.astype(np.float32))


def graph(seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(5, 9, COUNT)
    real = np.arange(8) < lengths[:, None]
    edges = np.triu(rng.random((COUNT, 8, 8)) < 0.5, 1)
    edges = (edges | edges.transpose(0, 2, 1)) & real[:, None] & real[:, :, None]
    x = np.concatenate([rng.standard_normal((COUNT, 2, 8)) * real[:, None], edges], axis=1)
    kind = Graph(nodes=8, features=2)
    return make(kind, graphs_of_dense(x.astype(np.float32), kind, lengths), lengths=lengths)


RAGGED = np.random.default_rng(5).integers(4, 17, COUNT)
DATASETS = {
    "image": image,
    "series": series,
    "ragged": lambda seed=0: series(seed, RAGGED),
    "text": text,
    "table": table,
    "graph": graph,
}
CASES = [(name, change.name) for name, data in DATASETS.items() for change in interventions(data().schema)]


def arrays_of(inputs):
    return inputs.arrays() if isinstance(inputs, PackedGraphs) else {"inputs": inputs}


def same(inputs, others):
    ours, theirs = arrays_of(inputs), arrays_of(others)
    return ours.keys() == theirs.keys() and all(np.array_equal(a, theirs[name]) for name, a in ours.items())


@pytest.mark.parametrize(("data", "name"), CASES)
def test_an_intervention_is_pure_repeats_by_seed_and_keeps_splits_and_examples(data, name):
    before = DATASETS[data]()
    inputs, targets = copy.deepcopy(before.inputs), before.targets.copy()
    change = intervention(name, before.schema)
    after, again = change(before, seed=3), change(before, seed=3)
    assert same(before.inputs, inputs)
    assert np.array_equal(before.targets, targets)
    assert same(after.inputs, again.inputs)
    assert np.array_equal(after.targets, again.targets)
    assert after.splits is before.splits
    assert len(after.inputs) == COUNT
    if not isinstance(after.inputs, PackedGraphs):
        assert after.inputs.shape[1:] == after.schema.input.shape
    for array in arrays_of(after.inputs_at(after.splits.test)).values():
        assert np.isfinite(array).all()
    changed = not (same(after.inputs, inputs) and np.array_equal(after.targets, targets))
    assert changed or name == "keep_last_8"  # no text has more than 12 real tokens, a half of them is 6
    if change.kind != "shuffle_labels":
        assert np.array_equal(after.targets, targets)


@pytest.mark.parametrize("data", ["image", "series", "table", "text", "graph"])
def test_labels_are_shuffled_within_each_split_and_nothing_else_is(data):
    before = DATASETS[data]()
    after = intervention("shuffle_labels", before.schema)(before, seed=0)
    for part in (before.splits.train, before.splits.validation, before.splits.test):
        assert sorted(after.targets[part]) == sorted(before.targets[part])
    assert (after.targets != before.targets).any()
    assert same(after.inputs, before.inputs)


def test_one_permutation_moves_all_examples_and_channels_alike_and_can_be_undone():
    before = image()
    after = intervention("permute_positions", before.schema)(before, seed=1)
    flat, moved = before.inputs.reshape(COUNT, 2, -1), after.inputs.reshape(COUNT, 2, -1)
    places = [int(np.flatnonzero((flat == moved[:, :, [p]]).all(axis=(0, 1)))[0]) for p in range(64)]
    assert sorted(places) == list(range(64))
    assert places != list(range(64))
    other = intervention("permute_positions", before.schema)(before, seed=2)
    assert not np.array_equal(after.inputs, other.inputs)


@pytest.mark.parametrize("side", [2, 4])
def test_blocks_keep_their_pixels(side):
    before = image()
    after = intervention(f"permute_blocks_{side}", before.schema)(before, seed=0)

    def blocks(x):
        parts = x.reshape(COUNT, 2, 8 // side, side, 8 // side, side).transpose(0, 1, 2, 4, 3, 5)
        return np.sort(parts.reshape(COUNT, 2, -1, side * side), axis=3)

    assert np.array_equal(blocks(before.inputs), blocks(after.inputs))
    assert not np.array_equal(before.inputs, after.inputs)


@pytest.mark.parametrize(
    "name", ["permute_positions", "shuffle_time", "backwards", "reverse_time", "random_shift"]
)
def test_padding_stays_at_the_end_and_the_real_steps_stay_the_same_set(name):
    before = DATASETS["ragged"]()
    after = intervention(name, before.schema)(before, seed=0)
    assert np.array_equal(after.lengths, before.lengths)
    for row, length in enumerate(RAGGED):
        assert (after.inputs[row, :, length:] == 0).all()
        real = {tuple(step) for step in before.inputs[row, :, :length].T}
        assert {tuple(step) for step in after.inputs[row, :, :length].T} == real


def test_backwards_is_numpys_flip_and_reversing_at_random_leaves_about_half():
    before = series()
    assert np.array_equal(
        intervention("backwards", before.schema)(before, seed=0).inputs, before.inputs[:, :, ::-1]
    )
    after = intervention("reverse_time", before.schema)(before, seed=0).inputs
    same = (after == before.inputs).all(axis=(1, 2))
    flipped = (after == before.inputs[:, :, ::-1]).all(axis=(1, 2))
    assert (same ^ flipped).all()
    assert 15 < same.sum() < 45


def test_shuffling_time_anew_gives_each_example_its_own_order_and_bag_of_words_keeps_the_bag():
    before = series()
    after = intervention("shuffle_time", before.schema)(before, seed=0).inputs
    orders = [
        tuple(np.argsort(np.argsort(after[row, 0])) - np.argsort(np.argsort(before.inputs[row, 0])))
        for row in (0, 1, 2)
    ]
    assert len(set(orders)) == 3
    words = text()
    bag = intervention("bag_of_words", words.schema)(words, seed=0).inputs
    assert np.array_equal(np.sort(bag, axis=1), np.sort(words.inputs, axis=1))
    assert ((bag != 0) == (words.inputs != 0)).all()
    assert (bag != words.inputs).any()


def test_a_shift_moves_whole_examples_around():
    before = series()
    after = intervention("random_shift", before.schema)(before, seed=0).inputs
    steps = [
        next(s for s in range(16) if np.array_equal(np.roll(before.inputs[row], -s, axis=1), after[row]))
        for row in range(COUNT)
    ]
    assert len(set(steps)) > 8
    picture = image()
    moved = intervention("random_shift", picture.schema)(picture, seed=0).inputs
    for row in range(5):
        assert any(
            np.array_equal(np.roll(picture.inputs[row], (down, right), axis=(1, 2)), moved[row])
            for down in range(-2, 3)
            for right in range(-2, 3)
        )


def test_mirrors_and_turns_are_numpys():
    before = image()
    mirrored = intervention("mirror", before.schema)(before, seed=0).inputs
    same = (mirrored == before.inputs).all(axis=(1, 2, 3))
    assert ((mirrored == before.inputs[..., ::-1]).all(axis=(1, 2, 3)) ^ same).all()
    turned = intervention("rotate", before.schema)(before, seed=0).inputs
    quarters = [
        next(k for k in range(4) if np.array_equal(np.rot90(before.inputs[row], k, axes=(1, 2)), turned[row]))
        for row in range(COUNT)
    ]
    assert set(quarters) == {0, 1, 2, 3}
    oblong = image(height=4, width=8)
    halves = intervention("rotate", oblong.schema)(oblong, seed=0).inputs
    assert halves.shape == oblong.inputs.shape
    assert {tuple(row.ravel()) for row in halves} <= {
        tuple(x.ravel()) for row in oblong.inputs for x in (row, row[:, ::-1, ::-1])
    }


def test_a_shorter_memory_blanks_what_is_older_with_what_becomes_zero():
    before = DATASETS["ragged"]()
    after = intervention("keep_last_3", before.schema)(before, seed=0)
    seen, was = after.inputs_at(np.arange(COUNT)), before.inputs_at(np.arange(COUNT))
    for row, length in enumerate(RAGGED):
        start = max(length - 3, 0)
        assert np.abs(seen[row, :, :start]).max(initial=0) < 1e-6
        assert np.array_equal(seen[row, :, start:], was[row, :, start:])
    words = text()
    kept = intervention("keep_last_3", words.schema)(words, seed=0)
    for row in range(COUNT):
        real = words.inputs[row][words.inputs[row] != 0]
        assert np.array_equal(kept.inputs[row, : kept.lengths[row]], real[-3:])


def test_silence_lengthens_the_series_and_is_zero_once_scaled():
    before = series()
    after = intervention("add_silence_8", before.schema)(before, seed=0)
    assert after.schema.input.length == 24
    assert np.array_equal(after.inputs[:, :, :16], before.inputs)
    assert np.abs(after.inputs_at(np.arange(COUNT))[:, :, 16:]).max() < 1e-6
    ragged = intervention("add_silence_8", before.schema)(DATASETS["ragged"](), seed=0)
    assert np.array_equal(ragged.lengths, RAGGED + 8)


def test_columns_are_permuted_and_a_rotation_keeps_all_distances():
    before = table()
    columns = intervention("shuffle_columns", before.schema)(before, seed=0)
    assert sorted(columns.inputs.mean(axis=0)) == pytest.approx(sorted(before.inputs.mean(axis=0)))
    assert np.array_equal(np.sort(columns.inputs, axis=1), np.sort(before.inputs, axis=1))
    after = intervention("rotate_features", before.schema)(before, seed=0)
    scaled, rotated = before.inputs_at(np.arange(COUNT)), before.scaling.apply(after.inputs)
    assert np.linalg.norm(rotated, axis=1) == pytest.approx(np.linalg.norm(scaled, axis=1), rel=1e-4)
    assert not np.allclose(rotated, scaled)


def test_low_and_high_frequencies_add_up_to_the_whole_and_a_slow_wave_survives_only_one_of_them():
    before = series()
    low = intervention("remove_high", before.schema)(before, seed=0).inputs
    high = intervention("remove_low", before.schema)(before, seed=0).inputs
    mean = before.inputs.mean(axis=2, keepdims=True)
    assert low + high - mean == pytest.approx(before.inputs, abs=1e-4)
    wave = np.tile(np.sin(2 * np.pi * np.arange(16) / 16), (COUNT, 2, 1)).astype(np.float32)
    slow = before.changed(inputs=wave)
    assert intervention("remove_high", before.schema)(slow, seed=0).inputs == pytest.approx(wave, abs=1e-5)
    assert np.abs(intervention("remove_low", before.schema)(slow, seed=0).inputs).max() < 1e-5


def test_half_the_resolution_is_the_mean_of_pairs():
    before = image()
    after = intervention("halve_resolution", before.schema)(before, seed=0).inputs
    means = before.inputs.reshape(COUNT, 2, 4, 2, 4, 2).astype(np.float64).mean(axis=(3, 5))
    assert after == pytest.approx(np.repeat(np.repeat(means, 2, axis=2), 2, axis=3), rel=1e-5)


def test_noise_has_the_stated_size_in_units_of_each_feature():
    before = table()
    noise = intervention("add_noise", before.schema)(before, seed=0).inputs - before.inputs
    assert noise.std(axis=0) / before.scaling.std == pytest.approx(0.5, rel=0.35)
    words = text()
    replaced = intervention("add_noise", words.schema)(words, seed=0).inputs
    real = words.inputs != 0
    assert 0.1 < (replaced != words.inputs)[real].mean() < 0.3
    assert (replaced[~real] == 0).all()


def test_an_intervention_that_does_not_apply_says_so_and_lists_those_that_do():
    with pytest.raises(
        DataError, match="'mirror' does not apply to Table to Classes; those that do: rotate_features"
    ):
        intervention("mirror", table().schema)
    made = intervention("rotate_features", table().schema)
    with pytest.raises(DataError, match="does not apply to Image"):
        made(image(), seed=0)
    with pytest.raises(DataError, match=r"no intervention called 'miror'\. Did you mean 'mirror'"):
        intervention("miror", image().schema)
    with pytest.raises(DataError, match="needs a number of at least 1, as in 'keep_last_8'"):
        intervention("keep_last", series().schema)
    with pytest.raises(DataError, match="takes no number; 'mirror_3' was given"):
        intervention("mirror_3", image().schema)


def test_a_forecast_is_only_changed_where_its_target_stays_its_future():
    schema = Schema(input=Series(channels=1, length=16), target=Forecast(horizon=2))
    kinds = {change.kind for change in interventions(schema)}
    assert "keep_last" in kinds
    assert not kinds & {"shuffle_labels", "backwards", "random_shift", "add_silence"}


def test_every_kind_applies_somewhere_and_its_assumption_has_a_name():
    from bakeoff.messages import all_sentences

    sentences = all_sentences()
    applied = {intervention(name, DATASETS[data]().schema).kind for data, name in CASES}
    assert applied == set(KINDS)
    assert all(f"why.assumption.{kind.assumption}" in sentences for kind in KINDS.values())
    explained = {kind.assumption for kind in KINDS.values() if not kind.control}
    assert all(f"why.matters.{assumption}" in sentences for assumption in explained)
