"""The public names for type checkers; `__init__.py` imports each when it is first used."""

from bakeoff.api.compare import compare as compare
from bakeoff.api.fit import fit as fit
from bakeoff.api.why import why as why
from bakeoff.cost import Cost as Cost
from bakeoff.cost import cost_of as cost_of
from bakeoff.data.dataset import Dataset as Dataset
from bakeoff.data.load import load as load
from bakeoff.data.schema import Schema as Schema
from bakeoff.errors import BakeoffError as BakeoffError
from bakeoff.explain.biases.records import Why as Why
from bakeoff.inference.predictor import Predictor as Predictor
from bakeoff.models import ModelCard as ModelCard
from bakeoff.models import build as build
from bakeoff.study.fitting.result import Fit as Fit
from bakeoff.study.results.comparison import Comparison as Comparison

__version__: str
