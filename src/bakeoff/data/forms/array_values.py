"""Arrays of numbers: what their axes mean, and what is wrong with their values.

What the axes mean, where `kind` does not say:
    [N, F]                     a table of F numbers (kind="series": one channel of F steps; "text": token numbers)
    [N, H, W] of bytes         grey images (kind="image" for other number types)
    [N, C, T] of other numbers C channels of T steps
    [N, C, H, W], [N, H, W, C] images; the channels are the axis of size 1, 3 or 4, the last one first; of other
                               sizes (bands) the one that differs where two are equal, else the smallest
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Finding
from bakeoff.data.scaling import of_new_data, without_loss
from bakeoff.data.schema import Image, Input, Schema, Series, Table, Tokens
from bakeoff.errors import DataError

#: Rows that are checked at once, so that the full set is never held in memory as float.
_BLOCK_ROWS = 8192
#: From so many channels of series on, they may as well be the rows of pictures.
_FEWEST_PIXELS = 8


def arrange(
    array: NDArray[Any], *, kind: str | None = None, schema: Schema | None = None
) -> tuple[NDArray[Any], Input]:
    """Inputs [N, *shape] in the order of axes that the schema has, and that schema.

    Args:
        array: [N, ...], of one of the forms in this module's header.
        kind: the meaning of the axes where their number is ambiguous.
        schema: of a trained network, which the array must then fit.

    Raises:
        DataError: the axes mean nothing known, do not fit the schema, or a number is not finite.
    """
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"Inputs must be numbers, not {array.dtype}: encode words first, or give a table file."
        )
    if schema is not None and array.shape[1:] == schema.input.shape:
        input = schema.input
    else:
        array, input = _meaning(array, kind)
    if schema is not None and (type(input) is not type(schema.input) or input.shape != schema.input.shape):
        raise DataError(
            f"The network was trained on examples of the shape {schema.input.shape}, and these have {input.shape}: "
            "give data of the same form."
        )
    check_finite(array)
    if isinstance(input, Tokens):
        _check_tokens(array, schema)
        return array.astype(np.int32), input if schema is None else schema.input
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    if isinstance(input, Image) and array.dtype == np.uint8:
        return array, input
    return of_new_data(array) if schema is not None else without_loss(array), input


def has_gaps(array: NDArray[Any]) -> bool:
    """Whether there is a NaN; checked in blocks of `_BLOCK_ROWS`."""
    if array.dtype.kind != "f":
        return False
    return any(
        np.isnan(array[start : start + _BLOCK_ROWS]).any() for start in range(0, len(array), _BLOCK_ROWS)
    )


def check_finite(array: NDArray[Any]) -> None:
    """Raises `DataError` for the first number that is not finite or too large for float32, block by block."""
    if array.dtype.kind != "f":
        return
    for start in range(0, len(array), _BLOCK_ROWS):
        block = np.asarray(array[start : start + _BLOCK_ROWS])
        good = np.abs(block) <= np.finfo(np.float32).max
        if not good.all():
            row = int(np.flatnonzero(~good.reshape(len(block), -1).all(axis=1))[0])
            value = block[row][~good[row]].ravel()[0]
            raise DataError(
                f"Example {start + row + 1} holds {value}; networks need finite numbers: "
                "fill such values in or leave those examples out."
            )


def _meaning(array: NDArray[Any], kind: str | None) -> tuple[NDArray[Any], Input]:
    shape = array.shape[1:]
    if 0 in shape:
        raise DataError(f"The inputs have the shape {array.shape}: an axis of size 0 holds no numbers.")
    if array.ndim == 2 and kind in (None, "table"):
        return array, Table(features=shape[0])
    if array.ndim == 2 and kind == "series":
        return array[:, None, :], Series(channels=1, length=shape[0])
    if array.ndim == 2 and kind == "text":
        return array, Tokens(vocabulary_size=int(array.max()) + 1, length=shape[0])
    if array.ndim == 3 and (kind == "image" or (kind is None and array.dtype == np.uint8)):
        return array[:, None], Image(channels=1, height=shape[0], width=shape[1])
    if array.ndim == 3 and kind in (None, "series"):
        return array, Series(channels=shape[0], length=shape[1])
    if array.ndim == 4 and kind in (None, "image"):
        if _has_channels_last(shape):
            array = array.transpose(0, 3, 1, 2)
        _, channels, height, width = array.shape
        return array, Image(channels=channels, height=height, width=width)
    raise DataError(
        f"Inputs of the shape {array.shape} with kind={kind!r} mean nothing here: give [N, F] for a table, [N, C, T] "
        "for series, [N, C, H, W] for images, x [N, V, F] and adjacency [N, V, V] for graphs."
    )


def _has_channels_last(shape: tuple[int, ...]) -> bool:
    first, middle, last = shape
    if last in (1, 3, 4) or first in (1, 3, 4):
        return last in (1, 3, 4)
    if (first == middle) != (middle == last):
        return first == middle
    return last <= first


def axes_findings(array: NDArray[Any], input: Input, *, kind: str | None) -> list[Finding]:
    """What was guessed of the axes of inputs [N, ...] as they were given, with what changes it.

    Args:
        input: what `arrange` made of them.
        kind: what the user said of them.
    """
    shape = array.shape[1:]
    values: dict[str, Any] = {"shape": f"[N, {', '.join(map(str, shape))}]"}
    if isinstance(input, Series) and array.ndim == 3 and kind is None:
        if shape[0] <= shape[1] and shape[0] < _FEWEST_PIXELS:
            return []
        values |= {"channels": input.channels, "steps": input.length}
        return [Finding(kind="axes_series", severity="warning", values=values)]
    if isinstance(input, Image) and array.ndim == 3 and kind is None and min(shape) < _FEWEST_PIXELS:
        values |= {"height": input.height, "width": input.width}
        return [Finding(kind="axes_pictures", severity="warning", values=values)]
    if isinstance(input, Image) and array.ndim == 4 and input.channels not in (1, 3, 4):
        values |= {"channels": input.channels, "height": input.height, "width": input.width}
        return [Finding(kind="axes_bands", severity="warning", values=values)]
    return []


def gap_axes_findings(array: NDArray[Any], *, kind: str | None) -> list[Finding]:
    """The same of inputs with missing values, which are tables [N, F] or series [N, C, T]."""
    if array.ndim != 3:
        return []
    return axes_findings(array, Series(channels=array.shape[1], length=array.shape[2]), kind=kind)


def _check_tokens(array: NDArray[Any], schema: Schema | None) -> None:
    most = None if schema is None or not isinstance(schema.input, Tokens) else schema.input.vocabulary_size
    if array.dtype.kind not in "iu" or array.min() < 0 or (most is not None and array.max() >= most):
        raise DataError(
            f"Tokens must be whole numbers from 0 up to {most or 'the vocabulary'}, 0 being padding."
        )
