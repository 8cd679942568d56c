"""Networks of which one pass, one kind of tensor or one wrapper is out of the ordinary: counted, and said."""

import warnings

import pytest
import torch
from torch import Tensor, nn

from bakeoff.cost.network_cost import cost_of
from bakeoff.cost.record import Cost
from bakeoff.errors import BakeoffWarning, CostError


def _counted(network: nn.Module, *inputs: object, **options: object) -> tuple[Cost, str]:
    """The cost, and the sentences that were said with it."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", BakeoffWarning)
        cost = cost_of(network, *inputs, **options)  # type: ignore[arg-type]
    return cost, " ".join(str(warning.message) for warning in said)


def _plain() -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))


PLAIN_MACS, PLAIN_VALUES = 16 * 32 + 32 * 4, 16 * 32 + 32 + 32 * 4 + 4


def test_a_padding_mask_in_eval_mode_changes_no_count() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 2).eval()
    mask = torch.zeros(3, 10, dtype=torch.bool)
    mask[0, 6:] = True
    masked, _ = _counted(encoder, torch.randn(3, 10, 32), keyword_inputs={"src_key_padding_mask": mask})
    plain, _ = _counted(encoder, torch.randn(3, 10, 32))
    assert masked.macs == plain.macs
    assert encoder.use_nested_tensor


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "wrap", [torch.jit.script, lambda network: torch.jit.trace(network, torch.randn(1, 16))]
)
@pytest.mark.parametrize("example", [torch.randn(2, 16), (2, 16)])
def test_torchscript_counts_as_the_network_that_it_was_made_of(wrap, example) -> None:  # type: ignore[no-untyped-def]
    cost, said = _counted(wrap(_plain()), example)
    assert (cost.macs, cost.parameters) == (2 * PLAIN_MACS, PLAIN_VALUES)
    assert cost.training_flops == cost_of(_plain(), example).training_flops
    assert "TorchScript" in said


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_wrong_shape_for_torchscript_is_a_sentence() -> None:
    with pytest.raises(CostError, match="does not take an input of shape 1x9"):
        cost_of(torch.jit.script(_plain()), torch.randn(1, 9))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_part_counts_as_it_was_written() -> None:
    network = nn.Sequential(torch.compile(_plain()), nn.Linear(4, 4, bias=False))  # type: ignore[arg-type]
    assert cost_of(network, (1, 16)).macs == PLAIN_MACS + 16


def test_one_complex_product_is_four_real_ones_and_a_sum_two() -> None:
    layer = nn.Linear(8, 16, dtype=torch.complex64)
    cost = cost_of(layer, torch.randn(2, 8, dtype=torch.complex64))
    assert cost.macs == 4 * 2 * 8 * 16
    assert cost.flops == 2 * cost.macs + 2 * 2 * 16
    assert cost.parameters == 8 * 16 + 16


def test_a_complex_product_elementwise_is_six_operations() -> None:
    class Square(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * x

    assert cost_of(Square(), torch.randn(5, dtype=torch.complex64)).flops == 6 * 5
    assert cost_of(Square(), torch.randn(5)).flops == 5


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_quantised_weights_are_parameters_and_their_products_counted() -> None:
    quantised = torch.ao.quantization.quantize_dynamic(_plain(), {nn.Linear}, dtype=torch.qint8)
    cost, said = _counted(quantised, (2, 16))
    assert (cost.parameters, cost.trainable_parameters) == (PLAIN_VALUES, 0)
    assert cost.macs == 2 * PLAIN_MACS
    assert cost.parameter_bytes == (16 * 32 + 32 * 4) + 4 * (32 + 4)
    assert sum(layer.parameters for layer in cost.layers) == PLAIN_VALUES
    assert "packed" in said


@pytest.mark.filterwarnings("ignore:Sparse CSR:UserWarning", "ignore:Sparse invariant:UserWarning")
@pytest.mark.parametrize("layout", ["to_sparse", "to_sparse_csr"])
def test_a_sparse_product_counts_the_values_that_are_held(layout: str) -> None:
    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2, bias=False)

        def forward(self, adjacency: Tensor, x: Tensor) -> Tensor:
            return torch.sparse.mm(adjacency, self.layer(x))

    dense = torch.eye(5)
    dense[0, 3] = 1
    cost, said = _counted(Graph(), getattr(dense, layout)(), torch.randn(5, 4))
    assert cost.macs == 5 * 4 * 2 + 6 * 2
    assert "sparse" in said
    full, _ = _counted(Graph(), dense, torch.randn(5, 4))
    assert full.macs == 5 * 4 * 2 + 25 * 2


def test_a_gradient_inside_forward_is_counted_and_said() -> None:
    class Force(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = x.requires_grad_(True)
            energy = self.layer(x).tanh().sum()
            return torch.autograd.grad(energy, x, create_graph=self.training)[0]

    cost, said = _counted(Force(), torch.randn(2, 3))
    assert cost.macs == 2 * 3 + 2 * 3
    assert "only with gradients" in said


class _NoBackward(torch.autograd.Function):
    @staticmethod
    def forward(context, x):  # type: ignore[no-untyped-def]
        return x * 2

    @staticmethod
    def backward(context, gradient):  # type: ignore[no-untyped-def]
        raise RuntimeError("no derivative was written")


def test_an_operation_without_backward_leaves_the_forward_counts_and_says_what_is_missing() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return _NoBackward.apply(self.layer(x))

    cost, said = _counted(Net(), torch.randn(4, 3))
    assert (cost.macs, cost.training_flops) == (4 * 3 * 2, 2 * 4 * 3 * 2 + 4 * 2)
    assert "no derivative was written" in said
    assert "training_flops lacks the backward pass" in said


def test_a_network_that_does_not_run_in_train_mode_is_counted_in_eval_mode() -> None:
    class EvalOnly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                raise RuntimeError("labels are needed")
            return self.layer(x)

    cost, said = _counted(EvalOnly(), (4, 3))
    assert cost.macs == 4 * 3 * 2
    assert "In train mode the network does not run" in said
    assert "what training costs is missing" in said
