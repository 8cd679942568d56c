"""Planted tasks: generated data with a known answer to "which family fits?". `benchmarks/truth.py` runs on them.

| name           | what decides                                  | the right answer                      |
|----------------|-----------------------------------------------|---------------------------------------|
| linear         | a straight cut                                | linear is the cheapest good choice    |
| noisy_xor      | the product of two features' signs            | linear fails                          |
| motif          | which short shape is somewhere in a series    | CNN ahead with little data            |
| shuffled_motif | the same after one fixed shuffle of positions | CNN no longer ahead of the MLP        |
| event_order    | which of two far-apart events came first      | recurrent networks or attention       |
| lookup         | the value that belongs to a given key         | attention                             |
| noise          | nothing: labels are drawn at random           | nothing beats the baseline            |
| homophily      | whether a graph's edges join like colours     | the graph network                     |
| hubs           | whether two nodes of a graph hold most edges  | the graph network                     |

Each generator takes a seed and gives inputs, targets and a schema; nothing else varies. Those of graphs are in
`bakeoff.data.synthetic.planted_graphs`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Classes, Schema, Series, Table, Tokens
from bakeoff.data.synthetic.planted_graphs import homophily, hubs, node_counts

#: Examples of a task.
EXAMPLES = 2000
#: Examples of a task about relations between distant elements, which are learned from more examples.
RELATION_EXAMPLES = 6000
#: Steps of a series.
LENGTH = 64
#: Steps of a motif.
MOTIF_LENGTH = 9

Arrays = tuple[NDArray[Any], NDArray[np.int64], Schema]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A generated task.

    Attributes:
        name: of the task. summary: what decides about the class.
        make: seed -> (inputs [N, ...] or graphs, targets [N], schema).
        lengths: seed -> true lengths [N]; None where examples are not padded.
    """

    name: str
    summary: str
    make: Callable[[int], tuple[NDArray[Any] | PackedGraphs, NDArray[np.int64], Schema]]
    lengths: Callable[[int], NDArray[np.int64]] | None = None


def _two(*names: str) -> Classes:
    return Classes(names=names or ("no", "yes"))


def linear(seed: int) -> Arrays:
    """Ten features; the class is the sign of a weighted sum, and every tenth label is wrong."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((EXAMPLES, 10)).astype(np.float32)
    y = (x @ rng.standard_normal(10) > 0).astype(np.int64)
    wrong = rng.random(EXAMPLES) < 0.1
    return x, np.where(wrong, 1 - y, y), Schema(input=Table(features=10), target=_two())


def noisy_xor(seed: int) -> Arrays:
    """Two features decide by the sign of their product, three more are noise, and every tenth label is wrong."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((EXAMPLES, 5)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    wrong = rng.random(EXAMPLES) < 0.1
    return x, np.where(wrong, 1 - y, y), Schema(input=Table(features=5), target=_two())


def motif(seed: int) -> Arrays:
    """A series of noise that hides, at a random place, one of four short shapes; the class is which."""
    rng = np.random.default_rng(seed)
    step = np.linspace(0, 1, MOTIF_LENGTH)
    shapes = np.stack(
        [
            np.sin(2 * np.pi * step),
            -np.sin(2 * np.pi * step),
            np.cos(2 * np.pi * step),
            1 - 4 * (step - 0.5) ** 2,
        ]
    )
    y = rng.integers(0, len(shapes), EXAMPLES)
    x = rng.standard_normal((EXAMPLES, LENGTH)) * 0.5
    start = rng.integers(0, LENGTH - MOTIF_LENGTH + 1, EXAMPLES)
    x[np.arange(EXAMPLES)[:, None], start[:, None] + np.arange(MOTIF_LENGTH)] += 2.0 * shapes[y]
    names = ("sine", "minus sine", "cosine", "bump")
    return (
        x.astype(np.float32)[:, None],
        y,
        Schema(input=Series(channels=1, length=LENGTH), target=_two(*names)),
    )


def shuffled_motif(seed: int) -> Arrays:
    """`motif` with all positions permuted, the same way in every example."""
    x, y, schema = motif(seed)
    return x[:, :, np.random.default_rng(seed + 1).permutation(LENGTH)], y, schema


#: Steps of a series of the task with two events.
LINE = 24
#: The smallest distance of the events, in steps.
APART = 8


def event_order(seed: int) -> Arrays:
    """Series: two events of different size, far apart at random places; the class is whether the larger came first.

    The first channel holds numbers from -1 to 1, of which all but two mean nothing; the second marks those two, the
    events (after the adding problem of Hochreiter & Schmidhuber, Neural Computation 9, 1997). The same place may hold
    the first event or the second, so no fixed weight per position can compare them, and no window shorter than `APART`
    sees both: one event must be carried to the other.
    """
    rng = np.random.default_rng(seed)
    size = rng.uniform(-1, 1, (RELATION_EXAMPLES, LINE))
    places = np.array([(i, j) for i in range(LINE) for j in range(i + APART, LINE)])
    first, second = places[rng.integers(0, len(places), RELATION_EXAMPLES)].T
    rows = np.arange(RELATION_EXAMPLES)
    marks = np.zeros_like(size)
    marks[rows, first] = marks[rows, second] = 1
    y = (size[rows, first] > size[rows, second]).astype(np.int64)
    schema = Schema(
        input=Series(channels=2, length=LINE), target=_two("the smaller came first", "the larger came first")
    )
    return np.stack([size, marks], axis=1).astype(np.float32), y, schema


#: Distinct keys of the look-up task.
KEYS = 12
#: Distinct values.
VALUES = 6
#: Pairs that an example shows.
PAIRS = 8


def lookup(seed: int) -> Arrays:
    """Tokens: pairs of a key and its value in random order, then one of the keys; the class is that key's value.

    A key and its value are one token (as in a table of entries), so that relating the question to the right entry is
    all there is to learn. Token 0 is padding and never used.
    """
    rng = np.random.default_rng(seed)
    keys = np.argsort(rng.random((RELATION_EXAMPLES, KEYS)), axis=1)[:, :PAIRS]
    values = rng.integers(0, VALUES, (RELATION_EXAMPLES, PAIRS))
    asked = rng.integers(0, PAIRS, RELATION_EXAMPLES)
    rows = np.arange(RELATION_EXAMPLES)
    entries = 1 + keys * VALUES + values
    question = 1 + KEYS * VALUES + keys[rows, asked]
    x = np.concatenate([entries, question[:, None]], axis=1).astype(np.int32)
    schema = Schema(
        input=Tokens(vocabulary_size=1 + KEYS * VALUES + KEYS, length=PAIRS + 1),
        target=_two(*(f"value {value}" for value in range(VALUES))),
    )
    return x, values[rows, asked], schema


def noise(seed: int) -> Arrays:
    """Ten features and labels drawn without looking at them."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((EXAMPLES, 10)).astype(np.float32)
    return x, rng.integers(0, 2, EXAMPLES), Schema(input=Table(features=10), target=_two())


PLANTED: dict[str, Planted] = {
    task.name: task
    for task in (
        Planted(name="linear", summary="a straight cut through ten features", make=linear),
        Planted(name="noisy_xor", summary="the product of two features' signs", make=noisy_xor),
        Planted(name="motif", summary="which short shape is somewhere in a series", make=motif),
        Planted(name="shuffled_motif", summary="the same with all positions permuted", make=shuffled_motif),
        Planted(
            name="event_order",
            summary="which of two far-apart events came first, the larger or the smaller",
            make=event_order,
        ),
        Planted(name="lookup", summary="the value of a key among pairs", make=lookup),
        Planted(name="noise", summary="labels drawn at random", make=noise),
        Planted(
            name="homophily",
            summary="whether a graph's edges join nodes of like colours",
            make=homophily,
            lengths=node_counts,
        ),
        Planted(
            name="hubs",
            summary="whether two nodes of a graph hold far more edges than the others",
            make=hubs,
            lengths=node_counts,
        ),
    )
}
