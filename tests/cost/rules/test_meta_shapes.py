"""Shortcuts on meta tensors give what PyTorch gives there, and recurrent layers what PyTorch computes on a CPU."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bakeoff.cost.cpu_paths.recurrent import _CELLS, _input_parts, _unrolled
from bakeoff.cost.rules.meta_shapes import result_by_shape
from bakeoff.cost.rules.workspace import lstm_workspace_bytes

aten = torch.ops.aten


def _meta(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


X, Y, ROW = _meta(2, 3, 4, 5), _meta(2, 3, 4, 5), _meta(5)
C = _meta(3)
CALLS: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {
    "batch norm, training": (aten.native_batch_norm.default, (X, C, C, C, C, True, 0.1, 1e-5), {}),
    "batch norm backward": (
        aten.native_batch_norm_backward.default,
        (X, Y, C, C, C, C, C, True, 1e-5, [True, True, True]),
        {},
    ),
    "layer norm": (aten.native_layer_norm.default, (X, [5], ROW, ROW, 1e-5), {}),
    "addmm": (aten.addmm.default, (ROW, _meta(3, 4), _meta(4, 5)), {}),
    "convolution": (
        aten.convolution.default,
        (X, _meta(6, 3, 3, 2), None, [2, 1], [1, 0], [1, 2], False, [0, 0], 1),
        {},
    ),
    "grouped convolution": (
        aten.convolution.default,
        (_meta(2, 4, 9), _meta(6, 2, 3), _meta(6), [1], [1], [1], False, [0], 2),
        {},
    ),
    "pooling": (aten.max_pool2d_with_indices.default, (_meta(2, 3, 9, 8), [3, 2], [2, 2], [1, 0]), {}),
    "pooling backward": (
        aten.max_pool2d_with_indices_backward.default,
        (
            _meta(2, 3, 4, 4),
            _meta(2, 3, 8, 8),
            [2, 2],
            [2, 2],
            [0, 0],
            [1, 1],
            False,
            torch.empty(2, 3, 4, 4, dtype=torch.int64, device="meta"),
        ),
        {},
    ),
    "mm": (aten.mm.default, (_meta(3, 4), _meta(5, 4).t()), {}),
    "bmm": (aten.bmm.default, (_meta(2, 3, 4), _meta(2, 4, 5)), {}),
    "convolution backward": (
        aten.convolution_backward.default,
        (
            _meta(2, 6, 2, 5),
            X,
            _meta(6, 3, 3, 1),
            [6],
            [1, 1],
            [0, 0],
            [1, 1],
            False,
            [0, 0],
            1,
            [True, True, True],
        ),
        {},
    ),
    "sum": (aten.sum.dim_IntList, (X, [1, -1]), {}),
    "mean, kept": (aten.mean.dim, (X, [2], True), {}),
    "add": (aten.add.Tensor, (X, ROW), {"alpha": 2}),
    "multiply by a number": (aten.mul.Tensor, (X, 2.0), {}),
    "expanded": (aten.div.Scalar, (_meta(2, 1).expand(2, 7), 3.0), {}),
    "gelu": (aten.gelu.default, (X,), {"approximate": "tanh"}),
    "relu": (aten.relu.default, (X,), {}),
    "threshold backward": (aten.threshold_backward.default, (X, Y, 0), {}),
    "in place": (aten.add_.Tensor, (X, Y), {}),
    "power": (aten.pow.Tensor_Scalar, (X, 2), {}),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_shortcut_gives_what_pytorch_gives(name: str) -> None:
    operation, args, kwargs = CALLS[name]
    ours, theirs = result_by_shape(operation, args, kwargs), operation(*args, **kwargs)
    assert ours is not NotImplemented
    pairs = zip(ours, theirs, strict=True) if isinstance(ours, tuple) else [(ours, theirs)]
    for mine, their in pairs:
        assert (mine.shape, mine.dtype, mine.stride()) == (their.shape, their.dtype, their.stride())


@pytest.mark.parametrize(
    ("operation", "args"),
    [
        (aten.add.Tensor, (X.transpose(1, 2), X.transpose(1, 2))),
        (aten.add.Tensor, (X.long(), 1.5)),
        (aten.add.Tensor, (X, X.double())),
        (aten.add.Tensor, (torch.ones(2), torch.ones(2))),
        (aten.addmm.default, (ROW, _meta(3, 4), _meta(6, 5))),
        (aten.mm.default, (_meta(3, 4), _meta(5, 6))),
        (aten.gt.Tensor, (X, Y)),
    ],
    ids=["layout", "whole numbers", "two formats", "real", "misfit", "mm misfit", "truth values"],
)
def test_where_the_result_is_not_plain_pytorch_is_asked(operation: Any, args: tuple[Any, ...]) -> None:
    assert result_by_shape(operation, args, {}) is NotImplemented


@pytest.mark.parametrize("kind", ["gru", "rnn_tanh", "rnn_relu", "lstm"])
def test_the_unrolled_cells_compute_what_pytorch_computes(kind: str) -> None:
    generator = torch.Generator().manual_seed(1)
    layers = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn_tanh": nn.RNN, "rnn_relu": nn.RNN}
    options = {"nonlinearity": kind.removeprefix("rnn_")} if kind.startswith("rnn") else {}
    layer = layers[kind](3, 6, **options).double()
    x = torch.randn(5, 2, 3, generator=generator, dtype=torch.float64)
    zero = torch.zeros(2, 6, dtype=torch.float64)
    state = (zero, zero.clone()) if kind == "lstm" else (zero,)
    with torch.no_grad():
        for reverse in (False, True):
            expected = layer(x.flip(0))[0].flip(0) if reverse else layer(x)[0]
            weights = list(layer._flat_weights)
            parts = _input_parts(x, weights, True)
            ours = _unrolled(_CELLS[getattr(torch, kind)], parts, state, weights, True, reverse)[0]
            torch.testing.assert_close(ours, expected)
            assert not torch.allclose(ours, expected.flip(0))


@pytest.mark.parametrize(("steps", "batch", "hidden"), [(20, 4, 32), (50, 8, 128), (30, 2, 256)])
def test_the_workspace_of_an_lstm_is_near_what_onednn_asks_for(steps: int, batch: int, hidden: int) -> None:
    node = nn.LSTM(8, hidden)(torch.zeros(steps, batch, 8))[0].grad_fn
    while node is not None and "Mkldnn" not in type(node).__name__:
        node = node.next_functions[0][0]
    if node is None:
        pytest.skip("PyTorch has no oneDNN here")
    workspace = node._saved_result3.numel()  # type: ignore[attr-defined]
    assert lstm_workspace_bytes(steps, batch, hidden, 4) == pytest.approx(workspace, rel=0.11)
