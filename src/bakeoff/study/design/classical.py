"""The entrants that are no networks: baselines, k-nearest neighbours and gradient boosting.

They answer whether a network is needed at all. All of them see an example as a row: its scaled values one after
another, or for a text the TF-IDF weights of its words (for boosting their first `TOPICS` singular directions,
since trees want dense columns).
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.scaling import LARGE_OFFSET
from bakeoff.data.schema import Graph, Schema, Table, Tokens
from bakeoff.data.splits import Indices
from bakeoff.tasks.base import Task
from bakeoff.tasks.baselines import Baseline
from bakeoff.tasks.registry import task_of

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
        explained_on: the kinds of input about which it assumes something that is worth removing, so that it is trained
            again on changed data as networks are.
        fit: (dataset, training indices, seed, settings, deadline) to one fit per setting.
    """

    name: str
    kind: str
    settings: tuple[float | None, ...]
    fit: Callable[[Dataset, Indices, int, Sequence[float | None], float], list[ClassicalFit]]
    explained_on: tuple[type, ...] = ()


def entrants(schema: Schema) -> tuple[Classical, ...]:
    """The baselines and classical entrants for this kind of data, cheapest first."""
    neighbours = Classical(name="knn", kind="classical", settings=NEIGHBOURS, fit=_fit_neighbours)
    boosting = Classical(
        name="boosting",
        kind="classical",
        settings=BOOSTING_RATES,
        fit=_fit_boosting,
        explained_on=(Table,),  # trees cut along the axes, whose orientation can be removed
    )
    task = task_of(schema)
    baselines = tuple(
        Classical(name=one.name, kind="baseline", settings=(None,), fit=partial(_fit_baseline, one))
        for one in task.baselines()
    )
    return baselines if task.estimator_type is None else (*baselines, neighbours, boosting)


def by_name(schema: Schema) -> dict[str, Classical]:
    return {entrant.name: entrant for entrant in entrants(schema)}


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


def _fit_baseline(
    baseline: Baseline, dataset: Dataset, train: Indices, seed: int, settings: Any, deadline: float
) -> list[ClassicalFit]:
    started = time.monotonic()
    outputs, parameters = baseline.answer(dataset, train, _judged(dataset))
    return [_done(outputs, parameters=parameters, flops=0, started=started)]


def row_size(schema: Schema) -> int:
    """Length of the row that an example becomes for the classical entrants (for a text, `TOPICS`)."""
    return TOPICS if isinstance(schema.input, Tokens) else math.prod(schema.input.shape)


def rows(dataset: Dataset, train: Indices, parts: Sequence[Indices], *, dense: bool, seed: int) -> list[Rows]:
    """Each part's examples as rows [N, F]; TF-IDF weights and singular directions are learned on `train` alone."""
    if not isinstance(dataset.schema.input, Tokens):
        return [_row_of_values(dataset, part) for part in parts]
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer

    tfidf = TfidfTransformer(sublinear_tf=True).fit(_counts(dataset, train))
    weighted = [tfidf.transform(_counts(dataset, part)) for part in parts]
    if not dense:
        return weighted
    topics = min(TOPICS, len(train) - 1, dataset.schema.input.vocabulary_size - 1)
    to_topics = TruncatedSVD(max(topics, 1), random_state=seed).fit(tfidf.transform(_counts(dataset, train)))
    return [to_topics.transform(part).astype(np.float32) for part in weighted]


def _row_of_values(dataset: Dataset, part: Indices) -> NDArray[np.float32]:
    """Scaled values one after another; of graphs those of their dense views, as networks that read rows see them."""
    inputs = dataset.inputs_at(part)
    if isinstance(inputs, PackedGraphs):
        from bakeoff.models.layers.graphs import GraphBatch
        from bakeoff.models.layers.views import dense

        assert isinstance(dataset.schema.input, Graph)
        inputs = dense(GraphBatch.of(inputs, dataset.schema.input)).numpy()
    return np.asarray(inputs.reshape(len(part), -1))


def _counts(dataset: Dataset, part: Indices) -> Any:
    from scipy.sparse import csr_array

    tokens = dataset.rows_at(part)
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
    values, task = dataset.targets_at(train), task_of(dataset.schema)
    size = known.shape[0] * known.shape[1]
    share = (time.monotonic() - started) / len(settings)
    fits = []
    for setting in settings:
        k = int(min(setting or 1, len(train)))
        outputs = [task.combine(values[part[:, :k]]) for part in nearest]
        fits.append(_done(outputs, parameters=size, flops=3 * size, started=time.monotonic() - share))
    return fits


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
    task = task_of(dataset.schema)
    is_classifier = task.estimator_type == "classifier"
    targets = dataset.targets_at(train).reshape(len(train), -1)
    columns = [targets[:, index] for index in range(targets.shape[1])]
    if is_classifier and len(np.unique(columns[0])) < 2:
        return _fit_baseline(task.baselines()[0], dataset, train, seed, None, deadline)[0]
    kind = HistGradientBoostingClassifier if is_classifier else HistGradientBoostingRegressor
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
            loss = _loss(model, queries[0], dataset, task, len(outputs[0]))
            best, waited = (loss, 0) if loss < best else (best, waited + 1)
            if waited >= PATIENCE_ROUNDS:
                break
            model.set_params(max_iter=model.max_iter + TREES_PER_ROUND)
        for store, query in zip(outputs, queries, strict=True):
            store.append(_outputs(model, query, task))
        trees += model.n_iter_ * model.n_trees_per_iteration_
        leaves += sum(tree.get_n_leaf_nodes() for group in model._predictors for tree in group)
    depth = max(int(np.ceil(np.log2(max(leaves / max(trees, 1), 2)))), 1)
    joined = [np.concatenate(store, axis=1) for store in outputs]
    return _done(joined, parameters=leaves, flops=trees * (depth + 1), started=started)


def _outputs(model: Any, query: Rows, task: Task) -> NDArray[Any]:
    if task.estimator_type == "regressor":
        values = np.asarray(model.predict(query), np.float64)[:, None]
        return values if np.abs(values).max(initial=0.0) >= LARGE_OFFSET else values.astype(np.float32)
    probabilities = np.full((query.shape[0], task.schema.outputs), 1e-6)
    probabilities[:, model.classes_.astype(int)] = model.predict_proba(query)
    probabilities = np.maximum(probabilities, 1e-6)
    return np.log(probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)


def _loss(model: Any, query: Rows, dataset: Dataset, task: Task, column: int) -> float:
    """Mean validation loss of this column of the targets."""
    truth = dataset.targets_at(dataset.splits.validation)
    outputs = _outputs(model, query, task)
    if task.estimator_type == "regressor":
        return task.mean_loss(outputs[:, 0], truth.reshape(len(truth), -1)[:, column])
    return task.mean_loss(outputs, truth)
