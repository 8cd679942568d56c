"""The catalogue's order, whoever was imported first."""

import subprocess
import sys

PROGRAM = "{first}from bakeoff.models import catalogue; print(list(catalogue()))"


def test_the_catalogue_has_one_order_whatever_was_imported_first() -> None:
    orders = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM.format(first=first)], capture_output=True, text=True, check=True
        ).stdout
        for first in ("", "import bakeoff.models.scalable.transformer, bakeoff.models.scalable.cnn; ")
    }
    assert len(orders) == 1
    assert next(iter(orders)).startswith("['perceptron'")
