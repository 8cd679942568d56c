"""What a network costs: parameters, arithmetic and memory, layer by layer, before a single step is trained."""

from bakeoff.cost.counter import OperationCounter
from bakeoff.cost.inputs import example_inputs
from bakeoff.cost.network_cost import cost_of
from bakeoff.cost.record import Cost, LayerCost, OperationCost

__all__ = ["Cost", "LayerCost", "OperationCost", "OperationCounter", "cost_of", "example_inputs"]
