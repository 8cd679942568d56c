"""What comes back from `cost_of`: one frozen record, always with the same fields, and its JSON.

Units: 1 multiply-add = 1 MAC = 2 FLOPs. All counts are for the example inputs as given, batch included.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

#: The optimisers whose memory is forecast, and how many copies of a parameter each keeps as its state.
OPTIMISER_STATES: dict[str, int] = {"sgd": 0, "momentum": 1, "adam": 2}


@dataclass(frozen=True, kw_only=True)
class LayerCost:
    """What one module adds by itself: its own operations and parameters, those of its children left out.

    The layers of a `Cost` therefore sum up to it exactly: in parameters, MACs, FLOPs, training FLOPs, activations
    and traffic.

    Attributes:
        name: the module's path in the network ("" is the network itself).
        type: the class of the module.
        calls: how often its forward ran (3 for a layer that is used three times; its parameters count once).
        input_shapes, output_shapes: shapes of the tensors of the first call.
        parameters, trainable_parameters: numbers of values.
        parameter_bytes: their size.
        macs, flops: of one forward pass in eval mode.
        training_flops: forward in train mode and backward.
        activation_bytes: what the layer allocates in the forward pass and autograd keeps for the backward pass.
        traffic_bytes: read and written by the operations of the forward pass, each reading its inputs and writing
            its outputs once.
        share: its part of the network's FLOPs, 0 to 1.
    """

    name: str
    type: str
    calls: int
    input_shapes: tuple[tuple[int, ...], ...]
    output_shapes: tuple[tuple[int, ...], ...]
    parameters: int
    trainable_parameters: int
    parameter_bytes: int
    macs: int
    flops: int
    training_flops: int
    activation_bytes: int
    traffic_bytes: int
    training_traffic_bytes: int
    share: float


@dataclass(frozen=True, kw_only=True)
class OperationCost:
    """All calls of one operation of PyTorch in the forward pass, such as `aten.addmm`."""

    name: str
    calls: int
    macs: int
    flops: int


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a network costs for the example inputs given.

    Attributes:
        parameters: values that are learned or frozen; shared ones count once.
        trainable_parameters, frozen_parameters: those that need a gradient, and the others.
        parameter_bytes, buffer_bytes: their size in memory; buffers are running means and the like.
        macs: multiply-adds of one forward pass in eval mode.
        flops: 2 for each MAC, and all other arithmetic (the rule stands in `cost_of`).
        training_flops: one forward pass in train mode and one backward pass.
        activation_bytes: what autograd keeps alive between forward and backward, parameters and inputs left out.
        input_bytes: the size of the example inputs.
        traffic_bytes, training_traffic_bytes: read and written by the operations of the forward pass, and of forward
            and backward.
        peak_inference_bytes: most memory held at once in a forward pass without gradients.
        peak_training_bytes: most memory held at once in a training step, by optimiser: "sgd", "momentum", "adam".
        input_shapes, output_shapes: of the tensors in and out.
        layers: the cost of each module by itself, in the order of their first call.
        operations: the forward pass by operation, the costliest first.
        unknown_operations: operations of forward or backward for which no rule is known; their arithmetic is missing.
        counted_on: "meta" where nothing was computed, else the device where the network had to be run.
        warnings: what a reader of the figures must know.
    """

    parameters: int
    trainable_parameters: int
    frozen_parameters: int
    parameter_bytes: int
    buffer_bytes: int
    macs: int
    flops: int
    training_flops: int
    activation_bytes: int
    input_bytes: int
    traffic_bytes: int
    training_traffic_bytes: int
    peak_inference_bytes: int
    peak_training_bytes: Mapping[str, int]
    input_shapes: tuple[tuple[int, ...], ...]
    output_shapes: tuple[tuple[int, ...], ...]
    layers: tuple[LayerCost, ...]
    operations: tuple[OperationCost, ...]
    unknown_operations: tuple[str, ...]
    counted_on: str
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The record as plain dictionaries, lists, numbers and strings."""
        record: dict[str, Any] = _plain(asdict(self))
        return record


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
