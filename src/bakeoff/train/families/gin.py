"""The graph isomorphism network: sums over neighbours, layer after layer, and the sums over all nodes."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bakeoff.models.layers.graphs import GraphBatch
from bakeoff.models.scalable.gin import GIN, Layer
from bakeoff.train.families.rules import FamilyRules, Missing, Rules
from bakeoff.train.replicas.graphs import StackedGraphs
from bakeoff.train.replicas.module import NetworkStack


def stacked(stack: NetworkStack, module: GIN, batches: Sequence[GraphBatch]) -> Tensor:
    graphs = StackedGraphs.of(batches)
    h = stack.call(module.embed, graphs.features)
    sums = [graphs.sums(h)]
    for layer in module.layers:
        h = stack.call(layer, h, graphs)
        sums.append(graphs.sums(h))
    return stack.call(module.head, torch.cat(sums, 2) / module.kind.nodes)


def stacked_layer(stack: NetworkStack, module: Layer, h: Tensor, graphs: StackedGraphs) -> Tensor:
    h = torch.addcmul(h + graphs.neighbours(h), h, stack.of(module, "epsilon")[:, None])
    h = stack.call(module.norm, stack.call(module.up, h)).relu()
    return stack.call(module.down, h, relu=True)


NO_CHAIN = Missing(
    reason="it is no chain of layers: every layer reads the edges, and the head reads all layers"
)
RULES: FamilyRules = {
    GIN: Rules(stacked=stacked, compiled=NO_CHAIN),
    Layer: Rules(stacked=stacked_layer, compiled=NO_CHAIN),
}
