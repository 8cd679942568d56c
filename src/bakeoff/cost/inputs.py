"""Example inputs: real tensors, tensors on the meta device, or nothing but shapes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.data.schema import Schema, Tokens
from bakeoff.errors import CostError


def example_inputs(schema: Schema, batch: int = 1) -> tuple[Tensor, ...]:
    """Tensors on the meta device, as a network of this schema takes them.

    Args:
        schema: what one example is.
        batch: how many examples.

    Returns:
        One tensor [batch, *schema.input.shape]: int64 for tokens, else float32.

    >>> from bakeoff.data.schema import Classes, Image
    >>> picture = Schema(input=Image(channels=3, height=8, width=8), target=Classes(names=("a", "b")))
    >>> example_inputs(picture, batch=2)[0].shape
    torch.Size([2, 3, 8, 8])
    """
    dtype = torch.int64 if isinstance(schema.input, Tokens) else torch.float32
    return (torch.empty(check_shape((batch, *schema.input.shape)), dtype=dtype, device="meta"),)


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
