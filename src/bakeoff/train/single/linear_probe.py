"""Linear probing in a small part of the time: what the frozen body says of each example is found once, not every epoch.

A network whose last layer alone is trained is a constant function of the example, then that layer:

    h = body(x)                  frozen, in evaluation mode: the same in every epoch
    y = W h + b                  trained

so that after one pass over all examples the layer is trained on the pairs (h, y). The result is the one that training
through the whole network gives, up to rounding. Where the output is not what the last layer gave (P-Net takes a mean
afterwards), or where examples change each time (augmentation), this does not hold and is not done.
"""

import copy
import math
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.models import takes_lengths
from bakeoff.train.single.placement import Machine
from bakeoff.train.single.recipe import frozen_but_head
from bakeoff.train.stacked.run import EVALUATION_ROWS
from bakeoff.train.tensors import RESIDENT_BYTES, Batch, Examples, Resident, TrainingData, read_ahead


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A last layer apart, and what goes into it.

    Attributes:
        head: the layer, as the network was built with it.
        name: where it stands in the network.
        data: what the frozen rest says of every example, in place of the examples.
        body: all other tensors of the network, by name, on the CPU.
        frozen: those of them that are parameters.
    """

    head: nn.Module
    name: str
    data: TrainingData
    body: dict[str, Tensor]
    frozen: tuple[nn.Parameter, ...]

    def build(self, seed: int) -> nn.Module:
        """A fresh copy of the layer; `seed` was that of the network."""
        return copy.deepcopy(self.head)

    def whole(self, head: dict[str, Tensor]) -> dict[str, Tensor]:
        """The network's weights with these of the layer."""
        return {**self.body, **{f"{self.name}.{name}": tensor for name, tensor in head.items()}}


def probe_of(
    module: nn.Module, data: TrainingData, machine: Machine, *, seconds: float = math.inf
) -> Probe | None:
    """The module's last layer apart; None where it cannot be parted.

    Args:
        module: as it was built; it is frozen, and changed by nothing else.
        data: on the machine's device.
        machine: where.
        seconds: the work is given up after so many.

    It cannot where the output is not the layer's own, or where what goes into it takes more than `RESIDENT_BYTES`.
    """
    head = frozen_but_head(machine.prepare(module))
    body = _Body(module.eval(), head, machine)
    splits = (data.train, data.validation, data.test)
    first = body.features(data.validation.at(torch.arange(1)))
    examples = sum(map(len, splits))
    if first is None or examples * first.numel() * first.element_size() > RESIDENT_BYTES:
        return None
    until = time.monotonic() + seconds
    found = [_all(body, split, until) for split in splits]
    body.let_go()
    features = copy.copy(data)
    features.resident = True
    for name, split in zip(("train", "validation", "test"), found, strict=True):
        if split is None:
            return None
        setattr(features, name, split)
    place = next(name for name, part in module.named_modules() if part is head)
    rest = {
        name: tensor.detach().cpu().clone()
        for name, tensor in module.state_dict().items()
        if not name.startswith(f"{place}.")
    }
    frozen = tuple(parameter for parameter in module.parameters() if not parameter.requires_grad)
    return Probe(head=head, name=place, data=features, body=rest, frozen=frozen)


class _Body:
    """A network up to its last layer."""

    def __init__(self, module: nn.Module, head: nn.Module, machine: Machine) -> None:
        self._module, self._machine = module, machine
        self._calls: list[tuple[tuple[Any, ...], Any]] = []
        self._takes_lengths = takes_lengths(module)
        self._hook = head.register_forward_hook(
            lambda layer, given, output: self._calls.append((given, output))
        )

    def let_go(self) -> None:
        """The layer is no longer watched."""
        self._hook.remove()

    @torch.no_grad()
    def features(self, batch: Batch) -> Tensor | None:
        """What goes into the last layer; None where that does not make the output, and nothing else."""
        self._calls.clear()
        inputs = batch.inputs
        if inputs.dim() == 4 and self._machine.wants_channels_last(self._module):
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        lengths = (batch.lengths,) if self._takes_lengths and batch.lengths is not None else ()
        with self._machine.in_use(), self._machine.autocast():
            output = self._module(inputs, *lengths)
        if len(self._calls) != 1:
            return None
        given, own = self._calls[0]
        is_own = own is output and len(given) == 1 and isinstance(given[0], Tensor)
        return given[0].float() if is_own and given[0].is_floating_point() else None


def _all(body: _Body, examples: Examples, until: float) -> Resident | None:
    """A split's features; None where the time is over first."""
    parts, targets = [], []
    places = torch.arange(len(examples)).split(EVALUATION_ROWS)  # type: ignore[no-untyped-call]
    for batch in read_ahead(examples, places):
        part = body.features(batch)
        if part is None or time.monotonic() > until:
            return None
        parts.append(part)
        targets.append(batch.targets)
    return Resident(Batch(torch.cat(parts), torch.cat(targets), None))
