"""The graph isomorphism network: sums over neighbours, layer after layer, and the sums over all nodes."""

import torch
from torch import Tensor

from bakeoff.models.layers import views
from bakeoff.models.scalable.gin import GIN, Layer
from bakeoff.train.families.rules import FamilyRules, Missing, Rules
from bakeoff.train.families.views import is_real
from bakeoff.train.replicas.module import NetworkStack


def stacked(stack: NetworkStack, module: GIN, x: Tensor, lengths: Tensor | None = None) -> Tensor:
    count, features = x.shape[3], module.nodes.kind.features
    real = x.new_ones(*x.shape[:2], 1, count)
    if lengths is not None:
        x = x * views.real_values(module.nodes.kind, lengths, count)
        real = is_real(lengths, count)[:, :, None].to(x.dtype)
    edges = x[:, :, features:].contiguous()
    h = stack.call(module.embed, x[:, :, :features].transpose(2, 3))
    sums = [real @ h]
    for layer in module.layers:
        h = stack.call(layer, h, edges)
        sums.append(real @ h)
    return stack.call(module.head, torch.cat(sums, 3).squeeze(2) / count)


def stacked_layer(stack: NetworkStack, module: Layer, h: Tensor, edges: Tensor) -> Tensor:
    beside = torch.bmm(edges.flatten(0, 1), h.flatten(0, 1)).view_as(h)
    h = torch.addcmul(h + beside, h, stack.of(module, "epsilon")[:, None, None])
    h = stack.call(module.norm, stack.call(module.up, h)).relu()
    return stack.call(module.down, h, relu=True)


NO_CHAIN = Missing(
    reason="it is no chain of layers: every layer reads the edges, and the head reads all layers"
)
RULES: FamilyRules = {
    GIN: Rules(stacked=stacked, compiled=NO_CHAIN),
    Layer: Rules(stacked=stacked_layer, compiled=NO_CHAIN),
}
