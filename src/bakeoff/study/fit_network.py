"""Which network a fit trains, and how a fresh one is made: random, or with published weights."""

import re
from pathlib import Path
from typing import Any

from torch import nn

from bakeoff.data.dataset import Dataset
from bakeoff.errors import OptionError
from bakeoff.models import ModelCard, build, card
from bakeoff.models import load as load_network
from bakeoff.models.external import PRETRAINED, is_external


class FitNetwork:
    """Which network, and how a fresh one is made."""

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
        if isinstance(model, str) and "@" in model:
            model, _, digits = model.rpartition("@")
            if not digits.isdigit() or int(digits) < 1:
                raise OptionError(f"'{digits}' is no width: write NAME@WIDTH, for example {model}@32.")
            self.width = int(digits)
        self.card = model if isinstance(model, ModelCard) else card(model)
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
        self.module(0)  # an error about the network comes before anything is written

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
    def is_pretrained(self) -> bool:
        """Whether its weights were learned before; a network of the user's own may bring such."""
        own = self.card.family == "user"
        return own or self.weights is not None or self.card.name.endswith(PRETRAINED)

    @property
    def slug(self) -> str:
        """Its name, fit for a folder's."""
        name = self.card.name if self.width is None else f"{self.card.name}@{self.width}"
        return re.sub(r"[^\w.@-]+", "_", name)

    def definition(self) -> dict[str, Any]:
        weights = self.weights
        if weights is not None and Path(weights).exists():
            found = Path(weights).resolve()
            weights = f"{found}:{found.stat().st_mtime_ns}:{found.stat().st_size}"
        return {
            "name": self.card.name,
            "width": self.width,
            "options": repr(sorted(self.options.items())),
            "weights": None if weights is None else str(weights),
        }
