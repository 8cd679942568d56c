"""What the record of a trained network may hold: it may come from anywhere, so every part is looked at."""

import json
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bakeoff.data.scaling import Scaling
from bakeoff.data.schema import Graph, Schema, Tokens
from bakeoff.system.json_records import typed
from bakeoff.tasks.target_scaling import TargetScaling


def finite_json(text: str) -> Any:
    """The record in a JSON text. Raises `ValueError` where it is none, or holds a number that is not finite."""

    def refuse(word: str) -> Any:
        raise ValueError(f"it holds {word}, which is no finite number")

    def finite(digits: str) -> float:
        return number if math.isfinite(number := float(digits)) else refuse(digits)

    return json.loads(text, parse_constant=refuse, parse_float=finite)


def check_form(record: Any) -> None:
    """Raises `ValueError` where a part that decides what is built is of another type than `save` writes."""
    if not isinstance(record, dict):
        raise ValueError(f"its record is a {type(record).__name__}")
    width, options, file = record["width"], record["options"], record.get("file")
    if not isinstance(record["model"], str) or not (file is None or isinstance(file, str)):
        raise ValueError("its record does not name a network")
    if width is not None and (isinstance(width, bool) or not isinstance(width, int) or width < 1):
        raise ValueError(f"its width is {width!r}")
    if not isinstance(options, dict):
        raise ValueError(f"its options are a {type(options).__name__}")
    if not isinstance(record["facts"], dict):
        raise ValueError(f"its facts are a {type(record['facts']).__name__}")
    if not isinstance(record["encoder"], dict | type(None)):
        raise ValueError(f"its encoder is a {type(record['encoder']).__name__}")


def scaling_of(record: Any, schema: Schema) -> Scaling | None:
    """Raises `ValueError` where it is not one of inputs of this schema."""
    if isinstance(schema.input, Tokens):
        size = None
    else:
        size = schema.input.features + 1 if isinstance(schema.input, Graph) else schema.input.shape[0]
    pair = _means_and_deviations(record, size, np.float32)
    return None if pair is None else Scaling(mean=pair[0], std=pair[1])


def target_scaling_of(record: Any, schema: Schema) -> TargetScaling | None:
    """Raises `ValueError` where it is not one of targets of this schema."""
    pair = _means_and_deviations(record, None if schema.is_classification else schema.outputs, np.float64)
    return None if pair is None else TargetScaling(*map(torch.from_numpy, pair))


def _means_and_deviations(
    record: Any, size: int | None, dtype: type[np.floating[Any]]
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """So many finite numbers of each; None where there must be none. Raises `ValueError` where it is otherwise."""
    if size is None or record is None:
        if size is not None or record is not None:
            raise ValueError("a scaling is missing, or there is one too many")
        return None
    with np.errstate(over="ignore"):
        mean, std = (
            np.asarray(typed(record[name], tuple[float, ...], name), dtype) for name in ("mean", "std")
        )
    if mean.shape != (size,) or std.shape != (size,):
        raise ValueError(f"it scales {len(mean)} numbers, where there are {size}")
    if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
        raise ValueError("a scaling is not finite")
    return mean, std
