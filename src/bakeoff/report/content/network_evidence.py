"""What was found inside one network, as groups of captioned drawings and a figure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.encoder import NewExamples
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.explain.network.explain_network import Explained
from bakeoff.messages import say
from bakeoff.report.content.examples import Example, example_of, shaded
from bakeoff.report.words.text import clean

#: The most filters, and feature maps, that are drawn.
MOST_MAPS = 16


@dataclass(frozen=True, kw_only=True)
class Captioned:
    """Drawings of one thing side by side, and what they are."""

    drawings: tuple[Example, ...]
    caption: str


@dataclass(frozen=True, kw_only=True)
class EvidenceGroup:
    """One section: `figure` is the id of its figure, "" where it has drawings alone."""

    title: str
    note: str = ""
    figure: str = ""
    items: tuple[Captioned, ...] = ()


def evidence_groups(explained: Explained, new: NewExamples) -> tuple[EvidenceGroup, ...]:
    """All that was found, in the order of the page; the figure "reach" is to be drawn beside it."""
    groups = [
        _group("saliency", _saliency(explained, new), shades=True),
        _group("filters", _maps(_filters(explained), "filter"), shades=True),
        _group("features", _maps(explained.feature_maps, "map"), shades=True),
        _group("receptive", _receptive(explained), shades=True),
    ]
    if explained.reach is not None:
        note = say("why.figure.reach_note", steps=explained.reach_steps, length=len(explained.reach))
        groups.append(EvidenceGroup(title=say("why.figure.reach"), note=note, figure="reach"))
    groups.append(_group("attention", _attention(explained), shades=True))
    groups.append(_group("wrong", _wrong(explained, new)))
    return tuple(group for group in groups if group.items or group.figure)


def _group(name: str, items: Iterable[Captioned], *, shades: bool = False) -> EvidenceGroup:
    note = say("why.figure.shades") if shades else ""
    return EvidenceGroup(title=say(f"why.figure.{name}"), note=note, items=tuple(items))


def _saliency(explained: Explained, new: NewExamples) -> Iterable[Captioned]:
    if explained.saliency is None:
        return
    named = {one.index: f"{one.name}: {one.truth} → {one.answer}" for one in explained.wrong or ()}
    for row, heat in zip(explained.shown, explained.saliency, strict=True):
        drawings = (_example(explained, new, row), _heated(new, row, heat))
        caption = clean(named.get(row, say("report.mistake.example", index=row)))
        yield Captioned(drawings=tuple(one for one in drawings if one is not None), caption=caption)


def _filters(explained: Explained) -> NDArray[Any] | None:
    """The first convolution's kernels, their input channels added up in size."""
    kernels = explained.filters
    return kernels if kernels is None or kernels.ndim <= 3 else np.abs(kernels).sum(1)


def _maps(maps: NDArray[Any] | None, name: str) -> Iterable[Captioned]:
    for number, values in enumerate(() if maps is None else maps[:MOST_MAPS], 1):
        yield Captioned(drawings=(shaded(values),), caption=say(f"why.figure.one_{name}", number=number))


def _receptive(explained: Explained) -> Iterable[Captioned]:
    if explained.receptive is None:
        return
    for name, values in (("seen", explained.receptive.seen), ("used", explained.receptive.used)):
        yield Captioned(drawings=(shaded(np.asarray(values, np.float64)),), caption=say(f"why.figure.{name}"))


def _attention(explained: Explained) -> Iterable[Captioned]:
    for layer, weights in enumerate(explained.attention, 1):
        for head, values in enumerate(weights[0], 1):
            yield Captioned(
                drawings=(shaded(values),), caption=say("why.figure.one_head", layer=layer, head=head)
            )


def _wrong(explained: Explained, new: NewExamples) -> Iterable[Captioned]:
    for one in explained.wrong or ():
        shown = _example(explained, new, one.index)
        caption = clean(f"{one.name}: {one.truth} → {one.answer}")
        yield Captioned(drawings=() if shown is None else (shown,), caption=caption)


def _example(explained: Explained, new: NewExamples, row: int) -> Example | None:
    if isinstance(new.inputs, PackedGraphs):
        return example_of(new.inputs[row : row + 1])
    length = None if new.lengths is None else int(new.lengths[row])
    return example_of(
        np.asarray(new.inputs[row]), columns=explained.columns, kind=explained.kind, length=length
    )


def _heated(new: NewExamples, row: int, heat: NDArray[Any]) -> Example | None:
    """A map of the saliency; of a graph, the same drawing with its nodes shaded by it."""
    if not isinstance(new.inputs, PackedGraphs):
        return shaded(heat)
    graph = new.inputs[row : row + 1]
    return example_of(graph.with_features(heat[: len(graph.features), None]))
