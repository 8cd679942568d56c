"""Arrays: in memory and in `.npz` and `.npy` files; graphs, sparse matrices and tensors among them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch

from fuzzing.checks import read, read_again
from fuzzing.damage import HOSTILE, damage_file
from fuzzing.dice import Dice
from fuzzing.tables import Attempt, packed

_TYPES = ("<f4", "<f8", ">f8", "<f2", "u1", "<u2", "<i8", "<i4", "?", "<c8")
_COMMON_TYPES = {"<f4": 6.0, "<f8": 4.0, "u1": 3.0, "<i8": 2.0}


def array_file(dice: Dice, folder: Path) -> Attempt:
    """An `.npz` of x and y (or of parts), or an `.npy`, damaged or packed now and then."""
    arrays = _arrays(dice)
    if dice.chance(0.8):
        path = folder / "made.npz"
        (np.savez_compressed if dice.chance(0.4) else np.savez)(path, **arrays)
    else:
        path = folder / "x.npy"
        np.save(path, arrays[next(iter(arrays))])
        if dice.chance(0.8) and len(arrays) > 1:
            np.save(folder / "y.npy", list(arrays.values())[1])
    if dice.chance(0.1):
        damage_file(dice, path)
    source = (
        packed(dice, path)
        if dice.chance(0.08)
        else path.parent
        if path.suffix == ".npy" and dice.chance(0.2)
        else path
    )
    options = _options(dice)
    if dice.chance(0.3):
        return lambda: read_again(read(source, **options), source)
    return lambda: read(source, **options)


def arrays_in_memory(dice: Dice, folder: Path) -> Attempt:
    """(x, y), a dictionary, tensors, sparse or masked matrices, lists of series of different lengths."""
    arrays = _arrays(dice)
    x, y = list(arrays.values())[:2]
    forms: dict[Callable[[], Any], float] = {
        (lambda: (x, y)): 5,
        (lambda: arrays): 3,
        (lambda: (x.tolist(), y.tolist())): 1,
        (lambda: (x, None)): 0.2,
        (lambda: x): 0.2,
        (lambda: (x.astype(object), y)): 0.3,
    }
    if len(x) and x.ndim > 1 and x.dtype.kind in "fiu":
        forms |= {
            (lambda: (torch.from_numpy(x.astype("f4")), y)): 2,
            (lambda: (torch.from_numpy(x.astype("f4")).bfloat16(), y)): 0.5,
            (lambda: (_sparse(dice, x), y)): 1,
            (lambda: (np.ma.masked_greater(x.astype("f8"), 1.5), y)): 1,
            (lambda: ([row[..., : dice.whole(1, max(1, x.shape[-1]))] for row in x], y)): 1.5,
        }
    given = dice.weighted(forms)()
    options = _options(dice)
    if dice.chance(0.3):
        return lambda: read_again(read(given, **options), x)
    return lambda: read(given, **options)


def graphs(dice: Dice, folder: Path) -> Attempt:
    """Graphs by edges or by adjacency matrices, in a dictionary or a file; some do not fit together."""
    count, nodes, features = dice.whole(12, 60), dice.whole(1, 8), dice.whole(1, 3)
    matrix = np.triu(dice.rng.random((count, nodes, nodes)) < 0.4, 1)
    arrays: dict[str, Any] = {"x": dice.normal(count, nodes, features).astype("f4")}
    if dice.chance(0.5):
        arrays["adjacency"] = (matrix | matrix.transpose(0, 2, 1)).astype(dice.one_of(("f4", "i8", "?")))
    else:
        arrays["edges"] = np.argwhere(matrix)
    if dice.chance(0.3):
        arrays["nodes"] = np.full(count, nodes)
    arrays["y"] = np.arange(count) % dice.weighted({1: 0.3, 2: 3, 3: 3})
    if dice.chance(0.25):
        _disturb(dice, arrays)
    if dice.chance(0.5):
        np.savez(folder / "graphs.npz", **arrays)
        return lambda: read_again(read(folder / "graphs.npz"), folder / "graphs.npz")
    return lambda: read(arrays)


def _arrays(dice: Dice) -> dict[str, Any]:
    """x and y under one of their names, whole or in parts, with further arrays now and then."""
    rows = dice.weighted({60: 6, 200: 1, 8: 1, 0: 0.2})
    shape = dice.weighted(
        {(5,): 4, (2, 12): 3, (8, 8): 2, (1, 8, 8): 2, (3, 8, 8): 1, (8, 8, 3): 1, (): 0.3, (2,) * 5: 0.2}
    )
    x, y = _inputs(dice, (rows, *shape)), _answers(dice, rows)
    own, other = dice.one_of(
        (("x", "y"), ("X", "Y"), ("data", "target"), ("inputs", "labels"), ("images", "label"))
    )
    arrays = {own: x, other: y}
    if dice.chance(0.15) and rows > 8:
        cut = rows * 2 // 3
        arrays = {
            f"{own}_train": x[:cut],
            f"{other}_train": y[:cut],
            f"{own}_test": x[cut:],
            f"{other}_test": y[cut:],
        }
    if dice.chance(0.15):
        arrays["groups"] = np.arange(rows) // 4
    if dice.chance(0.1):
        arrays["note"] = np.array(["made by hand"])
    if dice.chance(0.12):
        _disturb(dice, arrays)
    return arrays


def _inputs(dice: Dice, shape: tuple[int, ...]) -> Any:
    """Numbers of any type; some missing at the end, as shorter series have it, or infinite."""
    kind = dice.weighted({name: _COMMON_TYPES.get(name, 0.6) for name in _TYPES})
    values = dice.normal(*shape) * dice.one_of((1, 1, 50)) + dice.one_of((0, 0, 100, 1e9))
    array = np.nan_to_num(values).clip(0, 255).astype(kind) if kind == "u1" else values.astype(kind)
    if array.dtype.kind == "f" and array.ndim > 1 and dice.chance(0.2):
        for row in range(len(array)):
            array[row, ..., dice.whole(1, 9) :] = np.nan
    if array.dtype.kind == "f" and array.size and dice.chance(0.06):
        array.reshape(-1)[dice.whole(0, array.size - 1)] = dice.one_of((np.nan, np.inf, 3e38))
    return array


def _answers(dice: Dice, rows: int) -> Any:
    kind = dice.weighted(
        {"class": 6, "word": 3, "value": 3, "values": 1, "one-hot": 1, "odd": 0.5, "truth": 1}
    )
    classes = np.arange(rows) % dice.weighted({1: 0.3, 2: 3, 3: 3, 4: 1})
    match kind:
        case "word":
            return np.array(["no", "yes", "네", "Süd"])[classes]
        case "value":
            return dice.normal(rows).astype(dice.one_of(("f4", "f8")))
        case "values":
            return dice.normal(rows, 3)
        case "one-hot":
            return np.eye(4)[classes]
        case "odd":
            return np.array([dice.one_of(HOSTILE)[:50].replace("\x00", "") for _ in range(rows)], dtype="U50")
        case "truth":
            return classes == 0
        case _:
            return classes + dice.one_of((0, 0, 1, -5))


def _disturb(dice: Dice, arrays: dict[str, Any]) -> None:
    """One array of another length, type or rank, under another name, or left out."""
    name = dice.one_of(list(arrays))
    array = np.asarray(arrays[name])
    match dice.whole(0, 4):
        case 0:
            arrays[name] = array[:-1]
        case 1:
            arrays[name] = array[None]
        case 2:
            arrays[dice.one_of(("xx", "y_test", "weights", "edges", "nodes"))] = arrays.pop(name)
        case 3:
            arrays[name] = np.array(["odd"] * len(array)) if array.ndim else np.array("odd")
        case _:
            arrays[name] = np.empty(array.shape, "f8") * np.nan


def _sparse(dice: Dice, x: Any) -> Any:
    flat = x.reshape(len(x), -1).astype("f8")
    if dice.chance(0.3):
        return torch.from_numpy(flat).to_sparse()
    return dice.one_of((scipy.sparse.csr_matrix, scipy.sparse.coo_array, scipy.sparse.csc_array))(flat)


def _options(dice: Dice) -> dict[str, Any]:
    return {
        "kind": dice.weighted({None: 14, "image": 1, "series": 1, "table": 1, "text": 0.5}),
        "task": dice.weighted({None: 10, "classes": 1, "value": 1}),
        "target": dice.weighted({None: 16, "0": 0.5, "-1": 0.5, "y": 0.2}),
        "seed": dice.whole(0, 5),
    }
