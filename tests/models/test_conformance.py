"""Every network of the catalogue passes the conformance suite; the large ones really run in the slow suite."""

from collections.abc import Callable, Iterator

import pytest

from bakeoff.data.schema import Schema
from bakeoff.models import ModelCard, catalogue
from bakeoff.models.registry.counts import known_counts
from bakeoff.testing import CHECKS, check_forward, check_gradients, check_meta, schemas_of

#: Networks of at most this many parameters pass every check in the fast suite.
FAST_PARAMETERS = 700_000
#: What a test machine can hold: a forward and a backward pass in float32.
LARGEST_PARAMETERS = 400_000_000
#: One network of each large family, at its smallest: these really run in the fast suite too.
SMALLEST = (
    "alexnet",
    "vgg11",
    "googlenet",
    "resnet18",
    "plain18",
    "efficientnet_b0",
    "vit_ti_16",
    "bert_tiny",
)


def is_fast(card: ModelCard, check: Callable[..., None]) -> bool:
    if known_counts()[card.name].parameters <= FAST_PARAMETERS:
        return True
    if card.name in SMALLEST:
        return check in (check_forward, check_gradients, check_meta)
    return False


def cases() -> Iterator[object]:
    for card in catalogue().values():
        for schema in schemas_of(card):
            kind = f"{type(schema.input).__name__.lower()}-to-{type(schema.target).__name__.lower()}"
            for check in CHECKS:
                if known_counts()[card.name].parameters <= LARGEST_PARAMETERS or check is check_meta:
                    yield pytest.param(
                        card.name,
                        schema,
                        check,
                        marks=[] if is_fast(card, check) else [pytest.mark.slow],
                        id=f"{card.name}-{kind}-{check.__name__.removeprefix('check_')}",
                    )


@pytest.mark.parametrize(("name", "schema", "check"), list(cases()))
def test_every_network_conforms(name: str, schema: Schema, check: Callable[..., None]) -> None:
    check(name, schema)
