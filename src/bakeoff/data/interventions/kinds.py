"""Each kind of intervention: on which data, what no longer holds, and the change itself.

The changes are functions of a whole dataset, made of those of arrays (`array_changes`) and graphs (`graph_changes`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

import numpy as np

from bakeoff.data.assembly import with_scaling
from bakeoff.data.dataset import Dataset
from bakeoff.data.interventions import array_changes, graph_changes
from bakeoff.data.schema import Graph, Image, Schema, Series, Table, Tokens
from bakeoff.errors import DataError

#: Standard deviation of the added noise, in standard deviations of the data.
NOISE = 0.5
#: Part of the tokens that is replaced by random ones.
REPLACED = 0.2

#: The kind whose amount is how many of the last steps are left: by it the memory that a network needs is sought.
KEEP_LAST = "keep_last"

#: (dataset, amount, seed) -> changed dataset.
Apply = Callable[[Dataset, int, int], Dataset]


class Control(Enum):
    """What is known beforehand of a training on the changed data; a study with another result is broken."""

    SAME_SCORE = "same_score"
    NO_SIGNAL = "no_signal"


def _order_fixed(dataset: Dataset, amount: int, seed: int) -> Dataset:
    order = np.random.default_rng(seed).permutation(array_changes.positions(dataset))
    return _moved(dataset, order, seed)


def _order_in_blocks(dataset: Dataset, amount: int, seed: int) -> Dataset:
    return _moved(
        dataset, array_changes.block_permutation(dataset, amount, np.random.default_rng(seed)), seed
    )


def _backwards(dataset: Dataset, amount: int, seed: int) -> Dataset:
    return _moved(dataset, np.arange(array_changes.positions(dataset))[::-1].copy(), seed)


def _moved(dataset: Dataset, order: np.ndarray, seed: int) -> Dataset:
    return dataset.changed(
        inputs=array_changes.mapped(
            dataset, lambda x, lengths, rng: array_changes.reorder(x, order, lengths), seed=seed
        )
    )


def _each(change: array_changes.Change) -> Apply:
    """An intervention that changes each example by a function of block, lengths and generator."""

    def apply(dataset: Dataset, amount: int, seed: int) -> Dataset:
        return dataset.changed(inputs=array_changes.mapped(dataset, change, seed=seed))

    return apply


def _each_graph(change: graph_changes.GraphChange) -> Apply:
    """An intervention that changes each graph by a function of block and generator."""

    def apply(dataset: Dataset, amount: int, seed: int) -> Dataset:
        return dataset.changed(inputs=graph_changes.mapped(dataset.graphs, change, seed=seed))

    return apply


def _rescaled(change: Callable[[array_changes.Array], array_changes.Array]) -> Apply:
    """An intervention that changes the range of the values, so that the scaling is learned again."""

    def apply(dataset: Dataset, amount: int, seed: int) -> Dataset:
        return with_scaling(
            dataset.changed(inputs=array_changes.mapped(dataset, lambda x, n, rng: change(x), seed=seed))
        )

    return apply


def _keep_last(dataset: Dataset, amount: int, seed: int) -> Dataset:
    if isinstance(dataset.schema.input, Tokens):
        lengths = _true_lengths(dataset)
        cut = array_changes.last_tokens(dataset.rows_at(slice(None)), lengths, keep=amount)
        return dataset.changed(inputs=cut, lengths=np.minimum(lengths, amount))
    mean, _ = array_changes.channel_statistics(dataset)
    keep = partial(array_changes.last_steps, keep=amount, fill=mean)
    return dataset.changed(
        inputs=array_changes.mapped(dataset, lambda x, lengths, rng: keep(x, lengths), seed=seed)
    )


def _silence(dataset: Dataset, amount: int, seed: int) -> Dataset:
    """`amount` steps of the mean after the last real one; the schema's length grows by as many."""
    assert isinstance(dataset.schema.input, Series)
    mean, _ = array_changes.channel_statistics(dataset)
    length = dataset.schema.input.length
    lengths = _true_lengths(dataset)

    def lengthen(
        x: array_changes.Array, block: np.ndarray | None, rng: np.random.Generator
    ) -> array_changes.Array:
        longer = np.broadcast_to(mean[:, None], (len(x), len(mean), length + amount)).astype(np.float32)
        real = np.arange(length) < (np.full(len(x), length) if block is None else block)[:, None]
        longer[:, :, :length] = np.where(real[:, None, :], x, longer[:, :, :length])
        return longer

    schema = replace(dataset.schema, input=replace(dataset.schema.input, length=length + amount))
    return dataset.changed(
        schema=schema,
        inputs=array_changes.mapped(dataset, lengthen, seed=seed),
        lengths=None if dataset.lengths is None else lengths + amount,
    )


def _columns(dataset: Dataset, amount: int, seed: int) -> Dataset:
    order = np.random.default_rng(seed).permutation(dataset.schema.input.shape[0])
    return with_scaling(dataset.changed(inputs=dataset.rows_at(slice(None))[:, order]))


def _rotation(dataset: Dataset, amount: int, seed: int) -> Dataset:
    """The standardised features turned by a random rotation (the Q of a random matrix, Haar-distributed)."""
    features = dataset.schema.input.shape[0]
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((features, features)))
    turn = (q * np.sign(np.diag(r))).astype(np.float32)
    assert dataset.scaling is not None
    scaling = dataset.scaling

    def turned(
        x: array_changes.Array, lengths: np.ndarray | None, rng: np.random.Generator
    ) -> array_changes.Array:
        """In the columns' own units, so that a network trained on unchanged data can be tested on it."""
        return ((scaling.apply(x) @ turn) * scaling.std + scaling.mean).astype(array_changes.precision_of(x))

    return with_scaling(dataset.changed(inputs=array_changes.mapped(dataset, turned, seed=seed)))


def _labels(dataset: Dataset, amount: int, seed: int) -> Dataset:
    """Targets permuted within each split: nothing about an example is left to learn."""
    targets = np.array(dataset.targets)
    splits = dataset.splits
    for number, part in enumerate((splits.train, splits.validation, splits.test)):
        rows = np.sort(part)
        targets[rows] = targets[np.random.default_rng((seed, number)).permutation(rows)]
    return dataset.changed(targets=targets)


def _renumbered(dataset: Dataset, amount: int, seed: int) -> Dataset:
    if dataset.offsets is not None:
        raise DataError(
            "Numbering nodes anew would part them from their own labels: leave 'renumber_nodes' out where nodes are "
            "what is predicted."
        )
    return _each_graph(graph_changes.renumbered)(dataset, amount, seed)


def _nodes_alike(dataset: Dataset, amount: int, seed: int) -> Dataset:
    """Every node holds the training nodes' mean."""
    assert isinstance(dataset.schema.input, Graph)
    mean, _ = array_changes.channel_statistics(dataset)
    fill = mean[: dataset.schema.input.features]
    return dataset.changed(inputs=graph_changes.with_nodes_alike(dataset.graphs, fill=fill))


def _noise(dataset: Dataset, amount: int, seed: int) -> Dataset:
    kind = dataset.schema.input
    if isinstance(kind, Tokens):
        replaced = partial(array_changes.words_replaced, vocabulary_size=kind.vocabulary_size, part=REPLACED)
        return dataset.changed(
            inputs=array_changes.mapped(dataset, lambda x, n, rng: replaced(x, rng), seed=seed)
        )
    _, deviation = array_changes.channel_statistics(dataset)
    noisy = partial(array_changes.noisy, deviation=NOISE * deviation)
    return with_scaling(
        dataset.changed(inputs=array_changes.mapped(dataset, lambda x, n, rng: noisy(x, rng), seed=seed))
    )


def _true_lengths(dataset: Dataset) -> np.ndarray:
    """Real steps or tokens of each example, int64 [N]."""
    if dataset.lengths is not None:
        return np.asarray(dataset.lengths, np.int64)
    if isinstance(dataset.schema.input, Tokens):
        return np.asarray((dataset.rows_at(slice(None)) != 0).sum(axis=1), np.int64)
    return np.full(len(dataset.inputs), dataset.schema.input.shape[-1], np.int64)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of intervention; the attributes are those of `Intervention`, and besides:

    Attributes:
        amounts: the usual amounts for a schema; None where there is none.
        boundary: which of the amounts that lower a score says most: `min` or `max`; None where the largest drop does.
        keeps_past: whether it suits forecasts: their target is part of the past, whose values must stay as they are.
    """

    assumption: str
    inputs: tuple[type, ...]
    apply: Apply
    amounts: Callable[[Schema], tuple[int, ...]] | None = None
    boundary: Callable[[Iterable[int]], int] | None = None
    control: Control | None = None
    rank: int = 0
    drawn: bool = False
    changes_targets: bool = False
    keeps_past: bool = False


def _block_sides(schema: Schema) -> tuple[int, ...]:
    """2, 4, 8 ... as long as there are at least two blocks a side."""
    side = min(schema.input.shape[-2:]) if isinstance(schema.input, Image) else schema.input.shape[-1]
    return tuple(2**k for k in range(1, 12) if 2 ** (k + 1) <= side)


def _halves(schema: Schema) -> tuple[int, ...]:
    """A half, a quarter, an eighth ... of the length, and the last step alone."""
    length = schema.input.shape[-1]
    return tuple(sorted({max(length // 2**k, 1) for k in range(1, 12) if length // 2**k >= 1}, reverse=True))


def _half_as_long(schema: Schema) -> tuple[int, ...]:
    return (max(schema.input.shape[-1] // 2, 1),)


_GRIDS, _LINES = (Image, Series), (Series, Tokens)
_NOT_GRAPHS = (Image, Series, Tokens, Table)
_ANY = (*_NOT_GRAPHS, Graph)

KINDS: dict[str, Kind] = {
    "permute_positions": Kind(
        assumption="neighbourhood", inputs=(Image, Series, Tokens), apply=_order_fixed, keeps_past=True
    ),
    "shuffle_time": Kind(
        assumption="order",
        inputs=(Series,),
        apply=_each(array_changes.shuffled_anew),
        drawn=True,
        keeps_past=True,
    ),
    "bag_of_words": Kind(
        assumption="word_order", inputs=(Tokens,), apply=_each(array_changes.shuffled_anew), drawn=True
    ),
    "random_shift": Kind(assumption="place", inputs=_GRIDS, apply=_each(array_changes.rolled), drawn=True),
    "mirror": Kind(assumption="handedness", inputs=(Image,), apply=_each(array_changes.mirrored), drawn=True),
    "rotate": Kind(
        assumption="upright", inputs=(Image,), apply=_each(array_changes.turned), rank=1, drawn=True
    ),
    "reverse_time": Kind(
        assumption="direction", inputs=_LINES, apply=_each(array_changes.maybe_reversed), drawn=True
    ),
    "backwards": Kind(assumption="recency", inputs=_LINES, apply=_backwards, rank=1),
    "rotate_features": Kind(assumption="axes", inputs=(Table,), apply=_rotation),
    "shuffle_columns": Kind(
        assumption="column_order", inputs=(Table,), apply=_columns, control=Control.SAME_SCORE
    ),
    "rewire": Kind(assumption="links", inputs=(Graph,), apply=_each_graph(graph_changes.rewired), drawn=True),
    "remove_edges": Kind(assumption="edges", inputs=(Graph,), apply=_each_graph(graph_changes.without_edges)),
    "nodes_alike": Kind(assumption="node_features", inputs=(Graph,), apply=_nodes_alike),
    "renumber_nodes": Kind(assumption="numbering", inputs=(Graph,), apply=_renumbered, drawn=True),
    "shuffle_labels": Kind(
        assumption="signal", inputs=_ANY, apply=_labels, control=Control.NO_SIGNAL, changes_targets=True
    ),
    KEEP_LAST: Kind(
        assumption="memory",
        inputs=_LINES,
        apply=_keep_last,
        amounts=_halves,
        boundary=max,  # of steps that are left: still too few
        rank=1,
        keeps_past=True,
    ),
    "add_silence": Kind(
        assumption="recency", inputs=(Series,), apply=_silence, amounts=_half_as_long, rank=2
    ),
    "permute_blocks": Kind(
        assumption="scale",
        inputs=(Image, Series, Tokens),
        apply=_order_in_blocks,
        amounts=_block_sides,
        boundary=min,  # of a block: neighbours further away than that are of use as well
        rank=2,
    ),
    "remove_high": Kind(
        assumption="fine_detail",
        inputs=_GRIDS,
        apply=_rescaled(partial(array_changes.filtered, keep_low=True)),
        rank=1,
        keeps_past=True,
    ),
    "remove_low": Kind(
        assumption="coarse_shape",
        inputs=_GRIDS,
        apply=_rescaled(partial(array_changes.filtered, keep_low=False)),
        rank=1,
    ),
    "halve_resolution": Kind(
        assumption="resolution", inputs=_GRIDS, apply=_rescaled(array_changes.halved), rank=2, keeps_past=True
    ),
    "add_noise": Kind(
        assumption="precision", inputs=_NOT_GRAPHS, apply=_noise, rank=3, drawn=True, keeps_past=True
    ),
}
