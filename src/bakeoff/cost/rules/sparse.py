"""Products with a sparse matrix: one multiply-add for each value that it holds and each column of the other.

Source: the definition of the product; what is not held is not multiplied.
"""

from typing import Any

import torch
from torch import Tensor

from bakeoff.cost.rules.matmul import Rule, rule


def sparse_parts(tensor: Tensor) -> tuple[Tensor, ...]:
    """The dense tensors that a sparse one is made of, its values first; () for any other."""
    if tensor.layout is torch.sparse_coo:
        return tensor._values(), tensor._indices()
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return tensor.values(), tensor.crow_indices(), tensor.col_indices()
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return tensor.values(), tensor.ccol_indices(), tensor.row_indices()
    return ()


def held_values(tensor: Tensor) -> int:
    """How many values a tensor holds: of a sparse one those alone that it stores, explicit zeros too."""
    parts = sparse_parts(tensor)
    return parts[0].numel() if parts else tensor.numel()


def _product(left: Tensor, right: Tensor) -> int:
    """MACs of left [N, K] @ right [K, M]: of a sparse one the values that it holds."""
    if left.layout is torch.strided and right.layout is not torch.strided:
        return held_values(right) * left.shape[0]
    return held_values(left) * (right.shape[-1] if right.dim() > 1 else 1)


@rule("_sparse_mm")
def _plain(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    return _product(args[0], args[1]), 0


@rule("_sparse_addmm")
def _added(args: tuple[Any, ...], kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    return _product(args[1], args[2]), result.numel() if kwargs.get("beta", 1) != 0 else 0


#: By the operation's short name, where one of its tensors is sparse.
SPARSE_RULES: dict[str, Rule] = {
    "mm": _plain,
    "bmm": _plain,
    "mv": _plain,
    "_sparse_mm": _plain,
    "addmm": _added,
    "addmv": _added,
    "_sparse_addmm": _added,
}
