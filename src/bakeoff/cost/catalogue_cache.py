"""What the catalogue's networks cost, kept from run to run: counting loads a second's worth of PyTorch.

A network of the catalogue is given by its name, its width and the schema of the data, so its cost is looked up by
these and by a hash of everything that makes the figures: the sources of `bakeoff.models` and `bakeoff.cost`, the
schema's, and PyTorch's version. Networks of somebody's own are counted each time.
"""

import functools
import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import nn

from bakeoff.data.schema import Schema
from bakeoff.errors import StoreError
from bakeoff.models import ModelCard
from bakeoff.models.registry import external
from bakeoff.system.files import cache_folder, write_text


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Of one example: see `bakeoff.cost.Cost`."""

    parameters: int
    flops: int
    training_flops: int


def counted(module: nn.Module, card: ModelCard | None, width: int | None, schema: Schema) -> Counted:
    """The cost of `module`, which was built from this card (None: of somebody's own) for this schema.

    Raises:
        CostError: it cannot be run.
    """
    place = _place(card, width, schema)
    if place is not None:
        with suppress(OSError, ValueError, TypeError):
            return Counted(**json.loads(place.read_text()))
    from bakeoff.cost import cost_of, example_inputs

    cost = cost_of(module, *example_inputs(schema))
    found = Counted(parameters=cost.parameters, flops=cost.flops, training_flops=cost.training_flops)
    if place is not None:
        with suppress(OSError, StoreError):
            place.parent.mkdir(parents=True, exist_ok=True)
            write_text(place, json.dumps(asdict(found)))
    return found


def _place(card: ModelCard | None, width: int | None, schema: Schema) -> Path | None:
    """Where the figures lie, or would; None for a network that is not the catalogue's own."""
    if card is None:
        return None
    build = card.build.func if isinstance(card.build, functools.partial) else card.build
    home = getattr(build, "__module__", "")
    if not home.startswith("bakeoff.models.") or home == external.__name__:
        return None
    key = repr((_makers(), card.name, width, schema)).encode()
    return cache_folder() / "costs" / f"{hashlib.blake2b(key, digest_size=16).hexdigest()}.json"


@functools.cache
def _makers() -> str:
    """A hash of all that the figures come from besides the network's name."""
    import torch

    root = Path(__file__).parents[1]
    sources = [root / "data" / "schema.py", *(root / "models").rglob("*.py"), *(root / "cost").rglob("*.py")]
    digest = hashlib.blake2b(torch.__version__.encode(), digest_size=16)
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()
