"""Interventions: pure changes of a dataset, each of which removes one assumption about it.

The drop of a network's score when it is trained again on the changed data measures how much it depends on that
assumption. Splits and targets do not change (except where labels are shuffled), so that scores before and after are
paired, and everything random depends on the seed only.

    >>> from bakeoff import load
    >>> digits = load("digits")
    >>> shuffled = intervention("permute_positions", digits.schema)(digits, seed=0)
    >>> (shuffled.inputs[0].sum() == digits.inputs[0].sum()).item(), (shuffled.targets == digits.targets).all().item()
    (True, True)
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bakeoff.data.assembly import with_scaling
from bakeoff.data.dataset import Dataset
from bakeoff.data.interventions import array_changes, graph_changes
from bakeoff.data.schema import Graph, Image, Schema, Series, Table, Tokens
from bakeoff.errors import DataError, suggest

#: Standard deviation of the added noise, in standard deviations of the data.
NOISE = 0.5
#: Part of the tokens that is replaced by random ones.
REPLACED = 0.2

#: (dataset, amount, seed) -> changed dataset.
Apply = Callable[[Dataset, int, int], Dataset]


@dataclass(frozen=True, kw_only=True)
class Intervention:
    """A change of data that removes one assumption.

    Attributes:
        name: with its amount, as in "keep_last_12".
        kind: the name without its amount.
        assumption: what no longer holds (a key under "why.assumption.").
        inputs: the kinds of input that it can change.
        amount: steps, or the side of a block; None where there is none.
        control: whether the result is known beforehand; a study with another result is broken.
        rank: interventions with a high rank are left out first where time is short.
        drawn: whether it is random for each example, so that another seed gives another training set.
    """

    name: str
    kind: str
    assumption: str
    inputs: tuple[type, ...]
    apply: Apply
    amount: int | None = None
    control: bool = False
    rank: int = 0
    drawn: bool = False

    def applies(self, schema: Schema) -> bool:
        """Whether it can change this kind of data."""
        if schema.target.looks_ahead and self.kind not in _FOR_FORECASTS:
            return False
        return isinstance(schema.input, self.inputs)

    def __call__(self, dataset: Dataset, *, seed: int) -> Dataset:
        """The changed dataset; the given one stays as it is.

        Raises:
            DataError: it does not apply to this kind of data; the message lists those that do.
        """
        if not self.applies(dataset.schema):
            raise DataError(_does_not_apply(self.kind, dataset.schema))
        changed = self.apply(dataset, self.amount or 0, seed)
        return changed.changed(name=f"{dataset.name}+{self.name}", encoder=None, findings=())


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
        lengths = true_lengths(dataset)
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
    lengths = true_lengths(dataset)

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


def true_lengths(dataset: Dataset) -> np.ndarray:
    """Real steps or tokens of each example, int64 [N]."""
    if dataset.lengths is not None:
        return np.asarray(dataset.lengths, np.int64)
    if isinstance(dataset.schema.input, Tokens):
        return np.asarray((dataset.rows_at(slice(None)) != 0).sum(axis=1), np.int64)
    return np.full(len(dataset.inputs), dataset.schema.input.shape[-1], np.int64)


@dataclass(frozen=True, kw_only=True)
class _Kind:
    assumption: str
    inputs: tuple[type, ...]
    apply: Apply
    amounts: Callable[[Schema], tuple[int, ...]] | None = None
    control: bool = False
    rank: int = 0
    drawn: bool = False


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
#: A forecast's target is part of its past: only changes that leave the past's values alone make sense.
_FOR_FORECASTS = (
    "keep_last",
    "permute_positions",
    "shuffle_time",
    "add_noise",
    "remove_high",
    "halve_resolution",
)

KINDS: dict[str, _Kind] = {
    "permute_positions": _Kind(
        assumption="neighbourhood", inputs=(Image, Series, Tokens), apply=_order_fixed
    ),
    "shuffle_time": _Kind(
        assumption="order", inputs=(Series,), apply=_each(array_changes.shuffled_anew), drawn=True
    ),
    "bag_of_words": _Kind(
        assumption="word_order", inputs=(Tokens,), apply=_each(array_changes.shuffled_anew), drawn=True
    ),
    "random_shift": _Kind(assumption="place", inputs=_GRIDS, apply=_each(array_changes.rolled), drawn=True),
    "mirror": _Kind(
        assumption="handedness", inputs=(Image,), apply=_each(array_changes.mirrored), drawn=True
    ),
    "rotate": _Kind(
        assumption="upright", inputs=(Image,), apply=_each(array_changes.turned), rank=1, drawn=True
    ),
    "reverse_time": _Kind(
        assumption="direction", inputs=_LINES, apply=_each(array_changes.maybe_reversed), drawn=True
    ),
    "backwards": _Kind(assumption="recency", inputs=_LINES, apply=_backwards, rank=1),
    "rotate_features": _Kind(assumption="axes", inputs=(Table,), apply=_rotation),
    "shuffle_columns": _Kind(assumption="column_order", inputs=(Table,), apply=_columns, control=True),
    "rewire": _Kind(
        assumption="links", inputs=(Graph,), apply=_each_graph(graph_changes.rewired), drawn=True
    ),
    "remove_edges": _Kind(
        assumption="edges", inputs=(Graph,), apply=_each_graph(graph_changes.without_edges)
    ),
    "nodes_alike": _Kind(assumption="node_features", inputs=(Graph,), apply=_nodes_alike),
    "renumber_nodes": _Kind(assumption="numbering", inputs=(Graph,), apply=_renumbered, drawn=True),
    "shuffle_labels": _Kind(assumption="signal", inputs=_ANY, apply=_labels, control=True),
    "keep_last": _Kind(assumption="memory", inputs=_LINES, apply=_keep_last, amounts=_halves, rank=1),
    "add_silence": _Kind(
        assumption="recency", inputs=(Series,), apply=_silence, amounts=_half_as_long, rank=2
    ),
    "permute_blocks": _Kind(
        assumption="scale",
        inputs=(Image, Series, Tokens),
        apply=_order_in_blocks,
        amounts=_block_sides,
        rank=2,
    ),
    "remove_high": _Kind(
        assumption="fine_detail",
        inputs=_GRIDS,
        apply=_rescaled(partial(array_changes.filtered, keep_low=True)),
        rank=1,
    ),
    "remove_low": _Kind(
        assumption="coarse_shape",
        inputs=_GRIDS,
        apply=_rescaled(partial(array_changes.filtered, keep_low=False)),
        rank=1,
    ),
    "halve_resolution": _Kind(
        assumption="resolution", inputs=_GRIDS, apply=_rescaled(array_changes.halved), rank=2
    ),
    "add_noise": _Kind(assumption="precision", inputs=_NOT_GRAPHS, apply=_noise, rank=3, drawn=True),
}


def interventions(schema: Schema) -> tuple[Intervention, ...]:
    """All interventions that apply to this kind of data, with their usual amounts, the most informative first."""
    return tuple(sorted(_all(schema), key=lambda change: change.rank))


#: For each kind of input the most informative changes, in order.
_MOST_TELLING: dict[type, tuple[str, ...]] = {
    Image: ("permute_positions", "random_shift", "mirror"),
    Series: ("permute_positions", "random_shift", "reverse_time"),
    Tokens: ("bag_of_words", "permute_positions", "reverse_time"),
    Table: ("rotate_features", "shuffle_columns"),
    Graph: ("rewire", "remove_edges", "renumber_nodes"),
}


def most_telling(schema: Schema) -> tuple[Intervention, ...]:
    """The most informative interventions for this kind of data, where there is no time for all of them."""
    if schema.target.looks_ahead:
        length = schema.input.shape[-1]
        amounts = dict.fromkeys(max(length // part, 1) for part in (4, 16))
        return (
            *(intervention(f"keep_last_{amount}", schema) for amount in amounts),
            intervention("permute_positions", schema),
        )
    return tuple(intervention(name, schema) for name in _MOST_TELLING[type(schema.input)])


def _all(schema: Schema) -> Iterator[Intervention]:
    for name, kind in KINDS.items():
        made = _make(name, kind, None)
        if made.applies(schema):
            for amount in kind.amounts(schema) if kind.amounts else (None,):
                yield _make(name, kind, amount)


def intervention(name: str, schema: Schema) -> Intervention:
    """The intervention of this name ("mirror", "keep_last_12"), for this kind of data.

    Raises:
        DataError: no such name, an amount that is missing or has no place, or it does not apply to this kind of data.
    """
    match = re.fullmatch(r"(.*?)(?:_(\d+))?", name)
    assert match is not None
    kind, amount = match[1], match[2]
    if kind not in KINDS:
        raise DataError(f"There is no intervention called '{name}'. {suggest(kind, KINDS)}")
    if (amount is None) != (KINDS[kind].amounts is None) or amount == "0":
        rule = (
            "takes no number"
            if KINDS[kind].amounts is None
            else f"needs a number of at least 1, as in '{kind}_8'"
        )
        raise DataError(f"The intervention '{kind}' {rule}; '{name}' was given.")
    made = _make(kind, KINDS[kind], None if amount is None else int(amount))
    if not made.applies(schema):
        raise DataError(_does_not_apply(kind, schema))
    return made


def _make(name: str, kind: _Kind, amount: int | None) -> Intervention:
    return Intervention(
        name=name if amount is None else f"{name}_{amount}",
        kind=name,
        assumption=kind.assumption,
        inputs=kind.inputs,
        apply=kind.apply,
        amount=amount,
        control=kind.control,
        rank=kind.rank,
        drawn=kind.drawn,
    )


def _does_not_apply(kind: str, schema: Schema) -> str:
    usable = dict.fromkeys(change.kind for change in _all(schema))
    what = f"{type(schema.input).__name__} to {type(schema.target).__name__}"
    return f"The intervention '{kind}' does not apply to {what}; those that do: {', '.join(usable)}."
