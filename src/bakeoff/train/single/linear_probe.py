"""Linear probing in a small part of the time: the frozen body is evaluated once for each example, not every epoch.

A network of which only the last layer is trained is a fixed function of the example, followed by that layer:

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

from bakeoff.models.layers.views import arguments
from bakeoff.train.single.placement import Placement
from bakeoff.train.single.recipe import frozen_but_head
from bakeoff.train.stacked.run import EVALUATION_ROWS
from bakeoff.train.tensors import RESIDENT_BYTES, Batch, Examples, Resident, TrainingData, read_ahead


@dataclass(frozen=True, kw_only=True)
class LinearProbe:
    """A network's last layer, separated, and its inputs for every example.

    Attributes:
        head: the layer, as it was initialised.
        name: of the layer in the network.
        data: the frozen body's features of every example, in place of the examples.
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

    def with_head(self, head: dict[str, Tensor]) -> dict[str, Tensor]:
        """The network's weights with these of the layer."""
        return {**self.body, **{f"{self.name}.{name}": tensor for name, tensor in head.items()}}


def linear_probe_of(
    module: nn.Module, data: TrainingData, placement: Placement, *, seconds: float = math.inf
) -> LinearProbe | None:
    """Separate a module's last layer and compute its inputs; None where that is not possible.

    It is not possible where the module's output is not that layer's output, or where its inputs for all examples take
    more than `RESIDENT_BYTES`.

    Args:
        module: as it was built; its parameters except the last layer's are frozen.
        data: on the device of the placement.
        placement: where the body is evaluated.
        seconds: after which the attempt is given up.
    """
    head = frozen_but_head(placement.prepare(module))
    body = _FrozenBody(module.eval(), head, placement)
    splits = (data.train, data.validation, data.test)
    first = body.features(data.validation.at(torch.arange(1)))
    examples = sum(map(len, splits))
    if first is None or examples * first.numel() * first.element_size() > RESIDENT_BYTES:
        return None
    until = time.monotonic() + seconds
    found = [_all(body, split, until) for split in splits]
    body.let_go()
    features = copy.copy(data)
    features.resident = features.is_dense = True
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
    return LinearProbe(head=head, name=place, data=features, body=rest, frozen=frozen)


class _FrozenBody:
    """A network up to its last layer."""

    def __init__(self, module: nn.Module, head: nn.Module, placement: Placement) -> None:
        self._module, self._placement = module, placement
        self._calls: list[tuple[tuple[Any, ...], Any]] = []
        self._hook = head.register_forward_hook(
            lambda layer, given, output: self._calls.append((given, output))
        )

    def let_go(self) -> None:
        """Remove the hook on the last layer."""
        self._hook.remove()

    @torch.no_grad()
    def features(self, batch: Batch) -> Tensor | None:
        """The last layer's inputs; None where the module's output is not exactly that layer's output."""
        self._calls.clear()
        inputs = self._placement.arranged(batch.inputs, self._module)
        with self._placement.in_use(), self._placement.autocast():
            output = self._module(*arguments(self._module, inputs, batch.lengths))
        if len(self._calls) != 1:
            return None
        given, own = self._calls[0]
        is_own = own is output and len(given) == 1 and isinstance(given[0], Tensor)
        return given[0].float() if is_own and given[0].is_floating_point() else None


def _all(body: _FrozenBody, examples: Examples, until: float) -> Resident | None:
    """The features of all examples of a split; None where the time is over before."""
    parts, targets = [], []
    places = torch.arange(len(examples)).split(EVALUATION_ROWS)  # type: ignore[no-untyped-call]
    for batch in read_ahead(examples, places):
        part = body.features(batch)
        if part is None or time.monotonic() > until:
            return None
        parts.append(part)
        targets.append(batch.targets)
    return Resident(Batch(torch.cat(parts), torch.cat(targets), None))
