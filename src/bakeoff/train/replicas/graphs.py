"""The graphs of R replicas side by side: different numbers of nodes, padded to as many as one replica has at most.

Letters: R replicas, B graphs of each, V nodes of the replica that has the most.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from bakeoff.models.layers.graphs import GraphBatch, SparseMatrix, begins_of, product


class StackedGraphs(NamedTuple):
    """One batch of graphs for each replica.

    Attributes:
        features: [R, V, F]; the rows of padding are zero, have no link and belong to no graph.
        links: the adjacency matrix [R V, R V].
        membership: [R B, R V], 1 where a node belongs to a graph; and `nodes`, the same transposed.
    """

    features: Tensor
    links: SparseMatrix
    membership: SparseMatrix
    nodes: SparseMatrix

    @staticmethod
    def of(batches: Sequence[GraphBatch]) -> "StackedGraphs":
        """Of one batch a replica, with as many graphs each."""
        most, graphs = max(len(batch.features) for batch in batches), batches[0].batch_size

        def padded(rows: Tensor) -> Tensor:
            return F.pad(rows, (*[0] * (2 * rows.dim() - 1), most - len(rows)))

        def moved(each: Callable[[GraphBatch], Tensor], step: int) -> Tensor:
            return torch.cat([each(batch) + step * place for place, batch in enumerate(batches)])

        degrees = torch.cat([padded(batch.links.offsets.diff()) for batch in batches])
        values = [batch.links.values for batch in batches if batch.links.values is not None]
        sizes = torch.cat([batch.offsets.diff() for batch in batches])
        is_real = torch.cat([padded(torch.ones_like(batch.owners)) for batch in batches])
        return StackedGraphs(
            features=torch.stack([padded(batch.features) for batch in batches]),
            links=SparseMatrix(
                moved(lambda batch: batch.links.columns, most),
                begins_of(degrees),
                torch.cat(values) if values else None,
            ),
            membership=SparseMatrix(is_real.nonzero().view(-1), begins_of(sizes)),
            nodes=SparseMatrix(moved(lambda batch: batch.owners, graphs), begins_of(is_real)),
        )

    def neighbours(self, h: Tensor) -> Tensor:
        """[R, V, D]: what the neighbours of each node hold, added up."""
        return product(self.links, self.links, h.flatten(0, 1)).view_as(h)

    def sums(self, h: Tensor) -> Tensor:
        """[R, B, D]: what the nodes [R, V, D] of each graph hold, added up."""
        return product(self.membership, self.nodes, h.flatten(0, 1)).view(len(h), -1, h.shape[2])
