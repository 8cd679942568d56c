"""The entrants that are no networks: baselines, k-nearest neighbours and gradient boosting.

They answer whether a network is needed at all. All of them see an example as a row: its scaled values one after
another, or for a text the TF-IDF weights of its words (for boosting their first `TOPICS` singular directions,
since trees want dense columns).
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Classes, Forecast, Schema, Series, Tokens
from bakeoff.data.splits import Indices

#: Numbers of neighbours that are tried, and boosting's learning rates.
NEIGHBOURS = (1.0, 3.0, 7.0, 15.0)
BOOSTING_RATES = (0.1, 0.3)
#: Trees a class that gradient boosting adds in one round.
TREES_PER_ROUND = 10
#: The most rounds of gradient boosting.
MOST_ROUNDS = 15
#: Rounds in a row without a lower validation loss before boosting stops.
PATIENCE_ROUNDS = 2
#: Predicted time of a round of `TREES_PER_ROUND` trees, in times of the first tree, which includes preparing the data.
ROUND_PER_FIRST_TREE = 5.0
#: TF-IDF rows are reduced to this many singular directions for boosting, since trees want few dense columns.
TOPICS = 64
#: Examples whose neighbours are searched at once: the clock is looked at in between.
_QUERIES = 500

Rows = Any  # a float32 array [N, F] or a scipy sparse matrix of that shape


class OutOfTimeError(Exception):
    """The deadline passed in the middle of a fit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassicalFit:
    """One classical fit: its outputs on validation and test, float32 [N, outputs], and what it cost."""

    validation: NDArray[np.float32]
    test: NDArray[np.float32]
    parameters: int
    flops_per_example: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Classical:
    """An entrant that is no network.

    Attributes:
        name, kind: "baseline" or "classical".
        settings: the values tried for its one tuned number; (None,) where nothing is tuned.
        fit: (dataset, training indices, seed, settings, deadline) to one fit per setting.
    """

    name: str
    kind: str
    settings: tuple[float | None, ...]
    fit: Callable[[Dataset, Indices, int, Sequence[float | None], float], list[ClassicalFit]]


def entrants(schema: Schema) -> tuple[Classical, ...]:
    """The baselines and classical entrants for this kind of data, cheapest first."""
    neighbours = Classical(name="knn", kind="classical", settings=NEIGHBOURS, fit=_fit_neighbours)
    boosting = Classical(name="boosting", kind="classical", settings=BOOSTING_RATES, fit=_fit_boosting)
    if isinstance(schema.target, Classes):
        return (
            Classical(name="majority", kind="baseline", settings=(None,), fit=_fit_majority),
            neighbours,
            boosting,
        )
    mean = Classical(name="mean", kind="baseline", settings=(None,), fit=_fit_mean)
    if not isinstance(schema.target, Forecast):
        return mean, neighbours, boosting
    naive = [Classical(name="last_value", kind="baseline", settings=(None,), fit=_fit_last_value)]
    if schema.target.season > 1:
        naive.append(Classical(name="seasonal_naive", kind="baseline", settings=(None,), fit=_fit_seasonal))
    return (*naive, neighbours, boosting)


def by_name(schema: Schema) -> dict[str, Classical]:
    return {entrant.name: entrant for entrant in entrants(schema)}


def _constant(dataset: Dataset, row: NDArray[Any], started: float, parameters: int) -> list[ClassicalFit]:
    outputs = [np.tile(row.astype(np.float32), (len(part), 1)) for part in _judged(dataset)]
    return [_done(outputs, parameters=parameters, flops=0, started=started)]


def _judged(dataset: Dataset) -> tuple[Indices, Indices]:
    return dataset.splits.validation, dataset.splits.test


def _done(
    outputs: Sequence[NDArray[np.float32]], *, parameters: int, flops: int, started: float
) -> ClassicalFit:
    return ClassicalFit(
        validation=outputs[0],
        test=outputs[1],
        parameters=parameters,
        flops_per_example=flops,
        seconds=time.monotonic() - started,
    )


def _fit_majority(
    dataset: Dataset, train: Indices, seed: int, settings: Any, deadline: float
) -> list[ClassicalFit]:
    """Always the most frequent class; its probabilities are the (smoothed) frequencies."""
    started = time.monotonic()
    counts = np.bincount(dataset.targets_at(train), minlength=dataset.schema.outputs) + 1.0
    return _constant(dataset, np.log(counts / counts.sum()), started, len(counts))


def _fit_mean(
    dataset: Dataset, train: Indices, seed: int, settings: Any, deadline: float
) -> list[ClassicalFit]:
    """Always the mean of the training targets."""
    started = time.monotonic()
    mean = dataset.targets_at(train).reshape(len(train), -1).mean(axis=0)
    return _constant(dataset, mean, started, len(mean))


def _fit_last_value(
    dataset: Dataset, train: Indices, seed: int, settings: Any, deadline: float
) -> list[ClassicalFit]:
    """The next values are the last one seen."""
    return [_naive(dataset, season=1)]


def _fit_seasonal(
    dataset: Dataset, train: Indices, seed: int, settings: Any, deadline: float
) -> list[ClassicalFit]:
    """The next values are those of one season before."""
    assert isinstance(dataset.schema.target, Forecast)
    return [_naive(dataset, season=dataset.schema.target.season)]


def _naive(dataset: Dataset, *, season: int) -> ClassicalFit:
    started = time.monotonic()
    schema = dataset.schema
    assert isinstance(schema.target, Forecast)
    assert isinstance(schema.input, Series)
    season = min(season, schema.input.length)
    back = season - np.arange(schema.target.horizon) % season  # 1 is the last value
    outputs = []
    for part in _judged(dataset):
        past = np.asarray(dataset.inputs[part][:, 0, :], dtype=np.float32)
        lengths = np.full(len(part), past.shape[1]) if dataset.lengths is None else dataset.lengths[part]
        outputs.append(np.take_along_axis(past, np.maximum(lengths[:, None] - back, 0), axis=1))
    return _done(outputs, parameters=0, flops=0, started=started)


def row_size(schema: Schema) -> int:
    """Length of the row that an example becomes for the classical entrants (for a text, `TOPICS`)."""
    return TOPICS if isinstance(schema.input, Tokens) else math.prod(schema.input.shape)


def rows(dataset: Dataset, train: Indices, parts: Sequence[Indices], *, dense: bool, seed: int) -> list[Rows]:
    """Each part's examples as rows [N, F]; TF-IDF weights and singular directions are learned on `train` alone."""
    if not isinstance(dataset.schema.input, Tokens):
        return [dataset.inputs_at(part).reshape(len(part), -1) for part in parts]
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer

    tfidf = TfidfTransformer(sublinear_tf=True).fit(_counts(dataset, train))
    weighted = [tfidf.transform(_counts(dataset, part)) for part in parts]
    if not dense:
        return weighted
    topics = min(TOPICS, len(train) - 1, dataset.schema.input.vocabulary_size - 1)
    to_topics = TruncatedSVD(max(topics, 1), random_state=seed).fit(tfidf.transform(_counts(dataset, train)))
    return [to_topics.transform(part).astype(np.float32) for part in weighted]


def _counts(dataset: Dataset, part: Indices) -> Any:
    from scipy.sparse import csr_array

    tokens = np.asarray(dataset.inputs[part])
    assert isinstance(dataset.schema.input, Tokens)
    example, _ = real = np.nonzero(tokens)
    shape = (len(part), dataset.schema.input.vocabulary_size)
    return csr_array((np.ones(len(example), np.float32), (example, tokens[real])), shape=shape)


def _fit_neighbours(
    dataset: Dataset, train: Indices, seed: int, settings: Sequence[float | None], deadline: float
) -> list[ClassicalFit]:
    """Votes of the k nearest training examples (Euclidean distance), smoothed by one vote spread over all classes."""
    from sklearn.neighbors import NearestNeighbors

    started = time.monotonic()
    parts = _judged(dataset)
    known, *queries = rows(dataset, train, [train, *parts], dense=False, seed=seed)
    largest = int(min(max(value or 1 for value in settings), len(train)))
    index = NearestNeighbors(n_neighbors=largest, algorithm="brute").fit(known)
    nearest: list[NDArray[np.int64]] = []
    for query in queries:
        found = []
        for start in range(0, query.shape[0], _QUERIES):
            if time.monotonic() > deadline:
                raise OutOfTimeError
            found.append(index.kneighbors(query[start : start + _QUERIES], return_distance=False))
        nearest.append(np.concatenate(found))
    values = dataset.targets_at(train)
    size = known.shape[0] * known.shape[1]
    share = (time.monotonic() - started) / len(settings)
    fits = []
    for setting in settings:
        k = int(min(setting or 1, len(train)))
        outputs = [_vote(values[part[:, :k]], dataset.schema) for part in nearest]
        fits.append(_done(outputs, parameters=size, flops=3 * size, started=time.monotonic() - share))
    return fits


def _vote(neighbours: NDArray[Any], schema: Schema) -> NDArray[np.float32]:
    """Targets of the neighbours [N, k] or [N, k, size] to outputs [N, outputs]."""
    if not isinstance(schema.target, Classes):
        return neighbours.reshape(*neighbours.shape[:2], -1).mean(axis=1).astype(np.float32)
    votes = (neighbours[:, :, None] == np.arange(schema.outputs)).sum(axis=1)
    return np.log((votes + 1 / schema.outputs) / (neighbours.shape[1] + 1)).astype(np.float32)


def _fit_boosting(
    dataset: Dataset, train: Indices, seed: int, settings: Sequence[float | None], deadline: float
) -> list[ClassicalFit]:
    """Histogram gradient boosting, grown in rounds until validation no longer improves."""
    parts = _judged(dataset)
    known, *queries = rows(dataset, train, [train, *parts], dense=True, seed=seed)
    return [
        _boost(
            dataset, train, known, queries, float(setting or 0.1), seed, deadline, left=len(settings) - place
        )
        for place, setting in enumerate(settings)
    ]


def _boost(
    dataset: Dataset,
    train: Indices,
    known: Rows,
    queries: Sequence[Rows],
    rate: float,
    seed: int,
    deadline: float,
    *,
    left: int,
) -> ClassicalFit:
    """One fit of boosting. `left` fits, this one included, must be done before the deadline, on the monotonic clock."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    started = time.monotonic()
    classes = dataset.schema.is_classification
    targets = dataset.targets_at(train).reshape(len(train), -1)
    columns = [targets[:, index] for index in range(targets.shape[1])]
    if classes and len(np.unique(columns[0])) < 2:
        return _fit_majority(dataset, train, seed, None, deadline)[0]
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    outputs: list[list[NDArray[np.float32]]] = [[], []]
    trees = leaves = 0
    for column in columns:
        model = kind(
            learning_rate=rate,
            max_iter=1,
            early_stopping=False,
            warm_start=True,
            random_state=seed,
            min_samples_leaf=min(20, max(1, len(train) // 20)),
        )
        best, waited = np.inf, 0
        for _ in range(MOST_ROUNDS):
            round_started = time.monotonic()
            model.fit(known, column)
            first = model.max_iter == 1  # at least `PATIENCE_ROUNDS` rounds follow it, in each fit
            ahead = (time.monotonic() - round_started) * (
                ROUND_PER_FIRST_TREE * PATIENCE_ROUNDS * left if first else 1.0
            )
            if time.monotonic() + ahead > deadline:
                raise OutOfTimeError
            loss = _loss(model, queries[0], dataset, len(outputs[0]))
            best, waited = (loss, 0) if loss < best else (best, waited + 1)
            if waited >= PATIENCE_ROUNDS:
                break
            model.set_params(max_iter=model.max_iter + TREES_PER_ROUND)
        for store, query in zip(outputs, queries, strict=True):
            store.append(_outputs(model, query, dataset.schema))
        trees += model.n_iter_ * model.n_trees_per_iteration_
        leaves += sum(tree.get_n_leaf_nodes() for group in model._predictors for tree in group)
    depth = max(int(np.ceil(np.log2(max(leaves / max(trees, 1), 2)))), 1)
    joined = [np.concatenate(store, axis=1) for store in outputs]
    return _done(joined, parameters=leaves, flops=trees * (depth + 1), started=started)


def _outputs(model: Any, query: Rows, schema: Schema) -> NDArray[np.float32]:
    if not schema.is_classification:
        return model.predict(query).astype(np.float32)[:, None]
    probabilities = np.full((query.shape[0], schema.outputs), 1e-6)
    probabilities[:, model.classes_.astype(int)] = model.predict_proba(query)
    probabilities = np.maximum(probabilities, 1e-6)
    return np.log(probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)


def _loss(model: Any, query: Rows, dataset: Dataset, column: int) -> float:
    """Mean validation loss: cross-entropy, or squared error of this output column."""
    truth = dataset.targets_at(dataset.splits.validation)
    outputs = _outputs(model, query, dataset.schema)
    if dataset.schema.is_classification:
        return float(-outputs[np.arange(len(truth)), truth].mean())
    return float(((outputs[:, 0] - truth.reshape(len(truth), -1)[:, column]) ** 2).mean())
