"""Put a file's tensors into a network: every tensor in its place, or an error that names those that are
not.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bakeoff.errors import ModelError, suggest
from bakeoff.models.weights.layout import Layout, Renamed

#: Our own names: what `module.state_dict()` gives.
OWN = "bakeoff"
#: The last layer's name in every network of the catalogue.
HEAD = "head"
_NAMED_IN_AN_ERROR, _SHAPES_IN_AN_ERROR = 6, 3


def load_tensors(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    *,
    layouts: Mapping[str, Layout] | None = None,
    layout: str | None = None,
    new_head: bool = False,
) -> str:
    """Put all tensors into the module, in place and in its own number type.

    Args:
        module: the network. Where it has a method `fit_tensor(name, tensor) -> tensor`, that may resize a
            tensor whose size depends on the input (a Vision Transformer's positions).
        tensors: names to tensors, in any of the layouts or in our own names.
        layouts: by publisher.
        layout: which one; None finds out.
        new_head: leave the last layer (`head`) as it is, whatever the file has: for other classes than
            published.

    Returns:
        the layout's name ("bakeoff" for our own names).

    Raises:
        ModelError: a tensor is missing, surplus or of another shape; the first of each kind are named. The module is
            then unchanged.
    """
    chosen, renamed, misfits = _best(module, tensors, _known(layouts or {}, layout), new_head)
    if misfits:
        raise ModelError(
            f"The weights do not fit (read in the layout '{chosen}'): {'; '.join(misfits)}: give the weights "
            "of this very network."
        )
    state = module.state_dict()
    with torch.no_grad():
        for name, tensor in renamed.items():
            state[name].copy_(tensor)
    return chosen


def find_layout(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    *,
    layouts: Mapping[str, Layout],
    layout: str | None = None,
    new_head: bool = False,
) -> tuple[str, Layout]:
    """The layout, and its name, under which the fewest of these tensors are missing or surplus.

    Raises:
        ModelError: `layout` is given and is none of them.
    """
    known = _known(layouts, layout)
    name = _best(module, tensors, known, new_head)[0]
    return name, known[name]


def _known(layouts: Mapping[str, Layout], layout: str | None) -> dict[str, Layout]:
    known = {OWN: Layout(rules={"{rest}": "{rest}"}), **layouts}
    if layout is None:
        return known
    if layout not in known:
        raise ModelError(f"There is no layout called '{layout}' for this network. {suggest(layout, known)}")
    return {layout: known[layout]}


def _best(
    module: nn.Module, tensors: Mapping[str, Tensor], layouts: Mapping[str, Layout], new_head: bool
) -> tuple[str, dict[str, Tensor], list[str]]:
    """The layout with the fewest names that do not fit, the tensors by our names, and what does not fit."""
    state = module.state_dict(keep_vars=True)
    best: tuple[int, str, Renamed, set[str], set[str]] | None = None
    for name, layout in layouts.items():
        renamed = layout.rename(tensors)
        missing = _missing(state, renamed.ours, new_head)
        surplus = {
            theirs for theirs in renamed.ours if theirs not in state and not _is_head(theirs, new_head)
        }
        wrong = len(missing) + len(surplus) + len(renamed.unknown)
        if best is None or wrong < best[0]:
            best = (wrong, name, renamed, missing, surplus)
    assert best is not None
    _, chosen, renamed, missing, surplus = best
    theirs = layouts[chosen].theirs
    misfits = []
    if missing:
        misfits.append(f"missing {_listed(_both(name, theirs(name)) for name in sorted(missing))}")
    if surplus or renamed.unknown:
        misfits.append(
            f"surplus {_listed(sorted({*renamed.unknown, *(theirs(name) or name for name in surplus)}))}"
        )
    fitted, shapes = {}, []
    for name, tensor in renamed.ours.items():
        if name in state and not _is_head(name, new_head):
            fitted[name] = _resized(module, name, tensor)
            shapes += _shape_misfit(_both(name, theirs(name)), fitted[name], state[name])
    return chosen, fitted, misfits + _first(shapes)


def _missing(state: Mapping[str, Tensor], ours: Mapping[str, Tensor], new_head: bool) -> set[str]:
    """Names without a tensor. A tied parameter may come under any of its names; a batch counter may be
    absent.
    """
    given = {id(state[name]) for name in ours if name in state}
    return {
        name
        for name, value in state.items()
        if id(value) not in given
        and not name.endswith("num_batches_tracked")
        and not _is_head(name, new_head)
    }


def _is_head(name: str, new_head: bool) -> bool:
    return new_head and (name == HEAD or name.startswith(f"{HEAD}."))


def _resized(module: nn.Module, name: str, tensor: Tensor) -> Tensor:
    fit_tensor = getattr(module, "fit_tensor", None)
    return fit_tensor(name, tensor) if callable(fit_tensor) else tensor


def _shape_misfit(name: str, theirs: Tensor, ours: Tensor) -> list[str]:
    if theirs.shape == ours.shape:
        return []
    advice = " (for other classes than published, say new_head=True)" if name.startswith(f"'{HEAD}") else ""
    return [f"{name} has shape {list(theirs.shape)} in the file and {list(ours.shape)} here{advice}"]


def _first(shapes: list[str]) -> list[str]:
    """The first few wrong shapes; that of the last layer first, since it says what to do."""
    shapes = sorted(shapes, key=lambda shape: not shape.startswith(f"'{HEAD}"))
    more = len(shapes) - _SHAPES_IN_AN_ERROR
    return shapes[:_SHAPES_IN_AN_ERROR] + ([f"{more} more of another shape"] if more > 0 else [])


def _both(ours: str, theirs: str | None) -> str:
    return f"'{ours}'" if theirs is None or theirs == ours else f"'{ours}' (theirs: '{theirs}')"


def _listed(names: object) -> str:
    found = [name if name.startswith("'") else f"'{name}'" for name in names]  # type: ignore[attr-defined]
    more = len(found) - _NAMED_IN_AN_ERROR
    return ", ".join(found[:_NAMED_IN_AN_ERROR]) + (f" and {more} more" if more > 0 else "")
