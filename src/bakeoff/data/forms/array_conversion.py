"""Arrays of other packages as NumPy arrays: torch tensors of any type, sparse matrices, masked arrays, lists.

What the arrays say besides their numbers is kept: a value under a mask is missing, a sparse matrix has zeros.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Finding
from bakeoff.data.forms.size_checks import check_fits
from bakeoff.errors import DataError


def as_array(value: Any) -> NDArray[Any]:
    """A NumPy array of numbers or words, from a torch tensor, a sparse matrix, a list or anything that NumPy takes.

    Masked values are NaN among numbers and None among words.

    Raises:
        DataError: rows of different lengths, objects that are no numbers, or more than fits into memory.
    """
    if hasattr(value, "detach"):
        value = _of_tensor(value)
    elif is_sparse(value):
        check_fits(
            _dense_bytes(value.shape, value.dtype.itemsize), "A sparse matrix, written out with its zeros,"
        )
        value = value.toarray()
    elif isinstance(value, np.ma.MaskedArray):
        value = _without_mask(value)
    try:
        array = value if isinstance(value, np.memmap) else np.asarray(value)
    except ValueError as error:
        raise DataError(
            f"The rows have different lengths ({error}): pad them, or give a .ts file."
        ) from error
    return _numbers_or_words(array)


def is_array_like(value: Any) -> bool:
    """Whether this is an array, a tensor or a sparse matrix, and no list."""
    return hasattr(value, "__array__") or is_sparse(value)


def is_sparse(value: Any) -> bool:
    """Whether this is a sparse matrix or array of SciPy (or one that behaves like it), or a sparse tensor."""
    if hasattr(value, "detach"):
        return "sparse" in str(value.layout)
    return hasattr(value, "toarray") and hasattr(value, "nnz")


def conversion_findings(arrays: Iterable[Any]) -> list[Finding]:
    """What converting these arrays changes: sparse matrices with their zeros written out, values under a mask."""
    findings = []
    for value in arrays:
        if is_sparse(value):
            numbers = int(np.prod(tuple(value.shape), dtype=np.float64))
            stored = int(value._nnz() if hasattr(value, "detach") else value.nnz)
            values = {"zeros": 1 - stored / max(numbers, 1), "megabytes": 4 * numbers / 1e6}
            findings.append(Finding(kind="sparse_written_out", severity="note", values=values))
        elif isinstance(value, np.ma.MaskedArray) and (count := int(np.ma.getmaskarray(value).sum())):
            findings.append(Finding(kind="masked_missing", severity="note", values={"count": count}))
    return findings


def _of_tensor(tensor: Any) -> Any:
    """A torch tensor in memory; numbers that NumPy does not know (bfloat16, 8-bit floats, quantised) as float32."""
    import torch

    tensor = tensor.detach()
    if tensor.is_meta:
        raise DataError("A tensor on the device 'meta' holds no numbers: give one with values.")
    if tensor.is_nested:
        return [as_array(part) for part in tensor.unbind()]
    if is_sparse(tensor):
        check_fits(
            _dense_bytes(tensor.shape, tensor.element_size()), "A sparse tensor, written out with its zeros,"
        )
        tensor = tensor.to_dense()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.dtype.is_floating_point and tensor.dtype not in (torch.float16, torch.float32, torch.float64):
        tensor = tensor.float()
    return tensor.cpu().resolve_conj().resolve_neg().numpy()


def _numbers_or_words(array: NDArray[Any]) -> NDArray[Any]:
    """The array, objects in several columns as numbers. Raises `DataError` for other objects and complex numbers."""
    if array.dtype.kind == "O" and array.ndim > 1:
        try:
            return array.astype(np.float64)
        except (ValueError, TypeError) as error:
            raise DataError(
                f"An array holds something other than numbers ({error}): give numbers."
            ) from error
    if array.dtype.kind == "c":
        raise DataError("Complex numbers are not taken: give the real and imaginary parts as two channels.")
    return array


def _without_mask(array: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    if not np.ma.getmaskarray(array).any():
        return np.asarray(array.data)
    if array.dtype.kind not in "biuf":
        words = array.data.astype(object)
        words[np.ma.getmaskarray(array)] = None
        return words
    number = np.float32 if array.dtype.itemsize < 4 else np.float64
    return np.where(np.ma.getmaskarray(array), np.nan, array.data).astype(number)


def _dense_bytes(shape: Iterable[int], item_bytes: int) -> float:
    return float(np.prod([float(size) for size in shape])) * max(item_bytes, 4)


def polars_takes(array: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in a type that Polars makes columns of: no halves, and in this machine's order of bytes.

    >>> polars_takes(np.array([1.5], ">f8")).dtype.isnative
    True
    """
    if array.dtype == np.float16:
        return array.astype(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
