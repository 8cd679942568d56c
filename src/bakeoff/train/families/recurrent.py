"""The recurrent networks: torch's RNN, LSTM or GRU over the steps, and the state after the last real one."""

from torch import Tensor

from bakeoff.models.scalable.recurrent import Recurrent
from bakeoff.train.families.rules import FamilyRules, Missing, Rules
from bakeoff.train.families.views import without_padding
from bakeoff.train.kernels import operators
from bakeoff.train.replicas.layers import recurrent_layers
from bakeoff.train.replicas.module import NetworkStack


def stacked(stack: NetworkStack, module: Recurrent, x: Tensor, lengths: Tensor | None = None) -> Tensor:
    layers = recurrent_layers(stack, module.cell)
    assert layers is not None
    cell = type(module.cell).__name__.lower()
    states = operators.recurrent(
        cell, stack.call(module.steps, without_padding(module.steps, x, lengths), lengths), layers
    )
    if lengths is None:
        return stack.call(module.head, states[:, :, -1])
    last = (module.steps.lengths(lengths) - 1)[..., None, None].expand(-1, -1, 1, states.shape[3])
    return stack.call(module.head, states.gather(2, last)[:, :, 0])


RULES: FamilyRules = {
    Recurrent: Rules(
        stacked=stacked,
        compiled=Missing(
            reason="programs have no recurrent op; the operator runs all steps of a layer in one call"
        ),
    )
}
