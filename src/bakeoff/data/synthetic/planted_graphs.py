"""Planted tasks on graphs, with a known rule and a known effect of each intervention.

| name      | what decides                                   | removing edges | rewiring | nodes alike |
|-----------|------------------------------------------------|----------------|----------|-------------|
| homophily | whether linked nodes are mostly of one colour  | all is lost    | all      | all         |
| hubs      | whether two nodes hold a great part of the edges | all is lost  | nothing  | nothing     |

Nodes are numbered at random, so no weight can belong to a node's number.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.interventions.graph_changes import renumbered, rewired
from bakeoff.data.packed_graphs import PackedGraphs, offsets_of
from bakeoff.data.schema import Classes, Graph, Schema

#: Graphs of a task.
GRAPHS = 2000
#: Numbers of nodes that occur.
SIZES = (12, 14, 16)
#: Nodes of the largest graph.
LARGEST = max(SIZES)
#: Edges of each node in `homophily`.
DEGREE = 4
#: Share of edges between equal colours minus that between different ones: at least this, or at most its negative.
AGREEMENT = 0.25
#: Edges for each node in `hubs`.
EDGES_PER_NODE = 2
#: Hubs of a graph.
HUBS = 2
#: How many times as likely an edge is to end in a hub.
ATTRACTION = 12.0

Graphs = tuple[PackedGraphs, NDArray[np.int64], Schema]


def node_counts(seed: int) -> NDArray[np.int64]:
    """The true number of nodes of each graph of this seed, the same in both tasks [N]."""
    return np.random.default_rng((seed, 1)).choice(SIZES, GRAPHS).astype(np.int64)


def homophily(seed: int) -> Graphs:
    """Half of the nodes have the colour 1, the others -1; the class is whether edges join nodes of one colour.

    Every node has `DEGREE` links. The graph is drawn first and its colours are then placed (nodes change places until
    enough edges agree, or enough do not), so neither the colours nor the edges alone say anything of the class.
    """
    rng = np.random.default_rng(seed)
    counts, wanted = node_counts(seed), rng.choice([-1, 1], GRAPHS)
    adjacency = _regular(counts, rng)
    colours = _balanced(counts, rng)
    for _ in range(LARGEST):
        undecided = np.flatnonzero(wanted * _agreement(colours, adjacency) < AGREEMENT)
        _change_places(colours, adjacency, undecided, wanted)
    y = (_agreement(colours, adjacency) > 0).astype(np.int64)
    graphs = renumbered(_packed(colours, adjacency, counts), rng)
    return graphs, y, _schema(graphs, "heterophily", "homophily")


def hubs(seed: int) -> Graphs:
    """All graphs have as many edges; in one class two nodes have far more than the others. Colours are random."""
    rng = np.random.default_rng(seed)
    counts, y = node_counts(seed), rng.integers(0, 2, GRAPHS)
    weight = np.ones((GRAPHS, LARGEST))
    weight[y == 1, :HUBS] = ATTRACTION
    pull = np.log(weight[:, :, None] * weight[:, None, :]) + rng.gumbel(size=(GRAPHS, LARGEST, LARGEST))
    possible = np.triu(np.ones((LARGEST, LARGEST), bool), 1) & (np.arange(LARGEST) < counts[:, None])[:, None]
    pull = np.where(possible, pull, -np.inf).reshape(GRAPHS, -1)
    rank = np.argsort(np.argsort(-pull, axis=1), axis=1)
    chosen = (rank < EDGES_PER_NODE * counts[:, None]).reshape(GRAPHS, LARGEST, LARGEST)
    adjacency = (chosen | chosen.transpose(0, 2, 1)).astype(np.float32)
    graphs = renumbered(_packed(_balanced(counts, rng), adjacency, counts), rng)
    return graphs, y, _schema(graphs, "no hubs", "hubs")


def _schema(graphs: PackedGraphs, *names: str) -> Schema:
    kind = Graph(nodes=LARGEST, features=1, edges=int(graphs.edge_counts.max()))
    return Schema(input=kind, target=Classes(names=names))


def _packed(colours: NDArray[Any], adjacency: NDArray[Any], counts: NDArray[np.int64]) -> PackedGraphs:
    """The graphs of colours [N, V] and adjacency matrices [N, V, V], without what stands beyond the counts [N]."""
    graph, *ends = np.nonzero(np.triu(adjacency))
    real = np.arange(LARGEST) < counts[:, None]
    begins = offsets_of(counts)[graph, None]
    return PackedGraphs.of_edges(colours[real][:, None], counts, begins + np.stack(ends, axis=1))


def _matrices(graphs: PackedGraphs) -> NDArray[np.float32]:
    """Their adjacency matrices [N, V, V]."""
    out = np.zeros((len(graphs), LARGEST, LARGEST), np.float32)
    graph, (start, end) = np.repeat(np.arange(len(graphs)), graphs.edge_counts), graphs.edges.T
    out[graph, start, end] = out[graph, end, start] = 1
    return out


def _regular(counts: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
    """Random graphs [N, V, V] in which every real node has `DEGREE` links: rings of neighbours, rewired."""
    node = np.arange(LARGEST)
    apart = np.abs(node[:, None] - node)[None]
    around = np.minimum(apart, counts[:, None, None] - apart)
    near = (around >= 1) & (around <= DEGREE // 2)
    real = node < counts[:, None]
    ring = near & real[:, :, None] & real[:, None, :]
    return _matrices(rewired(_packed(np.zeros(real.shape), ring, counts), rng))


def _balanced(counts: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
    """Colours [N, V]: 1 for a random half of each graph's real nodes, -1 for the others, 0 for padding."""
    keys = rng.random((len(counts), LARGEST)) + (np.arange(LARGEST) >= counts[:, None])
    rank = np.argsort(np.argsort(keys, axis=1), axis=1)
    half = np.where(rank < counts[:, None] // 2, 1.0, -1.0)
    return np.where(np.arange(LARGEST) < counts[:, None], half, 0.0).astype(np.float32)


def _agreement(colours: NDArray[np.float32], adjacency: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N], from -1 (every edge joins two colours) to 1 (none does)."""
    same = np.einsum("ni,nij,nj->n", colours, adjacency, colours, optimize=True)
    return np.asarray(same / adjacency.sum(axis=(1, 2)))


def _change_places(
    colours: NDArray[np.float32],
    adjacency: NDArray[np.float32],
    which: NDArray[np.int64],
    wanted: NDArray[np.int64],
) -> None:
    """In each of these graphs, swap the two nodes of different colours that bring it nearest to its class."""
    own, edges = colours[which], adjacency[which]
    beside = own * np.einsum("nij,nj->ni", edges, own)
    pair = own[:, :, None] * own[:, None, :]
    gain = -2 * (beside[:, :, None] + beside[:, None, :]) + 4 * edges * pair
    gain = np.where(pair < 0, gain * wanted[which, None, None], -np.inf).reshape(len(which), -1)
    first, second = np.divmod(gain.argmax(axis=1), LARGEST)
    for node in (first, second):
        colours[which, node] *= -1
