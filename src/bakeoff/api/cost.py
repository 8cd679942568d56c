"""`cost`: what a network of the catalogue, or one of a person's own, costs on examples of a given shape."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn

from bakeoff import models
from bakeoff.api.arguments import refuses_unknown_arguments
from bakeoff.cost import Cost, cost_of, example_inputs
from bakeoff.cost.failures import ValuesNeededError
from bakeoff.cost.hardware.roofline import Bound, bound_on, peaks_of
from bakeoff.cost.inputs import check_shape, counted_shape
from bakeoff.data.schema import Classes, Graph, Image, Schema, Series, Table, Tokens
from bakeoff.errors import CostError, ModelError
from bakeoff.models import ModelCard


@dataclass(frozen=True, kw_only=True)
class NetworkCost:
    """What `cost` returns.

    Attributes:
        cost: parameters, arithmetic and memory, layer by layer.
        shape: of the inputs that were counted, with the batch first; of graphs (batch, nodes, features, edges).
        bound: the least time on a machine; None where none was named.
        assumed_edges: of each graph, where their number was not given: one between every two nodes; else None.
    """

    cost: Cost
    shape: tuple[int, ...]
    bound: Bound | None = None
    assumed_edges: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The whole record; with `bound` where a machine was named."""
        return self.cost.to_json() | ({} if self.bound is None else {"bound": asdict(self.bound)})


@refuses_unknown_arguments
def cost(
    model: str | ModelCard,
    *,
    input: str | Sequence[int] | None = None,
    batch: int = 1,
    machine: str | None = None,
    number_format: str = "float32",
    classes: int | None = None,
    vocabulary: int | None = None,
    width: int | None = None,
) -> NetworkCost:
    """What a network costs, before a single step is trained.

    Args:
        model: a name of the catalogue, `file.py:NAME`, `package.module:NAME`, or a card.
        input: the shape of one example, as "3x224x224" or (3, 224, 224), of a graph its nodes, the features of a node
            and its edges; the card's own example where None.
        batch: examples at a time.
        machine: whose least time is wanted: "this", "h100", "a100" ...
        number_format: of that time.
        classes: outputs of a network of the catalogue.
        vocabulary: its size, for tokens.
        width: the network's dial.

    Raises:
        UnknownArgumentError: a keyword that is none of these.
        CostError: the network cannot be costed as asked. ModelError: it is unknown or cannot be built.
    """
    card = model if isinstance(model, ModelCard) else models.card(model)
    own = isinstance(model, str) and ":" in model
    if own and input is None:
        raise CostError("A network of your own needs --input, the shape of one example, such as 3x224x224.")
    sizes = None if not input else check_shape(parse_sizes(input, None, "--input", "3x224x224"))
    if batch < 1:
        raise CostError(f"--batch is {batch}: there must be at least 1 example.")
    schema = _schema(card, sizes, classes, vocabulary)
    network = _built(card, schema, width)
    # What a network of one's own takes is tried out, numbers or tokens, unless --vocabulary says that it is tokens.
    inputs = (
        ((batch, *sizes),)
        if own and sizes and vocabulary is None
        else example_inputs(schema, batch, network=network)
    )
    try:
        found = cost_of(network, *inputs)
    except ValuesNeededError:  # its control flow depends on its data
        found = cost_of(models.build(card, schema, width=width), *inputs)
    bound = bound_on(found, peaks_of(machine), number_format) if machine else None
    kind = schema.input
    return NetworkCost(
        cost=found,
        shape=counted_shape(schema, batch),
        bound=bound,
        assumed_edges=kind.most_edges if isinstance(kind, Graph) and kind.edges is None else None,
    )


def parse_sizes(text: str | Sequence[int], count: int | None, option: str, form: str) -> tuple[int, ...]:
    """Whole numbers as a person writes them.

    Args:
        text: "3x224x224", or the numbers.
        count: how many there must be; None for any.
        option, form: what the numbers are called and look like, for the message.

    Raises:
        CostError: these are not such numbers.

    >>> parse_sizes("11x11", 2, "--kernel", "RxS")
    (11, 11)
    """
    try:
        sizes = tuple(int(part) for part in (text.lower().split("x") if isinstance(text, str) else text))
    except (ValueError, TypeError):
        sizes = ()
    if not sizes or (count is not None and len(sizes) != count):
        raise CostError(
            f"{option} is '{text}': it must be of the form {form}, whole numbers with x between them."
        )
    return sizes


def _schema(
    card: ModelCard, sizes: tuple[int, ...] | None, classes: int | None, vocabulary: int | None
) -> Schema:
    """What one example is: the card's own example, changed where the person says so."""
    schema = card.example
    if classes is not None:
        if classes < 1:
            raise CostError(f"--classes is {classes}: there must be at least 1.")
        schema = replace(schema, target=Classes(names=tuple(map(str, range(classes)))))
    if vocabulary is not None and vocabulary < 1:
        raise CostError(f"--vocabulary is {vocabulary}: there must be at least 1.")
    if sizes is None:
        return schema
    if isinstance(schema.input, Graph) and len(sizes) in (2, 3):
        edges = sizes[2] if len(sizes) == 3 else None
        return replace(schema, input=Graph(nodes=sizes[0], features=sizes[1], edges=edges))
    if len(sizes) == 3:
        return replace(schema, input=Image(channels=sizes[0], height=sizes[1], width=sizes[2]))
    if len(sizes) == 2:
        return replace(schema, input=Series(channels=sizes[0], length=sizes[1]))
    if len(sizes) == 1 and (vocabulary is not None or isinstance(schema.input, Tokens)):
        known = schema.input.vocabulary_size if isinstance(schema.input, Tokens) else 0
        return replace(schema, input=Tokens(vocabulary_size=vocabulary or known, length=sizes[0]))
    if len(sizes) == 1:
        return replace(schema, input=Table(features=sizes[0]))
    raise CostError(
        f"--input has {len(sizes)} sizes: an image has 3, a series 2, a graph 3 (nodes x features of a node x edges), "
        "a row of a table or of tokens 1."
    )


def _built(card: ModelCard, schema: Schema, width: int | None) -> nn.Module:
    """On the meta device, where no memory is needed; on the CPU where the network's own code cannot."""
    try:
        with torch.device("meta"):
            return models.build(card, schema, width=width)
    except (ModelError, NotImplementedError, RuntimeError):  # something in it needs real memory
        return models.build(card, schema, width=width)
