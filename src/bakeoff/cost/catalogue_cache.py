"""A cache on disk of what the catalogue's networks cost: counting imports parts of PyTorch that take a second to load.

A network of the catalogue is identified by its name, its width and the schema of the data. Its cost is cached under
these and a hash of everything that the figures depend on: the sources of `bakeoff.models` and `bakeoff.cost`, the
schema's source, and PyTorch's version. A user's own network is counted each time.
"""

import functools
import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import nn

from bakeoff.data.schema import Schema
from bakeoff.models import ModelCard
from bakeoff.models.registry import external
from bakeoff.system.cache import cache_folder, read_record, store_record


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Parameters of a network, and FLOPs of one example (see `bakeoff.cost.Cost`)."""

    parameters: int
    flops: int
    training_flops: int


def counted(module: nn.Module, card: ModelCard | None, width: int | None, schema: Schema) -> Counted:
    """The cost of `module`, which was built from this card (None: of somebody's own) for this schema.

    Raises:
        CostError: it cannot be run.
    """
    place = _place(card, width, schema)
    stored = None if place is None else read_record(place, lambda record: Counted(**record))
    if stored is not None:
        return stored
    from bakeoff.cost import cost_of, example_inputs

    cost = cost_of(module, *example_inputs(schema, network=module))
    found = Counted(parameters=cost.parameters, flops=cost.flops, training_flops=cost.training_flops)
    if place is not None:
        store_record(place, asdict(found))
    return found


def _place(card: ModelCard | None, width: int | None, schema: Schema) -> Path | None:
    """The cache file of this network, existing or not; None for a network that is not of the catalogue."""
    if card is None:
        return None
    build = card.build.func if isinstance(card.build, functools.partial) else card.build
    home = getattr(build, "__module__", "")
    if not home.startswith("bakeoff.models.") or home == external.__name__:
        return None
    key = repr((_sources_hash(), card.name, width, schema)).encode()
    return cache_folder() / "costs" / f"{hashlib.blake2b(key, digest_size=16).hexdigest()}.json"


@functools.cache
def _sources_hash() -> str:
    """A hash of everything that the figures depend on besides name, width and schema."""
    import torch

    root = Path(__file__).parents[1]
    sources = [root / "data" / "schema.py", *(root / "models").rglob("*.py"), *(root / "cost").rglob("*.py")]
    digest = hashlib.blake2b(torch.__version__.encode(), digest_size=16)
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()
