"""Arrays in memory, `.npz` and `.npy` files, and folders that hold `x.npy` and `y.npy`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset
from bakeoff.data.forms.array_conversion import is_array_like, polars_takes
from bakeoff.data.forms.array_files import array_parts, source_findings
from bakeoff.data.forms.array_values import arrange, axes_findings, gap_axes_findings, has_gaps
from bakeoff.data.forms.arrays import ArrayEncoder, joined_parts
from bakeoff.data.forms.targets import guess_findings, read_target
from bakeoff.data.options import ReadingOptions
from bakeoff.data.readers.base import Claim, Reader
from bakeoff.errors import DataError

#: Names, without their ending, of the inputs in a folder of arrays.
_INPUTS_IN_FOLDER = ("x", "X", "inputs", "data")


def _inputs_in(folder: Path) -> Path | None:
    files = (folder / f"{stem}.npy" for stem in _INPUTS_IN_FOLDER)
    return next((file for file in files if file.is_file()), None)


def _is_array_like(source: Any) -> bool:
    return isinstance(source, Mapping | tuple | list | np.ndarray) or is_array_like(source)


def _read(source: Any, options: ReadingOptions, *, seed: int, name: str | None) -> Dataset:
    """A dataset from (x, y), a dictionary with x and y (or x_train, y_train, x_test, y_test ...), or a file of them.

    Raises:
        DataError: no inputs or targets are found, counts differ, or numbers are not finite.
    """
    stem, described = "arrays", "arrays in memory"
    if isinstance(source, Path):
        stem, described = (source.name if source.is_dir() else source.stem), source.name
        source = _inputs_in(source) if source.is_dir() else source
    common = joined_parts(array_parts(source, target=options.target))
    findings = source_findings(source)
    common |= {"name": name or stem, "seed": seed, "source": described}
    inputs, answers = common.pop("inputs"), common.pop("targets")
    kind = options.kind
    if has_gaps(inputs) and inputs.ndim in (2, 3):
        findings += gap_axes_findings(inputs, kind=kind)
        return _read_with_gaps(inputs, answers, kind=kind, task=options.task, findings=findings, **common)
    arranged, schema_input = arrange(inputs, kind=kind)
    targets, schema_target = read_target(answers, task=options.task)
    return make_dataset(
        input=schema_input,
        target=schema_target,
        inputs=arranged,
        targets=targets,
        encoder=ArrayEncoder(axes=kind),
        findings=[
            *findings,
            *axes_findings(inputs, schema_input, kind=kind),
            *guess_findings(answers, schema_target, task=options.task),
        ],
        **common,
    )


def _read_with_gaps(
    inputs: NDArray[Any], answers: NDArray[Any], *, kind: str | None, task: str | None, **common: Any
) -> Dataset:
    """A dataset from arrays with NaN: a table's are imputed as in a file; a series' are interpolated, or padding."""
    if inputs.ndim == 2 and kind in (None, "table"):
        import polars

        from bakeoff.data.forms.table import build_table

        frame = polars.DataFrame(
            {f"column {place}": column for place, column in enumerate(polars_takes(inputs).T)}
        )
        frame = frame.with_columns(polars.all().fill_nan(None))
        return build_table(frame, polars.Series("target", answers), target="target", task=task, **common)
    from bakeoff.data.forms.series import build_series

    if kind not in (None, "series"):
        raise DataError(f"There are missing values (NaN) in inputs of the kind '{kind}': fill them in first.")
    examples = [np.asarray(example, np.float32).reshape(-1, inputs.shape[-1]) for example in inputs]
    targets, schema_target = read_target(answers, task=task)
    return build_series(examples, targets, schema_target, **common)


ARRAYS = Reader(
    described="arrays",
    plural="arrays",
    claims=(
        Claim(endings=(".npz", ".npy")),
        Claim(folders=True, looks=lambda folder: _inputs_in(folder) is not None),
        Claim(objects=_is_array_like),
    ),
    options=frozenset({"target", "kind", "task"}),
    kinds=("image", "series", "table", "text"),
    instead={
        "group": "give the groups as an array called 'groups' beside x and y",
        "size": "resize the arrays, or give a folder of images",
    },
    read=_read,
)
