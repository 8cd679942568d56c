"""The catalogue's order, whoever was imported first."""

import subprocess
import sys

from bakeoff import models

OTHERS_FIRST = """
import bakeoff.models.scalable.transformer, bakeoff.models.scalable.cnn
from bakeoff.models import catalogue
print(list(catalogue()))
"""


def test_the_catalogue_has_one_order_whatever_was_imported_first() -> None:
    ran = subprocess.run([sys.executable, "-c", OTHERS_FIRST], capture_output=True, text=True, check=True)
    names = list(models.catalogue())
    assert ran.stdout.strip() == str(names)
    assert names[0] == "perceptron"
