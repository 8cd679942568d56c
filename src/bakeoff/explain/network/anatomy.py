"""Properties of an untrained network: its width, its parameters at other widths, and its receptive field."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bakeoff.study.design.entrants import Entrant
from bakeoff.study.workers.executor import SharedDataset, TaskContext

if TYPE_CHECKING:
    from torch import nn

    from bakeoff.data.dataset import Dataset

#: Examples whose gradients measure the receptive field.
EXAMPLES = 4


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """Properties of one network on this kind of data.

    Attributes:
        width: of its layers; None where it has no width to set.
        parameters: at half of that width, at that width and at twice that width, by width.
        receptive_field: input positions that a unit of its last convolution can see; None without a convolution.
    """

    width: int | None
    parameters: dict[int, int]
    receptive_field: int | None


@dataclass(frozen=True, kw_only=True)
class AnatomyRequest:
    """For `anatomy`: which network on which data, and whether its receptive field is measured."""

    dataset: SharedDataset
    entrant: Entrant
    field: bool


def anatomy(request: AnatomyRequest, context: TaskContext) -> Anatomy:
    """In a worker: the properties of an untrained network."""
    dataset, entrant = request.dataset.open(), request.entrant
    width = _width(dataset, entrant)
    sizes = {} if width is None else {w: _count(_built(dataset, entrant, w)) for w in _around(width)}
    return Anatomy(
        width=width,
        parameters=sizes,
        receptive_field=_receptive_field(dataset, entrant) if request.field else None,
    )


def _around(width: int) -> tuple[int, ...]:
    return tuple(sorted({max(width // 2, 1), width, 2 * width}))


def _built(dataset: "Dataset", entrant: Entrant, width: int | None) -> "nn.Module":
    from bakeoff import models

    assert entrant.card is not None
    return models.build(entrant.card, dataset.schema, width=width, seed=0)


def _count(module: "nn.Module") -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _width(dataset: "Dataset", entrant: Entrant) -> int | None:
    """The width set by the user, the card's, or the one with as many parameters as the default; None without any."""
    from bakeoff.study.design.matched_budgets import nearest_width

    assert entrant.card is not None

    def count(width: int) -> int:
        return _count(_built(dataset, entrant, width))

    if count(1) == count(8):
        return None
    default = entrant.width or entrant.card.width
    return default or nearest_width(count, _count(_built(dataset, entrant, None)))


def _receptive_field(dataset: "Dataset", entrant: Entrant) -> int | None:
    import torch

    from bakeoff.explain.network import probes

    module = _built(dataset, entrant, entrant.width).eval()
    from bakeoff.models.layers.graphs import network_inputs

    inputs = network_inputs(dataset.inputs_at(dataset.splits.train[:EXAMPLES]), dataset.schema.input)
    if (
        not isinstance(inputs, torch.Tensor)
        or not inputs.is_floating_point()
        or not probes.convolutions(module)
    ):
        return None
    found = probes.receptive_field(module, inputs)
    return None if found is None else found.theoretical
