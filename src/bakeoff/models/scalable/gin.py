"""The graph isomorphism network: each node adds up what its neighbours hold, layer after layer.

Xu, Hu, Leskovec & Jegelka, *How powerful are graph neural networks?*, ICLR 2019 (arXiv 1810.00826). A node's vector is
renewed from its own and those of the nodes it is linked with, by the same weights at every node, so the numbering of
the nodes means nothing and after k layers a node has seen k links far. New then: neighbours are *summed*, and an MLP
follows, which tells apart whatever the Weisfeiler-Lehman test can. The mean of Kipf & Welling's GCN (2017, arXiv
1609.02907) cannot even count links: nodes that are alike look the same to it whether they have three of them or four.
No network of this kind sees triangles among nodes that are alike. Where this differs: layer normalisation in place of
batch normalisation (the examples of a batch stay independent), an affine map first, so that all layers have one width,
and the sums over nodes are divided by the largest number of nodes, so that their size does not depend on the data.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Classes, Graph, Schema, Value
from bakeoff.models import register
from bakeoff.models.layers.graphs import GraphBatch, SparseMatrix, product
from bakeoff.models.registry.card import ModelCard

#: Rounds of messages: nodes up to this many edges away are seen.
LAYERS = 3


class Layer(nn.Module):
    """`MLP((1 + epsilon) h_v + sum of h_u over the neighbours u of v)`, the MLP width -> width -> width, ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.epsilon = nn.Parameter(torch.zeros(1))
        self.up = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, width)

    def forward(self, h: Float[Tensor, "nodes width"], links: SparseMatrix) -> Float[Tensor, "nodes width"]:
        h = h + self.epsilon * h + product(links, links, h)
        return F.relu(self.down(F.relu(self.norm(self.up(h)))))


class GIN(nn.Module):
    """Nodes -> vectors -> `LAYERS` layers; the sums over the nodes after each of them, side by side -> outputs."""

    def __init__(self, kind: Graph, outputs: int, width: int) -> None:
        super().__init__()
        self.kind = kind
        self.embed = nn.Linear(kind.features, width)
        self.layers = nn.ModuleList(Layer(width) for _ in range(LAYERS))
        self.head = nn.Linear((LAYERS + 1) * width, outputs)

    def forward(self, graphs: GraphBatch) -> Float[Tensor, "batch outputs"]:
        h, members = self.embed(graphs.features), graphs.membership
        sums = [product(*members, h)]
        for layer in self.layers:
            h = layer(h, graphs.links)
            sums.append(product(*members, h))
        return self.head(torch.cat(sums, 1) / self.kind.nodes)


def build(schema: Schema, width: int | None = None) -> nn.Module:
    """`width` is the size of a node's vector (the paper tries 16, 32 and 64)."""
    assert isinstance(schema.input, Graph)
    return GIN(schema.input, schema.outputs, width or 32)


register(
    ModelCard(
        name="gin",
        family="gnn",
        year=2019,
        paper="Xu et al., How powerful are graph neural networks?, ICLR 2019 (arXiv 1810.00826)",
        summary="Each node adds up what its neighbours hold, layer after layer.",
        biases=("locality", "symmetry"),
        build=build,
        inputs=(Graph,),
        targets=(Classes, Value),
        width=32,
        scalable=True,
        example=Schema(input=Graph(nodes=16, features=4, edges=32), target=Classes(names=("a", "b"))),
    )
)
