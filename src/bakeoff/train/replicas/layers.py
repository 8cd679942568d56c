"""Rules for torch's own layers: how each is evaluated for R replicas at once."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.train.kernels import operators
from bakeoff.train.kernels.recurrent import Layer
from bakeoff.train.replicas.module import NetworkStack, StackedRule

#: Classes whose rules take `relu=True`, for a ReLU that is computed with the layer.
FUSES_RELU = (nn.Linear, nn.Conv1d, nn.Conv2d)


def elementwise(stack: NetworkStack, module: nn.Module, x: Tensor) -> Tensor:
    return type(module).forward(module, x)  # the instance's forward may be routed to this rule


def sequential(stack: NetworkStack, module: nn.Sequential, x: Any) -> Any:
    parts = list(module)
    while parts:
        part = parts.pop(0)
        if type(part) in FUSES_RELU and parts and type(parts[0]) is nn.ReLU:
            parts.pop(0)
            x = stack.call(part, x, relu=True)
        else:
            x = stack.call(part, x)
    return x


def linear(stack: NetworkStack, module: nn.Linear, x: Tensor, *, relu: bool = False) -> Tensor:
    return operators.linear(x, stack.of(module, "weight"), stack.bias(module), relu=relu)


def conv1d(stack: NetworkStack, module: nn.Conv1d, x: Tensor, *, relu: bool = False) -> Tensor:
    stride, padding, plain = geometry(module)
    if not plain:
        out = stack.vectorised(module, x)
        return out.relu() if relu else out
    return operators.conv1d(
        x, stack.of(module, "weight"), stack.bias(module), stride=stride[0], padding=padding[0], relu=relu
    )


def conv2d(stack: NetworkStack, module: nn.Conv2d, x: Tensor, *, relu: bool = False) -> Tensor:
    stride, padding, plain = geometry(module)
    if not plain:
        out = stack.vectorised(module, x)
        return out.relu() if relu else out
    assert len(stride) == len(padding) == 2
    return operators.conv2d(
        x, stack.of(module, "weight"), stack.bias(module), stride=stride, padding=padding, relu=relu
    )


def geometry(module: nn.Conv1d | nn.Conv2d) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
    """Stride and padding, and whether the kernels support this convolution (no groups, no dilation, zero padding)."""
    padding = module.padding
    plain = module.groups == 1 and module.padding_mode == "zeros" and all(d == 1 for d in module.dilation)
    if isinstance(padding, str):
        plain = plain and (padding == "valid" or all(k % 2 for k in module.kernel_size))
        padding = tuple(0 if padding == "valid" else k // 2 for k in module.kernel_size)
    return tuple(module.stride), tuple(padding), plain


def recurrent(stack: NetworkStack, module: nn.RNNBase, x: Tensor, state: Any = None) -> Any:
    """One layer from zeros: (states, last states)."""
    layers = recurrent_layers(stack, module)
    known = not isinstance(module, nn.LSTM) and module.num_layers == 1 and state is None and x.dim() == 4
    if layers is None or not known:
        raise NotImplementedError(f"no stacked form of this {type(module).__name__}")
    by_batch = x if module.batch_first else x.transpose(1, 2)
    states = operators.recurrent(type(module).__name__.lower(), by_batch, layers)
    return (states if module.batch_first else states.transpose(1, 2)), states[:, None, :, -1]


def recurrent_layers(stack: NetworkStack, module: nn.RNNBase) -> list[Layer] | None:
    """The stacked weights of each layer; None where the kernels do not support this form."""
    known = (
        not module.bidirectional and module.proj_size == 0 and (module.dropout == 0 or not module.training)
    )
    if not known or getattr(module, "nonlinearity", "tanh") != "tanh":
        return None
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if module.bias else 2]
    layers: list[Layer] = []
    for layer in range(module.num_layers):
        weights = [stack.of(module, f"{name}_l{layer}") for name in names]
        biases = (weights[2], weights[3]) if module.bias else (None, None)
        layers.append((weights[0], weights[1], *biases))
    return layers


def embedding(stack: NetworkStack, module: nn.Embedding, tokens: Tensor) -> Tensor:
    """The replicas' tables are concatenated into one, and each replica's tokens are shifted to its part."""
    if module.max_norm is not None or module.scale_grad_by_freq or module.padding_idx is not None:
        return stack.vectorised(module, tokens)
    table = stack.of(module, "weight")
    first = torch.arange(len(stack), device=tokens.device) * module.num_embeddings
    return F.embedding(tokens + first.view(-1, *[1] * (tokens.dim() - 1)), table.flatten(0, 1))


def max_pool2d(stack: NetworkStack, module: nn.MaxPool2d, x: Tensor) -> Tensor:
    size = square_of(module)
    return pooling(stack, module, x) if size is None or x.dim() != 5 else operators.max_pool2d(x, size=size)


def square_of(module: nn.MaxPool2d) -> int | None:
    """The side of a pooling over adjacent squares; None for a pooling of another form."""
    size = module.kernel_size
    plain = module.padding in (0, (0, 0)) and module.dilation in (1, (1, 1)) and not module.ceil_mode
    same = isinstance(size, int) and module.stride in (size, (size, size)) and not module.return_indices
    return size if plain and same and isinstance(size, int) else None


def pooling(stack: NetworkStack, module: nn.Module, x: Tensor) -> Tensor:
    """A pooling has no parameters, so that the replicas are treated as more examples."""
    return type(module).forward(module, x.flatten(0, 1)).unflatten(0, x.shape[:2])


def flatten(stack: NetworkStack, module: nn.Flatten, x: Tensor) -> Tensor:
    first, last = module.start_dim, module.end_dim
    return x.flatten(first + (first >= 0), last + (last >= 0))


def dropout(stack: NetworkStack, module: nn.Dropout, x: Tensor) -> Tensor:
    """Each replica draws from its own generator, only for its real rows, so that it does not depend on the others."""
    if not module.training or module.p == 0.0:
        return x
    mask = torch.ones_like(x)
    for row, generator in enumerate(stack.generators):
        real = mask[row, : int(stack.counts[row])] if mask.shape[1] >= int(stack.counts.max()) else mask[row]
        real.bernoulli_(1.0 - module.p, generator=generator)
    return x * mask.div_(1.0 - module.p)


def batch_norm(stack: NetworkStack, module: nn.BatchNorm1d | nn.BatchNorm2d, x: Tensor) -> Tensor:
    """The replicas' channels are concatenated and normalised as the channels of one batch normalisation."""
    replicas, batch, channels = x.shape[:3]
    merged = x.transpose(0, 1).reshape(batch, replicas * channels, *x.shape[3:])

    def flat(name: str) -> Tensor | None:
        return None if getattr(module, name) is None else stack.of(module, name).view(-1)

    mean, var = flat("running_mean"), flat("running_var")
    update = module.training and mean is not None
    momentum = module.momentum
    if update and module.num_batches_tracked is not None:
        seen = stack.of(module, "num_batches_tracked").add_(1)
        momentum = 1.0 / float(seen[0]) if momentum is None else momentum
    out = F.batch_norm(
        merged,
        mean,
        var,
        flat("weight"),
        flat("bias"),
        module.training or mean is None,
        0.0 if momentum is None else momentum,
        module.eps,
    )
    return out.view(batch, replicas, channels, *x.shape[3:]).transpose(0, 1)


def encoder_layer(stack: NetworkStack, module: nn.TransformerEncoderLayer, x: Tensor) -> Tensor:
    """torch's encoder layer, where it is the pre-norm form that the kernels support; other forms are vectorised."""
    attention, relu = module.self_attn, module.activation in (F.relu, torch.relu)
    dropped = module.training and any(
        part.p > 0 for part in (module.dropout, module.dropout1, module.dropout2)
    )
    known = module.norm_first and attention.batch_first and attention.in_proj_bias is not None and not dropped
    normed = all(stack.name_of(norm, "bias") for norm in (module.norm1, module.norm2))
    gelu = module.activation is F.gelu
    if (
        not (known and normed and (relu or gelu))
        or (module.training and attention.dropout > 0)
        or x.dim() != 4
    ):
        return stack.vectorised(module, x)
    parts: dict[str, tuple[nn.Module, str]] = {
        "norm1_": (module.norm1, ""),
        "qkv_": (attention, "in_proj_"),
        "out_": (attention.out_proj, ""),
        "norm2_": (module.norm2, ""),
        "up_": (module.linear1, ""),
        "down_": (module.linear2, ""),
    }
    parameters = {
        f"{name}{kind}": stack.of(part, f"{prefix}{kind}")
        for name, (part, prefix) in parts.items()
        for kind in ("weight", "bias")
    }
    return operators.transformer_block(
        x,
        operators.BlockParameters(**parameters),
        heads=attention.num_heads,
        activation="relu" if relu else "gelu",
        epsilon=module.norm1.eps,
    )


def layer_norm(stack: NetworkStack, module: nn.LayerNorm, x: Tensor) -> Tensor:
    if module.weight is not None and module.bias is not None and len(module.normalized_shape) == 1:
        return operators.layer_norm(
            x, stack.of(module, "weight"), stack.of(module, "bias"), epsilon=module.eps
        )
    out = F.layer_norm(x, module.normalized_shape, eps=module.eps)
    if module.weight is None:
        return out
    axes = (len(stack), *[1] * (x.dim() - 1 - len(module.normalized_shape)), *module.normalized_shape)
    out = out * stack.of(module, "weight").view(axes)
    return out if module.bias is None else out + stack.of(module, "bias").view(axes)


ELEMENTWISE = (
    nn.ReLU,
    nn.GELU,
    nn.Tanh,
    nn.Sigmoid,
    nn.SiLU,
    nn.ELU,
    nn.LeakyReLU,
    nn.Identity,
    nn.Hardswish,
)
POOLINGS = (nn.MaxPool1d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)
RULES: Mapping[type[nn.Module], StackedRule] = {
    **dict.fromkeys(ELEMENTWISE, elementwise),
    nn.Sequential: sequential,
    nn.Linear: linear,
    nn.Conv1d: conv1d,
    nn.Conv2d: conv2d,
    nn.RNN: recurrent,
    nn.GRU: recurrent,
    nn.LSTM: recurrent,
    nn.Embedding: embedding,
    nn.MaxPool2d: max_pool2d,
    **dict.fromkeys(POOLINGS, pooling),
    nn.Flatten: flatten,
    nn.Dropout: dropout,
    nn.BatchNorm1d: batch_norm,
    nn.BatchNorm2d: batch_norm,
    nn.TransformerEncoderLayer: encoder_layer,
    nn.LayerNorm: layer_norm,
}
