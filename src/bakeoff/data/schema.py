"""The `Schema` of an example: the kind and shape of its input and of its target.

A schema is small, frozen and can be written as JSON, so that it can be stored with a trained network.
Tensor letters used in the whole project: B batch, C channels, H height, W width, T time steps or tokens,
F features, K classes, V nodes.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeVar

from bakeoff.errors import DataError, printable
from bakeoff.system.json_records import record_of

Kind = TypeVar("Kind", bound=type[Any])

#: Every kind of input and of target, by its class's name.
KINDS: dict[str, type[Any]] = {}


def kind(described: Kind) -> Kind:
    """Makes a frozen record a kind of input or of target, which `Schema` writes and reads under its class's name.

    A kind of input has `word` (as in `--kind`), `plural` (in records) and `shape`, that of one example as one array. A
    kind of target has `size`, how many numbers a network gives for one prediction; `class_names`, those of the classes
    that its whole numbers stand for, or none; and `looks_ahead`, whether it is the future of its own input, so that
    splits and training sets go by time.

    Raises:
        ValueError: there is a kind of this name.
    """
    if described.__name__ in KINDS:
        raise ValueError(f"There is a kind '{described.__name__}' already: give this one another name.")
    KINDS[described.__name__] = described
    return described


@kind
@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture, float32 [C, H, W]."""

    word: ClassVar[str] = "image"
    plural: ClassVar[str] = "images"
    channels: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.height, self.width)


@kind
@dataclass(frozen=True, kw_only=True)
class Series:
    """Numbers in time, float32 [C, T]; shorter ones are padded with zeros at the end up to `length`."""

    word: ClassVar[str] = "series"
    plural: ClassVar[str] = "series"
    channels: int
    length: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.length)


@kind
@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Whole numbers that stand for words or signs, int64 [T]; 0 is padding, at the end up to `length`."""

    word: ClassVar[str] = "text"
    plural: ClassVar[str] = "text"
    vocabulary_size: int
    length: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.length,)


@kind
@dataclass(frozen=True, kw_only=True)
class Table:
    """One row of numbers without an order, float32 [F]."""

    word: ClassVar[str] = "table"
    plural: ClassVar[str] = "table"
    features: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.features,)


@kind
@dataclass(frozen=True, kw_only=True)
class Graph:
    """A graph of at most V nodes with F numbers each, and of undirected edges that may have weights.

    Graphs are held by their edges (`bakeoff.data.packed_graphs`). Networks that read one array are given the dense
    view, float32 [F + V, V]: a column a node, its F numbers above its row of the symmetric adjacency matrix; smaller
    graphs are padded with empty nodes at the end.

    Attributes:
        nodes: of the largest graph. features: numbers of each node.
        edges: of the graph with the most, an edge from a node to itself among them; None where that is not known.
    """

    word: ClassVar[str] = "graph"
    plural: ClassVar[str] = "graphs"
    nodes: int
    features: int
    edges: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the dense view."""
        return (self.features + self.nodes, self.nodes)

    @property
    def most_edges(self) -> int:
        """`edges`; where they are not known, one between every two nodes."""
        return self.nodes * (self.nodes - 1) // 2 if self.edges is None else self.edges


@kind
@dataclass(frozen=True, kw_only=True)
class Classes:
    """One of K named classes; targets are int64 [N]."""

    looks_ahead: ClassVar[bool] = False
    names: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.names)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.names


@kind
@dataclass(frozen=True, kw_only=True)
class Value:
    """One or several real numbers; targets are float32 [N, size], in the unit of the data."""

    looks_ahead: ClassVar[bool] = False
    class_names: ClassVar[tuple[str, ...]] = ()
    size: int = 1


@kind
@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The next `horizon` values of the series' first channel; targets are float32 [N, horizon].

    `season` is the period in steps that the seasonal-naive forecast repeats (1 where none was found).
    """

    looks_ahead: ClassVar[bool] = True
    class_names: ClassVar[tuple[str, ...]] = ()
    horizon: int
    season: int = 1

    @property
    def size(self) -> int:
        return self.horizon


Input = Image | Series | Tokens | Table | Graph
Target = Classes | Value | Forecast


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What goes in and what comes out of one example.

    >>> schema = Schema(input=Image(channels=1, height=8, width=8), target=Classes(names=("cat", "dog")))
    >>> schema.outputs
    2
    >>> Schema.from_json(schema.to_json()) == schema
    True
    """

    input: Input
    target: Target

    @property
    def outputs(self) -> int:
        """How many numbers a network gives for one prediction: a logit a class, or a value each."""
        return self.target.size

    @property
    def is_classification(self) -> bool:
        return bool(self.target.class_names)

    def to_json(self) -> dict[str, Any]:
        return {
            part: {"kind": type(value).__name__, **asdict(value)}
            for part, value in (("input", self.input), ("target", self.target))
        }

    @staticmethod
    def from_json(record: dict[str, Any]) -> "Schema":
        """Raises `DataError` where the record is not one that `to_json` wrote."""
        try:
            found = Schema(input=_from_json(record["input"]), target=_from_json(record["target"]))
            if min(*found.input.shape, found.target.size) < 1:
                raise ValueError(f"inputs of the shape {found.input.shape}, {found.target.size} outputs")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            words = printable(str(error), most=160)
            raise DataError(
                f"This is not a schema that bakeoff wrote ({words}): train the network again."
            ) from error
        return found


def _from_json(record: dict[str, Any]) -> Any:
    fields = dict(record)
    return record_of(KINDS[fields.pop("kind")], fields)
