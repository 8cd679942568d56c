"""How many parameters, multiply-adds and activation bytes each network of the catalogue has, known without building it.

`counts.toml` beside this file is written by `scripts/counts`, and a test counts again: 80 networks take seconds to
build and count, and the table of `bakeoff models` should come at once.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Of one network at its card's example, for a batch of one example; one multiply-add is 1 MAC.

    `activation_bytes` is what autograd keeps from the forward to the backward pass of a training step.
    """

    parameters: int
    macs: int
    activation_bytes: int


@cache
def known_counts() -> dict[str, Counts]:
    """By name, for the networks that bakeoff ships."""
    table = tomllib.loads(Path(__file__).with_name("counts.toml").read_text())
    return {name: Counts(**record) for name, record in table.items()}
