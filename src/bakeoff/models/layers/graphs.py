"""Batches of graphs as networks read them, and the one operation on their edges: a sparse matrix product.

A batch is one large graph without edges between its parts. Neighbours are added up by `product(links, links, h)`, where
`links` is the sparse adjacency matrix by rows, so that memory and time grow with the edges, not with pairs of nodes.
Letters: B graphs, V nodes of all of them, L links (each edge twice, from both its ends; a loop once).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from bakeoff.data.dataset import Inputs
from bakeoff.data.packed_graphs import PackedGraphs, offsets_of
from bakeoff.data.schema import Graph, Input


class SparseMatrix(NamedTuple):
    """A matrix by its rows (compressed sparse rows).

    Attributes:
        columns: int64 [entries], row after row. offsets: int64 [rows + 1], where each row begins.
        values: of the entries; None where all are 1.
    """

    columns: Tensor
    offsets: Tensor
    values: Tensor | None = None


class GraphBatch(NamedTuple):
    """B graphs, one after another.

    Attributes:
        features: [V, F].
        links: the adjacency matrix [V, V], symmetric.
        offsets: int64 [B + 1]; the nodes of graph i are the rows from `offsets[i]` up to the next offset.
        kind: what one of the graphs is at most.
    """

    features: Tensor
    links: SparseMatrix
    offsets: Tensor
    kind: Graph

    @staticmethod
    def of(graphs: PackedGraphs, kind: Graph) -> "GraphBatch":
        """From the arrays of a dataset."""
        ends = graphs.ends
        once = ends[:, 0] == ends[:, 1]
        rows, columns = np.concatenate([ends, ends[~once, ::-1]]).T
        order = np.lexsort((columns, rows))
        values = None
        if graphs.weights is not None:
            both = np.concatenate([graphs.weights, graphs.weights[~once]])
            values = torch.from_numpy(both[order])
        counts = np.bincount(rows, minlength=len(graphs.features))
        return GraphBatch(
            features=torch.from_numpy(np.ascontiguousarray(graphs.features)),
            links=SparseMatrix(
                torch.from_numpy(columns[order]), torch.from_numpy(offsets_of(counts)), values
            ),
            offsets=torch.from_numpy(np.ascontiguousarray(graphs.node_offsets)),
            kind=kind,
        )

    @property
    def batch_size(self) -> int:
        """The number of graphs."""
        return len(self.offsets) - 1

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All that it holds."""
        return tuple(part for part in (self.features, *self.links, self.offsets) if part is not None)

    def each(self, change: Callable[[Tensor], Tensor]) -> "GraphBatch":
        """The batch with each of its tensors changed: sent to a device, or to another number format."""
        links = SparseMatrix(*(None if part is None else change(part) for part in self.links))  # type: ignore[arg-type]
        return GraphBatch(change(self.features), links, change(self.offsets), self.kind)

    @property
    def owners(self) -> Int[Tensor, " nodes"]:
        """The graph of each node."""
        graphs = torch.arange(self.batch_size, device=self.offsets.device)
        return graphs.repeat_interleave(self.offsets.diff(), output_size=len(self.features))

    def index_select(self, axis: int, places: Int[Tensor, " graphs"]) -> "GraphBatch":
        """The graphs at these places, in this order, as `Tensor.index_select` on axis 0 selects examples."""
        assert axis == 0, "graphs are counted on axis 0"
        begins, nodes = self.offsets[places], self.offsets.diff()[places]
        first, offsets = self.links.offsets[begins], begins_of(nodes)
        links = self.links.offsets[self.offsets[places + 1]] - first
        rows, entries = _ranges(begins, nodes), _ranges(first, links)
        degrees = self.links.offsets.diff()[rows]
        shift = (offsets[:-1] - begins).repeat_interleave(links, output_size=len(entries))
        values = self.links.values
        return GraphBatch(
            features=self.features[rows],
            links=SparseMatrix(
                self.links.columns[entries] + shift,
                begins_of(degrees),
                None if values is None else values[entries],
            ),
            offsets=offsets,
            kind=self.kind,
        )

    def tensor_split(self, pieces: int) -> tuple["GraphBatch", ...]:
        """Batches of about equally many graphs each."""
        places = torch.arange(self.batch_size, device=self.offsets.device)
        return tuple(self.index_select(0, part) for part in places.tensor_split(pieces))

    @property
    def membership(self) -> tuple[SparseMatrix, SparseMatrix]:
        """The matrix [B, V] that is 1 where a node belongs to a graph, and the same transposed.

        `product(*graphs.membership, h)` adds up what the nodes of each graph hold.
        """
        nodes = torch.arange(len(self.features) + 1, device=self.offsets.device)
        return SparseMatrix(nodes[:-1], self.offsets), SparseMatrix(self.owners, nodes)


def joined_batches(batches: Sequence[GraphBatch]) -> GraphBatch:
    """Several batches as one, in order; all of one kind, with weights or all without."""
    nodes = np.cumsum([0, *(len(batch.features) for batch in batches)])
    entries = np.cumsum([0, *(len(batch.links.columns) for batch in batches)])
    values = [batch.links.values for batch in batches if batch.links.values is not None]

    def shifted(parts: Sequence[Tensor], starts: Sequence[int]) -> Tensor:
        """Offsets one after another; each part's first is the end of the part before."""
        return torch.cat(
            [parts[0][:1], *(part[1:] + int(start) for part, start in zip(parts, starts, strict=True))]
        )

    columns = [batch.links.columns + int(start) for batch, start in zip(batches, nodes[:-1], strict=True)]
    return GraphBatch(
        features=torch.cat([batch.features for batch in batches]),
        links=SparseMatrix(
            torch.cat(columns),
            shifted([batch.links.offsets for batch in batches], entries[:-1].tolist()),
            torch.cat(values) if values else None,
        ),
        offsets=shifted([batch.offsets for batch in batches], nodes[:-1].tolist()),
        kind=batches[0].kind,
    )


def network_inputs(inputs: Inputs, kind: Input) -> Tensor | GraphBatch:
    """Scaled examples, as `Dataset.inputs_at` gives them, in tensors."""
    if isinstance(inputs, PackedGraphs):
        assert isinstance(kind, Graph)
        return GraphBatch.of(inputs, kind)
    return torch.from_numpy(inputs)


def count_of(inputs: Tensor | GraphBatch) -> int:
    """How many examples these are."""
    return inputs.batch_size if isinstance(inputs, GraphBatch) else len(inputs)


def tensors_of(inputs: Tensor | GraphBatch) -> tuple[Tensor, ...]:
    """The tensors of which they consist."""
    return inputs.tensors if isinstance(inputs, GraphBatch) else (inputs,)


def product(
    matrix: SparseMatrix, transposed: SparseMatrix, h: Float[Tensor, "columns width"]
) -> Float[Tensor, "rows width"]:
    """`matrix @ h`, with a gradient for `h` alone, which is `transposed @ gradient`.

    No row of `h` is copied for each entry: sums are taken as an embedding bag takes them.
    """
    return _Product.apply(h, matrix, transposed)  # type: ignore[no-untyped-call, no-any-return]


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h: Tensor, matrix: SparseMatrix, transposed: SparseMatrix) -> Tensor:
        ctx.transposed = transposed
        return _times(matrix, h)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _times(ctx.transposed, gradients[0]), None, None


def _times(matrix: SparseMatrix, h: Tensor) -> Tensor:
    values = None if matrix.values is None else matrix.values.to(h.dtype)
    return F.embedding_bag(
        matrix.columns,
        h.contiguous(),
        matrix.offsets,
        mode="sum",
        per_sample_weights=values,
        include_last_offset=True,
    )


def begins_of(counts: Int[Tensor, " groups"]) -> Int[Tensor, " groups_and_one"]:
    """Where each of so many groups begins, and where the last one ends."""
    return F.pad(counts.cumsum(0), (1, 0))


def _ranges(starts: Tensor, counts: Tensor) -> Tensor:
    """`counts[i]` whole numbers from `starts[i]` on, one group after another."""
    before = counts.cumsum(0) - counts
    total = int(counts.sum())
    return torch.arange(total, device=starts.device) + (starts - before).repeat_interleave(
        counts, output_size=total
    )
