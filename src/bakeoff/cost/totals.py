"""The record that is made of the two passes over a network."""

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from bakeoff.cost.counter import Counts, Tally
from bakeoff.cost.layer_trail import shapes_in, tensors_in
from bakeoff.cost.passes import Example, PassResult
from bakeoff.cost.record import OPTIMISER_STATES, Cost, LayerCost, OperationCost
from bakeoff.cost.rules.sparse import held_values
from bakeoff.cost.storage import unique_bytes


def record_of(example: Example, forward: PassResult, train: PassResult, sentences: list[str]) -> Cost:
    parameters = example.parameters
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    unknown = tuple(sorted({*forward.counts.unknown, *train.counts.unknown}))
    if unknown:
        sentences.append(
            f"No rule is known for {', '.join(unknown)}: the arithmetic of these operations is missing in the counts."
        )
    if parameters and not train.trained and train is not forward and not train.backward_failure:
        sentences.append(
            "No output of this network can be trained: training_flops is the forward pass alone."
        )
    total = forward.counts.flops
    names = _names(example, forward, train)
    packed = example.packed_tensors
    return Cost(
        parameters=_values([*parameters, *packed]),
        trainable_parameters=_values(trainable),
        frozen_parameters=_values([*parameters, *packed]) - _values(trainable),
        parameter_bytes=unique_bytes([*parameters, *packed]),
        buffer_bytes=unique_bytes(example.buffers),
        macs=forward.counts.macs,
        flops=total,
        training_flops=train.counts.flops,
        activation_bytes=sum(train.kept_bytes.values()),
        input_bytes=unique_bytes(tensors_in((example.args, example.kwargs))),
        traffic_bytes=forward.counts.traffic_bytes,
        training_traffic_bytes=train.counts.traffic_bytes,
        peak_inference_bytes=forward.peak_bytes,
        peak_training_bytes=_training_peaks(trainable, train),
        input_shapes=shapes_in((example.args, example.kwargs)),
        output_shapes=forward.output_shapes,
        layers=tuple(_layers(example, names, forward, train, total)),
        operations=_operations(forward.counts),
        unknown_operations=unknown,
        counted_on="meta" if example.on_meta else _device_of(parameters),
        warnings=tuple(sentences),
    )


def _training_peaks(trainable: list[nn.Parameter], train: PassResult) -> dict[str, int]:
    """Optimisers keep their state all the time; Adam's step besides needs two copies of the parameter at hand.

    The step comes after the backward pass, when the activations are gone and all gradients are there.
    """
    size = unique_bytes(trainable)
    largest = max((parameter.numel() * parameter.element_size() for parameter in trainable), default=0)
    peaks = {}
    for name, copies in OPTIMISER_STATES.items():
        scratch = 2 * largest if name == "adam" else 0
        step = train.resident_bytes + size + scratch
        peaks[name] = copies * size + max(train.peak_bytes, step)
    return peaks


def _layers(
    example: Example, names: list[str], forward: PassResult, train: PassResult, total: int
) -> Iterator[LayerCost]:
    counted: set[int] = set()
    for name in names:
        module = example.modules[name]
        own = [p for p in module._parameters.values() if p is not None and id(p) not in counted]
        counted.update(map(id, own))
        held = [*own, *example.packed.get(name, [])]
        tally = forward.counts.by_layer.get(name, Tally())
        seen = forward.trail.seen.get(name) or train.trail.seen.get(name)
        yield LayerCost(
            name=name,
            type=type(module).__name__,
            calls=seen.calls if seen else 0,
            input_shapes=seen.input_shapes if seen else (),
            output_shapes=seen.output_shapes if seen else (),
            parameters=_values(held),
            trainable_parameters=_values([parameter for parameter in own if parameter.requires_grad]),
            parameter_bytes=unique_bytes(held),
            macs=tally.macs,
            flops=tally.flops,
            training_flops=train.counts.by_layer.get(name, Tally()).flops,
            activation_bytes=train.kept_bytes.get(name, 0),
            traffic_bytes=tally.traffic_bytes,
            training_traffic_bytes=train.counts.by_layer.get(name, Tally()).traffic_bytes,
            share=tally.flops / total if total else 0.0,
        )


def _names(example: Example, forward: PassResult, train: PassResult) -> list[str]:
    """Layers with a cost of their own: in the order of their first call, then those never called."""
    costly = {*forward.counts.by_layer, *train.counts.by_layer, *train.kept_bytes}
    modules = example.modules
    order = dict.fromkeys([*forward.trail.seen, *train.trail.seen, *modules])
    return [
        name
        for name in order
        if name in costly
        or name in example.packed
        or any(p is not None for p in modules[name]._parameters.values())
    ]


def _operations(counts: Counts) -> tuple[OperationCost, ...]:
    costs = [
        OperationCost(name=name, calls=tally.calls, macs=tally.macs, flops=tally.flops)
        for name, tally in counts.by_operation.items()
    ]
    return tuple(sorted(costs, key=lambda cost: (-cost.flops, cost.name)))


def _values(parameters: Sequence[Tensor]) -> int:
    return sum(held_values(parameter) for parameter in parameters)


def _device_of(parameters: list[nn.Parameter]) -> str:
    return str(parameters[0].device) if parameters else "cpu"
