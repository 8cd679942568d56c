"""A label for each node of one graph, which the package does not know yet: from its edges to a resampled score."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data import schema as schemas
from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset
from bakeoff.data.interventions.catalogue import intervention
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Graph, Schema, kind
from bakeoff.errors import DataError
from bakeoff.models.layers.graphs import GraphBatch, product
from bakeoff.study.analysis.uncertainty import rank_entrants
from bakeoff.tasks import registry as tasks
from bakeoff.tasks.base import Mistake, Task
from bakeoff.tasks.baselines import Baseline, BaselineAnswers
from bakeoff.tasks.metrics import registry as metrics
from bakeoff.tasks.metrics.metric import NO_CONTEXT, MeanMetric
from bakeoff.tasks.outputs import dense
from bakeoff.testing import TASK_CHECKS, TaskSample
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.single.placement import Placement
from bakeoff.train.single.run import SingleTraining
from bakeoff.train.tensors import TrainingData

NODES, FEATURES = 240, 4


@dataclass(frozen=True, kw_only=True)
class NodeLabels:
    """One of K classes a node; targets are int64, one a node."""

    looks_ahead: ClassVar[bool] = False
    names: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.names)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.names


TARGET = NodeLabels(names=("physics", "biology", "history"))


class NodesRight(MeanMetric):
    """The share of nodes that are labelled right."""

    def _each(self, outputs, targets, context):
        return (dense(outputs).argmax(axis=1) == dense(targets)).astype(np.float64)


METRIC = NodesRight(name="nodes_right", higher_is_better=True, percent=True, best=1.0, targets=(NodeLabels,))


class NodeLabelling(Task):
    kind = "node_labels"
    has_probabilities = True

    def training_loss(self, *, label_smoothing=0.0):
        return F.cross_entropy

    def target_scaling(self, dataset):
        return None

    def in_unit_of_data(self, raw, scaling):
        return raw.log_softmax(dim=-1)

    def decode(self, outputs):
        return dense(outputs).argmax(axis=1)

    def headline(self, answer):
        return self.class_names[int(answer)]

    def text(self, answer):
        return self.headline(answer)

    def columns(self, outputs, targets):
        found = {"predicted": [self.text(answer) for answer in self.decode(outputs)]}
        return (
            found if targets is None else found | {"true": [self.text(answer) for answer in dense(targets)]}
        )

    def default_metric(self, context=NO_CONTEXT):
        return METRIC

    @property
    def metric_of_new_data(self):
        return METRIC

    def errors(self, outputs, targets):
        return 1.0 - METRIC.per_example(outputs, targets)

    def plain_scores(self, outputs, targets):
        return METRIC.per_example(outputs, targets)

    def mean_loss(self, outputs, targets):
        return float(-dense(outputs)[np.arange(len(targets)), dense(targets)].mean())

    def worst(self, outputs, targets, *, most):
        answers, truth = self.decode(outputs), dense(targets)
        sure = np.exp(dense(outputs).max(axis=1))
        wrong = np.flatnonzero(answers != truth)
        return tuple(
            Mistake(place=int(i), truth=truth[i], answer=answers[i], confidence=float(sure[i]))
            for i in wrong[np.argsort(-sure[wrong])][:most]
        )

    def baselines(self):
        return (Baseline(name="commonest_label", answer=lambda *_: BaselineAnswers([], 0)),)

    def combine(self, neighbours):
        raise AssertionError("no classical entrant answers nodes")


class TwoHops(nn.Module):
    """Each node's numbers with the sums over its neighbours, twice; or the numbers alone."""

    def __init__(self, *, reads_edges: bool, seed: int) -> None:
        super().__init__()
        self.reads_edges = reads_edges
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first, self.second = nn.Linear(2 * FEATURES, 16), nn.Linear(32, len(TARGET.names))

    def forward(self, graphs: GraphBatch) -> Tensor:
        h = F.relu(self.first(self._beside(graphs, graphs.features)))
        return self.second(self._beside(graphs, h))

    def _beside(self, graphs: GraphBatch, h: Tensor) -> Tensor:
        around = product(graphs.links, graphs.links, h) if self.reads_edges else torch.zeros_like(h)
        return torch.cat([h, around], 1)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tasks, "_TASKS", dict(tasks._TASKS))
    monkeypatch.setattr(schemas, "KINDS", dict(schemas.KINDS))
    kind(NodeLabels)
    tasks.register(NodeLabels, NodeLabelling)
    metrics.register(METRIC)
    yield
    del metrics.METRICS[METRIC.name]


def communities(seed: int = 0) -> tuple[PackedGraphs, np.ndarray]:
    """One graph of three groups that link mostly among themselves; a node's numbers hint at its group."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, NODES)
    likely = np.where(labels[:, None] == labels, 0.08, 0.005)
    ends = np.argwhere(np.triu(rng.random((NODES, NODES)) < likely, 1))
    numbers = rng.normal(size=(NODES, FEATURES))
    numbers[np.arange(NODES), labels] += 0.7
    return PackedGraphs.of_edges(numbers, [NODES], ends), labels


def citations(seed: int = 0) -> Dataset:
    graphs, labels = communities(seed)
    kind_of_graph = Graph(nodes=NODES, features=FEATURES, edges=len(graphs.edges))
    return make_dataset(
        name="citations",
        input=kind_of_graph,
        target=TARGET,
        inputs=graphs,
        targets=labels,
        offsets=graphs.node_offsets,
        encoder=None,
        seed=seed,
    )


def trained(dataset: Dataset, *, reads_edges: bool, seed: int) -> np.ndarray:
    """Outputs on the test nodes."""
    data = TrainingData(dataset)
    run = SingleTraining(
        lambda number: TwoHops(reads_edges=reads_edges, seed=number),
        data,
        Replica(learning_rate=1e-2, seed=seed, examples=len(dataset.splits.train)),
        Recipe(steps=60, batch_size=64, evaluations=6),
        placement=Placement(device=torch.device("cpu")),
    )
    outputs = run.run().test_outputs
    assert outputs is not None
    return outputs


def test_one_graph_is_an_example_and_each_of_its_nodes_a_prediction() -> None:
    dataset = citations()
    assert (len(dataset.inputs), len(dataset)) == (1, NODES)
    parts = dataset.splits
    every = np.sort(np.concatenate([parts.train, parts.validation, parts.test]))
    np.testing.assert_array_equal(every, np.arange(NODES))
    assert parts.how == "stratified"
    shares = [np.bincount(dataset.targets[part]) / len(part) for part in (parts.train, parts.test)]
    np.testing.assert_allclose(shares[0], shares[1], atol=0.03)
    assert Schema.from_json(dataset.schema.to_json()) == dataset.schema
    other = dataset.changed(offsets=np.array([0, 100, NODES]))
    assert other.fingerprint != dataset.fingerprint


def test_predictions_find_their_rows_among_the_nodes_of_the_graphs_of_their_batch() -> None:
    """Three graphs of 2, 3 and 4 nodes; the predictions 8, 0 and 5 are the last, the first and a middle one."""
    labels = np.arange(9) % 3
    graphs = PackedGraphs.of_edges(np.arange(18).reshape(9, 2), [2, 3, 4], np.array([[0, 1], [5, 8]]))
    dataset = citations().changed(inputs=graphs, targets=labels, offsets=graphs.node_offsets, scaling=None)
    examples, places = dataset.examples_of(np.array([8, 0, 5]))
    assert examples.tolist() == [0, 2]
    assert places.tolist() == [5, 0, 2]  # the second graph is not in the batch
    np.testing.assert_array_equal(graphs[examples].features[places], graphs.features[[8, 0, 5]])


def test_a_batch_takes_the_answers_that_its_targets_belong_to() -> None:
    dataset = citations()
    data = TrainingData(dataset)
    batch = data.train.at(torch.tensor([5, 0, 17]))
    rows = np.sort(dataset.splits.train)[[5, 0, 17]]
    module = TwoHops(reads_edges=True, seed=0)
    whole = module(GraphBatch.of(dataset.inputs_at(np.array([0])), dataset.schema.input))
    torch.testing.assert_close(batch.answers(module(batch.inputs)), whole[rows])
    assert batch.targets.tolist() == dataset.targets[rows].tolist()


@pytest.mark.parametrize("check", TASK_CHECKS, ids=lambda check: check.__name__)
def test_a_task_of_node_labels_passes_the_suite_of_all_tasks(check: Any) -> None:
    rng, task = np.random.default_rng(0), tasks.task_of(citations().schema)
    raw, targets = torch.from_numpy(rng.normal(size=(12, 3))), np.arange(12) % 3
    outputs = task.in_unit_of_data(raw, None).numpy()
    check(
        TaskSample(
            task=task, outputs=outputs, targets=targets, raw=raw, raw_targets=torch.from_numpy(targets)
        )
    )


def test_nodes_are_learned_from_their_neighbours_and_scored_with_nodes_drawn_again() -> None:
    dataset = citations()
    test = dataset.splits.test
    outputs = {
        name: [trained(dataset, reads_edges=reads_edges, seed=seed) for seed in (0, 1)]
        for name, reads_edges in (("edges", True), ("numbers", False))
    }
    assert all(one.shape == (len(test), 3) for runs in outputs.values() for one in runs)
    task, truth = tasks.task_of(dataset.schema), dataset.targets_at(test)
    assert task.resampled_together(dataset, test) is None
    ranking = rank_entrants(outputs, truth, METRIC)
    by_hand = np.mean([(one.argmax(1) == truth).mean() for one in outputs["edges"]])
    assert ranking.scores["edges"].score == pytest.approx(by_hand)
    assert ranking.scores["edges"].low > ranking.scores["numbers"].high > 1 / 3
    assert ranking.scores["edges"].score > 0.9


def test_nodes_keep_their_labels_when_edges_change_and_are_not_numbered_anew() -> None:
    dataset = citations()
    rewired = intervention("rewire", dataset.schema)(dataset, seed=0)
    np.testing.assert_array_equal(rewired.targets, dataset.targets)
    assert not rewired.graphs.equals(dataset.graphs)
    with pytest.raises(DataError, match="part them from their own labels"):
        intervention("renumber_nodes", dataset.schema)(dataset, seed=0)


def test_a_kind_has_one_name() -> None:
    with pytest.raises(ValueError, match="a kind 'NodeLabels' already"):
        kind(NodeLabels)
