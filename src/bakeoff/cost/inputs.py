"""Example inputs: real tensors, tensors on the meta device, or nothing but shapes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.data.schema import Graph, Schema, Tokens
from bakeoff.errors import CostError
from bakeoff.models.layers.graphs import GraphBatch, SparseMatrix
from bakeoff.models.layers.views import takes_graphs


def example_inputs(
    schema: Schema, batch: int = 1, *, network: nn.Module | None = None
) -> tuple[Tensor | GraphBatch, ...]:
    """Tensors on the meta device, as a network of this schema takes them.

    Args:
        schema: what one example is.
        batch: how many examples.
        network: that takes them; one that reads no edges is given dense views of graphs.

    Returns:
        One tensor [batch, *schema.input.shape]: int64 for tokens, else float32; or graphs, each with the most nodes and
        edges that the schema allows.

    >>> from bakeoff.data.schema import Classes, Image
    >>> picture = Schema(input=Image(channels=3, height=8, width=8), target=Classes(names=("a", "b")))
    >>> example_inputs(picture, batch=2)[0].shape
    torch.Size([2, 3, 8, 8])
    """
    if isinstance(schema.input, Graph) and (network is None or takes_graphs(network)):
        return (_example_graphs(schema.input, batch),)
    dtype = torch.int64 if isinstance(schema.input, Tokens) else torch.float32
    return (torch.empty(check_shape((batch, *schema.input.shape)), dtype=dtype, device="meta"),)


def _example_graphs(kind: Graph, batch: int) -> GraphBatch:
    nodes, features = check_shape((batch * kind.nodes, kind.features))

    def whole(count: int) -> Tensor:
        return torch.empty(count, dtype=torch.int64, device="meta")

    return GraphBatch(
        features=torch.empty(nodes, features, device="meta"),
        links=SparseMatrix(whole(2 * batch * kind.most_edges), whole(nodes + 1)),
        offsets=whole(batch + 1),
        kind=kind,
    )


def counted_shape(schema: Schema, batch: int) -> tuple[int, ...]:
    """What `example_inputs` holds, in the numbers by which `--input` asks for it; graphs: nodes, features, edges."""
    if isinstance(schema.input, Graph):
        return (batch, schema.input.nodes, schema.input.features, schema.input.most_edges)
    return (batch, *schema.input.shape)


def check_shape(shape: Sequence[Any]) -> tuple[int, ...]:
    """The shape as a tuple. Raises `CostError` where a size is not a whole number of at least 1."""
    sizes = []
    for size in shape:
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            shown = "x".join(map(str, shape))
            raise CostError(
                f"The input shape {shown} holds the size {size!r}: each must be a whole number of at least 1."
            )
        sizes.append(size)
    return tuple(sizes)


def is_shape(value: Any) -> bool:
    """Whether this is a shape: a `torch.Size`, or a tuple or list of numbers only."""
    if isinstance(value, torch.Size):
        return True
    return (
        isinstance(value, (tuple, list))
        and bool(value)
        and all(isinstance(size, (int, float)) for size in value)
    )


def float_dtype(module: nn.Module) -> torch.dtype:
    """The floating-point format of the network's first parameter, else PyTorch's default."""
    for parameter in module.parameters():
        if parameter.dtype.is_floating_point:
            return parameter.dtype
    return torch.get_default_dtype()


def shape_to_meta(value: Any, dtype: torch.dtype) -> Any:
    """A meta tensor for a shape; anything else as it is."""
    return torch.empty(check_shape(value), dtype=dtype, device="meta") if is_shape(value) else value


def shape_to_values(value: Any, dtype: torch.dtype, device: torch.device) -> Any:
    """A real tensor for a shape or a meta tensor: noise from a generator of its own, or zeros for whole numbers."""
    if is_shape(value):
        value = torch.empty(check_shape(value), dtype=dtype, device="meta")
    if not (isinstance(value, Tensor) and value.is_meta):
        return value
    if not value.is_floating_point():
        return torch.zeros(value.shape, dtype=value.dtype, device=device)
    generator = torch.Generator().manual_seed(0)
    return torch.randn(value.shape, generator=generator, dtype=torch.float32).to(
        device=device, dtype=value.dtype
    )
