"""The `Schema` of an example: the kind and shape of its input and of its target.

A schema is small, frozen and can be written as JSON, so that it can be stored with a trained network.
Tensor letters used in the whole project: B batch, C channels, H height, W width, T time steps or tokens,
F features, K classes, V nodes.
"""

from dataclasses import asdict, dataclass
from typing import Any

from bakeoff.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture, float32 [C, H, W]."""

    channels: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.height, self.width)


@dataclass(frozen=True, kw_only=True)
class Series:
    """Numbers in time, float32 [C, T]; shorter ones are padded with zeros at the end up to `length`."""

    channels: int
    length: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.length)


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Whole numbers that stand for words or signs, int64 [T]; 0 is padding, at the end up to `length`."""

    vocabulary_size: int
    length: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.length,)


@dataclass(frozen=True, kw_only=True)
class Table:
    """One row of numbers without an order, float32 [F]."""

    features: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.features,)


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A graph, float32 [F + V, V]: a column a node, its F numbers above its row of the symmetric adjacency matrix.

    Smaller graphs are padded with empty nodes at the end up to `nodes`. The matrix is 0 where there is no edge, else
    the edge's weight, 1 where edges have none.
    """

    nodes: int
    features: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.features + self.nodes, self.nodes)


@dataclass(frozen=True, kw_only=True)
class Classes:
    """One of K named classes; targets are int64 [N]."""

    names: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.names)


@dataclass(frozen=True, kw_only=True)
class Value:
    """One or several real numbers; targets are float32 [N, size], in the unit of the data."""

    size: int = 1


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The next `horizon` values of the series' first channel; targets are float32 [N, horizon].

    `season` is the period in steps that the seasonal-naive forecast repeats (1 where none was found).
    """

    horizon: int
    season: int = 1

    @property
    def size(self) -> int:
        return self.horizon


Input = Image | Series | Tokens | Table | Graph
Target = Classes | Value | Forecast

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Image, Series, Tokens, Table, Graph, Classes, Value, Forecast)
}


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
        """How many numbers a network gives for one example: a logit a class, or a value each."""
        return self.target.size

    @property
    def is_classification(self) -> bool:
        return isinstance(self.target, Classes)

    def to_json(self) -> dict[str, Any]:
        return {
            part: {"kind": type(value).__name__, **asdict(value)}
            for part, value in (("input", self.input), ("target", self.target))
        }

    @staticmethod
    def from_json(record: dict[str, Any]) -> "Schema":
        """Raises `DataError` where the record is not one that `to_json` wrote."""
        try:
            return Schema(input=_from_json(record["input"]), target=_from_json(record["target"]))
        except (KeyError, TypeError) as error:
            raise DataError(
                f"This is not a schema that bakeoff wrote ({error}): train the network again."
            ) from error


def _from_json(record: dict[str, Any]) -> Any:
    fields = dict(record)
    kind = _KINDS[fields.pop("kind")]
    return kind(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    )
