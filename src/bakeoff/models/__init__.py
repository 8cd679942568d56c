"""The networks, one idea a file, as plain `torch.nn` modules.

`scalable`, `vision`, `sequence` and `language` hold them, `layers` what they share, `registry` what is known of them,
`weights` how published ones are read.

`catalogue()` lists the cards, `build` makes a network for a schema, `register` adds one.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.data.schema import Schema
from bakeoff.errors import ModelError, OptionError, printable
from bakeoff.models.layers.image_stem import FOR_PHOTOGRAPHS, FOR_SMALL_IMAGES
from bakeoff.models.registry.card import BIASES, ModelCard
from bakeoff.models.registry.external import external_card, is_external
from bakeoff.models.registry.options import option_error
from bakeoff.models.registry.own import is_own, own_card
from bakeoff.models.registry.registry import Registry
from bakeoff.models.weights import Layout, find_layout, load_tensors, read_tensors
from bakeoff.system.patches import PROCESS_LOCK

__all__ = [
    "BIASES",
    "Layout",
    "ModelCard",
    "build",
    "card",
    "catalogue",
    "load",
    "name_and_width",
    "recorded",
    "register",
]

#: The files of the catalogue, oldest idea first.
_FILES: tuple[str, ...] = (
    "vision.perceptron",
    "vision.lenet",
    "vision.alexnet",
    "vision.vgg",
    "vision.googlenet",
    "vision.resnet",
    "vision.mtcnn",
    "vision.efficientnet",
    "vision.vit",
    "scalable.linear",
    "scalable.mlp",
    "scalable.cnn",
    "scalable.recurrent",
    "scalable.transformer",
    "sequence.autoregressive",
    "sequence.rnns",
    "sequence.encoder",
    "sequence.fcn",
    "sequence.resnet1d",
    "sequence.mlp_ucr",
    "sequence.tcn",
    "language.bert",
    "language.gpt2",
    "scalable.gin",
    "sequence.inceptiontime",
    "language.llama",
)

_registry = Registry(_FILES)


def catalogue() -> Mapping[str, ModelCard]:
    """All cards by name, oldest idea first."""
    return _registry


def register(card: ModelCard) -> ModelCard:
    """Add a network to the catalogue. Raises `ModelError` where its name is taken."""
    return _registry.add(card)


def card(name: str) -> ModelCard:
    """The card of a catalogue name, of `timm:NAME` or `hf:NAME`, or of one's own `file.py:NAME` or `module:NAME`.

    A network of one's own is imported here: its code runs. Names that a file holds go through `recorded` instead.
    """
    if _registry.has_added(name):
        return _registry[name]
    if is_external(name):
        return external_card(name)
    return own_card(name) if is_own(name) else _registry[name]


def name_and_width(text: str) -> tuple[str, int | None]:
    """The parts of NAME or NAME@WIDTH; a folder of a file may have an @ in its name.

    >>> name_and_width("mlp@200"), name_and_width("me@home/nets.py:Tower")
    (('mlp', 200), ('me@home/nets.py:Tower', None))

    Raises:
        OptionError: the width is no whole number.
    """
    name, _, width = text.rpartition("@")
    if not name or ":" in width or "/" in width:
        return text, None
    if not re.fullmatch("0*[1-9][0-9]{0,8}", width):
        raise OptionError(
            f"'{printable(width)}' is no width: give a whole number, as in {printable(name)}@200."
        )
    return name, int(width)


def recorded(name: str, file: str | None = None, *, where: str, trust: bool = False) -> ModelCard:
    """The card of a network that a file names (a champion's record, say), and not the person who runs this.

    Only names of the catalogue, `register`ed ones among them, are taken: every other one means that code is imported
    and run which the file chose.

    Args:
        name: as the file has it.
        file: of a network of one's own, as the file has it.
        where: the folder that holds that file, for the sentence.
        trust: whether the person said that all of the file is to be trusted.

    Raises:
        ModelError: the name is not of the catalogue, and `trust` is false; or as for `card`.
    """
    if name in _registry:
        return _registry[name]
    if not is_external(name) and not is_own(name):
        return _registry[name]  # raises, with the nearest names
    if not trust:
        shown, folder = (printable(text, most=200) for text in (name, where))
        of_file = "" if file is None else f" of the file '{printable(file, most=200)}'"
        raise ModelError(
            f"The folder '{folder}' names the network '{shown}'{of_file}, which is not of the catalogue, and to use it "
            "would run code that whoever made the folder chose: if you trust them, add --trust (trust=True in Python), "
            "or name the network yourself with --model (model=...)."
        )
    return external_card(name) if is_external(name) else own_card(name, file)


def build(
    name: str | ModelCard,
    schema: Schema,
    *,
    width: int | None = None,
    seed: int | None = None,
    **options: Any,
) -> nn.Module:
    """The one way to get a network: in training mode, float32, on the CPU unless inside `torch.device(...)`.

    Args:
        name: of the catalogue, `file.py:NAME`, `package.module:NAME`, or a card.
        schema: what goes in and comes out.
        width: the network's one dial; its default where None.
        seed: of the initial weights. The global generator is used and put back as it was; None draws from it.
        options: passed to the network's own `build`.

    Raises:
        ModelError: an unknown name, or data that the network does not take.
        OptionError: an option that the network does not have.
    """
    chosen = name if isinstance(name, ModelCard) else card(name)
    if not chosen.takes(schema):
        raise ModelError(
            f"'{chosen.name}' takes {_kinds(chosen.inputs)} to {_kinds(chosen.targets)}, and this data is "
            f"{type(schema.input).__name__} to {type(schema.target).__name__}: choose another network."
        )
    with PROCESS_LOCK, torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        try:
            return chosen.build(schema, width=width if width is not None else chosen.width, **options)
        except TypeError as error:
            refused = option_error(chosen, schema, options, error)
            if refused is None:
                raise
            raise refused from error


def load(
    name: str | ModelCard,
    weights: str | Path,
    *,
    schema: Schema | None = None,
    layout: str | None = None,
    new_head: bool = False,
    width: int | None = None,
    **options: Any,
) -> nn.Module:
    """A network with published (or your own) weights in it, in training mode on the CPU.

    Some publishers' networks differ in more than names (an epsilon, a padding, the first layers for small images);
    the network is then built with the options that their layout states. All options it was built with stand in
    its attribute `build_options`: keep them with its weights, to build it again.

    Args:
        name: of the catalogue, or a card.
        weights: a file, a folder, or a Hugging Face id `owner/name` (see
            `bakeoff.models.weights.read_tensors`).
        schema: what goes in and comes out; the card's example, which is what was published, where None.
        layout: the publisher ("torchvision", "timm", "huggingface"); None finds out from the names.
        new_head: keep the last layer at its initial weights, for other classes than published.
        width, options: as for `build`.

    Raises:
        ModelError: the weights cannot be read, or a tensor is missing, surplus or of another shape (it is
            named).
    """
    chosen = name if isinstance(name, ModelCard) else card(name)
    tensors, schema = read_tensors(weights), schema or chosen.example
    module = build(chosen, schema, width=width, **options)
    layout, found = find_layout(module, tensors, layouts=chosen.layouts, layout=layout, new_head=new_head)
    published = {**found.options, **options}
    if set(published) - set(options):
        module = build(chosen, schema, width=width, **published)
    try:
        load_tensors(module, tensors, layouts=chosen.layouts, layout=layout, new_head=new_head)
    except ModelError:
        if not published.items() >= FOR_PHOTOGRAPHS.items() or set(options) & set(FOR_PHOTOGRAPHS):
            raise
        other = _with_a_small_stem(chosen, tensors, schema, layout, new_head, width, published)
        if other is None:
            raise
        module = other
    module.__dict__.setdefault("build_options", published)
    return module


def _with_a_small_stem(
    card: ModelCard,
    tensors: Mapping[str, Tensor],
    schema: Schema,
    layout: str,
    new_head: bool,
    width: int | None,
    options: Mapping[str, Any],
) -> nn.Module | None:
    """The network with the stem for small images and these weights in it; None where they do not fit that either."""
    small = {**options, **FOR_SMALL_IMAGES}
    try:
        module = build(card, schema, width=width, **small)
        load_tensors(module, tensors, layouts=card.layouts, layout=layout, new_head=new_head)
    except ModelError:
        return None
    module.__dict__["build_options"] = small
    return module


def _kinds(kinds: tuple[type, ...]) -> str:
    return "/".join(kind.__name__ for kind in kinds)
