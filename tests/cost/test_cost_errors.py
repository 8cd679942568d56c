"""Bad input: a clear sentence each; and networks that cannot run on tensors without values."""

import pytest
import torch
from torch import Tensor, nn

from bakeoff.cost import OperationCounter, cost_of, example_inputs
from bakeoff.data.schema import Classes, Image, Schema, Tokens
from bakeoff.errors import BakeoffWarning, CostError


def test_a_shape_that_does_not_fit_names_the_layer_and_both_shapes() -> None:
    network = nn.Sequential(nn.Flatten(), nn.ReLU(), nn.Linear(10, 3))
    with pytest.raises(CostError, match=r"Layer '2' \(Linear.*weight 3x10.*input of shape 2x40"):
        cost_of(network, (2, 5, 8))


def test_the_innermost_layer_is_named() -> None:
    network = nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 3)), nn.Flatten())
    with pytest.raises(CostError, match=r"Layer '0\.1' \(Conv2d.*weight 8x4x3x3.*input of shape 1x8x6x6"):
        cost_of(network, (1, 3, 8, 8))


def test_an_error_of_the_networks_own_keeps_its_reason() -> None:
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise KeyError("no such weight")

    with pytest.raises(CostError, match="no such weight"):
        cost_of(Broken(), (1, 3))


@pytest.mark.parametrize("shape", [(0, 3), (2, -3), (2, 3.5)])
def test_sizes_that_are_no_positive_whole_numbers_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(CostError, match="must be a whole number of at least 1"):
        cost_of(nn.Linear(3, 1), shape)


def test_what_is_no_network_and_no_input_is_refused() -> None:
    with pytest.raises(CostError, match="not a type: give it the network itself"):
        cost_of(nn.Linear, (1, 3))  # type: ignore[arg-type]
    with pytest.raises(CostError, match="needs example inputs"):
        cost_of(nn.Linear(3, 1))


def test_layers_that_cannot_be_hashed_get_a_sentence() -> None:
    class Equal(nn.Linear):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal)

    with pytest.raises(CostError, match=r"__hash__ = nn\.Module\.__hash__"):
        cost_of(nn.Sequential(Equal(3, 3)), (1, 3))


class Deciding(nn.Module):
    """Runs its layer only where the input's sum is above zero."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) if x.sum() > 0 else x * 2


@pytest.mark.filterwarnings("ignore:No output of this network can be trained")
def test_control_flow_by_data_is_counted_for_the_example_and_says_so() -> None:
    network = Deciding()
    with pytest.warns(BakeoffWarning, match="with the example given, for which alone the counts hold"):
        positive = cost_of(network, torch.ones(2, 4))
    with pytest.warns(BakeoffWarning, match="with the example given"):
        negative = cost_of(network, -torch.ones(2, 4))
    with pytest.warns(BakeoffWarning, match="made-up numbers"):
        cost_of(network, (2, 4))
    assert (positive.macs, negative.macs) == (2 * 4 * 4, 0)
    assert positive.counted_on == "cpu"
    assert positive.training_flops > positive.flops
    assert any("for which alone" in sentence for sentence in positive.warnings)


def test_control_flow_by_data_without_values_is_refused() -> None:
    with torch.device("meta"):
        network = Deciding()
    with pytest.raises(CostError, match="build it on the CPU"):
        cost_of(network, (2, 4))


def test_a_network_that_makes_tensors_on_the_default_device_needs_no_values() -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(50, 4)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.embedding(torch.arange(x.shape[1]))

    assert cost_of(Positions(), (2, 6, 4)).counted_on == "meta"


def test_an_unknown_operation_is_named_and_never_silent() -> None:
    class Distances(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.pdist(x)

    with pytest.warns(BakeoffWarning, match=r"No rule is known for .*aten\._pdist_forward"):
        cost = cost_of(Distances(), (5, 4))
    assert cost.unknown_operations == ("aten._pdist_forward",)


def test_a_device_that_is_not_there_is_named() -> None:
    class Elsewhere(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise AssertionError("Torch not compiled with CUDA enabled")

    with pytest.raises(
        CostError, match=r"cannot run on the device it asks for .*on a device of this machine"
    ):
        cost_of(Elsewhere(), (1, 3))


def test_common_losses_are_counted_in_full() -> None:
    def cross_entropy(output: Tensor) -> Tensor:
        return nn.functional.cross_entropy(output, torch.zeros(4, dtype=torch.int64, device=output.device))

    def binary(output: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(output, torch.zeros_like(output))

    def huber(output: Tensor) -> Tensor:
        return nn.functional.huber_loss(output, torch.zeros_like(output))

    plain = cost_of(nn.Linear(3, 5), (4, 3))
    for loss in (cross_entropy, binary, huber):
        cost = cost_of(nn.Linear(3, 5), (4, 3), loss=loss)
        assert cost.unknown_operations == ()
        assert cost.training_flops > plain.training_flops


def test_an_operation_of_a_users_own_library_is_named() -> None:
    @torch.library.custom_op("bakeoff_tests::double", mutates_args=())
    def double(x: Tensor) -> Tensor:
        return x * 2

    with OperationCounter() as counter:
        double(torch.ones(3))
    assert counter.counts.unknown == {"bakeoff_tests.double": 1}


def test_shapes_become_tokens_where_the_network_begins_with_an_embedding() -> None:
    network = nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 2))
    assert cost_of(network, (3, 7)).macs == 3 * 7 * 8 * 2
    with pytest.raises(CostError, match=r"Layer '0' \(Embedding\) takes whole numbers"):
        cost_of(network, torch.zeros(3, 7))


def test_layers_that_learn_their_sizes_are_sized_by_the_example() -> None:
    network = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(5))
    cost = cost_of(network, (2, 3, 8, 8))
    assert cost.parameters == 4 * 3 * 9 + 4 + 5 * 4 * 36 + 5
    assert isinstance(network[2].weight, nn.parameter.UninitializedParameter)


def test_inputs_by_name_and_packed_sequences() -> None:
    class Named(nn.Module):
        def forward(self, *, left: Tensor, right: Tensor) -> Tensor:
            return left @ right

    assert cost_of(Named(), keyword_inputs={"left": (3, 4), "right": (4, 5)}).macs == 60
    packed = nn.utils.rnn.pack_sequence([torch.zeros(5, 3), torch.zeros(2, 3)])
    assert cost_of(nn.GRU(3, 6), packed).macs == 7 * 3 * 6 * (3 + 6)


def test_example_inputs_follow_the_schema() -> None:
    target = Classes(names=("a", "b"))
    (image,) = example_inputs(Schema(input=Image(channels=3, height=4, width=5), target=target), batch=2)
    (tokens,) = example_inputs(Schema(input=Tokens(vocabulary_size=9, length=7), target=target))
    assert (image.shape, image.dtype, image.device.type) == ((2, 3, 4, 5), torch.float32, "meta")
    assert (tokens.shape, tokens.dtype) == ((1, 7), torch.int64)


def test_a_network_without_gradients_says_so() -> None:
    with pytest.warns(BakeoffWarning, match="No output of this network can be trained"):
        cost = cost_of(nn.Linear(3, 2).requires_grad_(False), (1, 3))
    assert cost.training_flops == cost.flops
    assert cost.peak_training_bytes["adam"] == cost.peak_training_bytes["sgd"]


def test_a_loss_counts_in_training() -> None:
    layer = nn.Linear(3, 4)
    plain = cost_of(layer, (2, 3)).training_flops
    assert cost_of(layer, (2, 3), loss=lambda output: output.square().mean()).training_flops > plain
