"""Which network a fit trains, and how a fresh one is made: random, or with published weights."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bakeoff.data.dataset import Dataset
from bakeoff.data.forms.text import TextEncoder
from bakeoff.data.forms.tokenizer import has_tokenizer
from bakeoff.errors import OptionError
from bakeoff.models import ModelCard, build, card, name_and_width
from bakeoff.models import load as load_network
from bakeoff.models.layers.graphs import network_inputs
from bakeoff.models.registry.external import PRETRAINED, is_external
from bakeoff.train.forward_check import check_forward


class FitNetwork:
    """The network that a fit trains, and how a new instance is built."""

    def __init__(
        self,
        model: str | ModelCard,
        dataset: Dataset,
        *,
        width: int | None,
        options: dict[str, Any],
        weights: str | Path | None,
        mode: str,
    ) -> None:
        self.width, self.options, self.weights, self._schema = width, options, weights, dataset.schema
        if isinstance(model, str):
            model, typed_width = name_and_width(model)
            self.width = width if typed_width is None else typed_width
        self.card = model if isinstance(model, ModelCard) else card(model)
        self._check_words(dataset)
        if weights is not None and is_external(self.card.name):
            raise OptionError(
                f"'weights' does not go with '{self.card.name}': write {self.card.name}{PRETRAINED} for its own."
            )
        if mode == "probe" and not self.is_pretrained:
            raise OptionError(
                "Mode 'probe' trains the last layer on top of weights that were learned before: give them with "
                "--weights, or choose mode 'full'."
            )
        self.build_options = options
        self._try_out(dataset)

    def _try_out(self, dataset: Dataset) -> None:
        """An error about the network comes before anything is written."""
        module = self.module(0)
        if self.card.family != "user":
            return
        rows = np.sort(dataset.splits.train)[:2]
        lengths = dataset.lengths_at(rows)
        inputs = network_inputs(dataset.inputs_at(rows), dataset.schema.input)
        true_lengths = None if lengths is None else torch.from_numpy(lengths)
        check_forward(module, inputs, true_lengths, dataset.schema.outputs)

    def _check_words(self, dataset: Dataset) -> None:
        """Raise `OptionError` where published weights are given but the texts were not cut by their tokenizer."""
        if self.is_published and isinstance(dataset.encoder, TextEncoder):
            raise OptionError(
                f"The published weights of '{self.card.name}' know the tokens of their own tokenizer, and these texts "
                "were cut without it: give its folder, file or Hugging Face id with --tokenizer."
            )

    def module(self, seed: int) -> nn.Module:
        """A fresh network; with published weights only its last layer is random."""
        if self.weights is None:
            return build(self.card, self._schema, width=self.width, seed=seed, **self.options)
        module = load_network(
            self.card,
            self.weights,
            schema=self._schema,
            new_head=True,
            width=self.width,
            seed=seed,
            **self.options,
        )
        self.build_options = {key: value for key, value in module.build_options.items() if key != "seed"}  # type: ignore[union-attr, operator]
        return module

    @property
    def is_published(self) -> bool:
        """Whether it begins with published weights."""
        return self.weights is not None or self.card.name.endswith(PRETRAINED)

    @property
    def plain_card(self) -> ModelCard:
        """Of the same network without published weights: what is built again to take the trained ones."""
        name = self.card.name
        return card(name.removesuffix(PRETRAINED)) if name.endswith(PRETRAINED) else self.card

    @property
    def is_pretrained(self) -> bool:
        """Whether its weights were learned before; a network of the user's own may bring such."""
        return self.card.is_own or self.is_published

    @property
    def slug(self) -> str:
        """Its name, fit for a folder's."""
        name = self.card.name if self.width is None else f"{self.card.name}@{self.width}"
        return re.sub(r"[^\w.@-]+", "_", name)

    def definition(self) -> dict[str, Any]:
        """What decides this network, as JSON: weights by their place, and by the size and age of each file."""
        return {
            "name": self.card.name,
            "width": self.width,
            "options": repr(sorted(self.options.items())),
            "weights": None if self.weights is None else str(self.weights),
            "weight_files": [] if self.weights is None else _files(Path(self.weights)),
        }


def _files(place: Path) -> list[list[int | str]]:
    """Name, age in nanoseconds and size in bytes of the file, or of all files in the folder; none for a hub id."""
    files = sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else [place]
    found = [(path.resolve(), path.stat()) for path in files if path.exists()]
    return [[str(path), stat.st_mtime_ns, stat.st_size] for path, stat in found]


def tokenizer_of(model: str | ModelCard, weights: str | Path | None) -> str | Path | None:
    """Where the tokenizer of published weights lies: beside them on this disk, or at the hub; None where there is none.

    A folder or a file of weights may have its tokenizer's files beside it; a Hugging Face id has them as a rule.
    """
    name = model if isinstance(model, str) else model.name
    source: str | Path | None = weights
    if weights is None and name.startswith("hf:") and name.endswith(PRETRAINED):
        source = name.removeprefix("hf:").removesuffix(PRETRAINED)
    if source is None:
        return None
    place = Path(source)
    if not place.exists():
        return source
    folder = place if place.is_dir() else place.parent
    return folder if has_tokenizer(folder) else None
