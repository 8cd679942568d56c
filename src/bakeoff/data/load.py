"""`load`: reads data of any form; `read_new`: reads new data in the same way."""

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from numpy.typing import NDArray

from bakeoff.data.builtin import builtin_names
from bakeoff.data.dataset import Dataset
from bakeoff.data.encoder import NewExamples, encoder_from_json
from bakeoff.data.forms.endings import IMAGE_ENDINGS, PACKED_ENDINGS
from bakeoff.data.forms.foreign_files import foreign_error
from bakeoff.data.forms.graphs import check_fits, lengths_of_graphs
from bakeoff.data.forms.packed_files import unpacked
from bakeoff.data.forms.pandas_frames import with_index_columns
from bakeoff.data.forms.unicode import column_name
from bakeoff.data.options import ReadingOptions, check_seed
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.readers import READERS
from bakeoff.data.readers.base import reader_of, refuse_other_options
from bakeoff.data.schema import Graph, Schema
from bakeoff.errors import BakeoffError, DataError, OptionError, printable, suggest
from bakeoff.system.files import opened

P = ParamSpec("P")
R = TypeVar("R")


def names_unknown_options(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which answers an unknown keyword with an `OptionError` that names the nearest one it takes."""
    parameters = inspect.signature(function).parameters.values()
    known = [each.name for each in parameters if each.kind is not inspect.Parameter.VAR_POSITIONAL]

    @functools.wraps(function)
    def checked(*given: P.args, **options: P.kwargs) -> R:
        for name in options:
            if name not in known:
                raise OptionError(
                    f"{function.__name__}() has no option '{printable(name)}'. {suggest(name, known[1:])}"
                )
        return function(*given, **options)

    return checked


@names_unknown_options
def load(
    source: Any,
    *,
    target: str | None = None,
    time: str | None = None,
    horizon: int | None = None,
    group: str | None = None,
    size: int | str | tuple[int, int] | None = None,
    kind: str | None = None,
    task: str | None = None,
    text: str | None = None,
    tokenizer: str | Path | None = None,
    window: int | None = None,
    decimal: str | None = None,
    dates: str | None = None,
    order: str | None = None,
    seed: int = 0,
    name: str | None = None,
) -> Dataset:
    """Read data of any form into a `Dataset`.

    Args:
        source: a built-in name ("digits"; `builtin_names()` lists them); a folder of images, one sub-folder a class;
            a CSV, TSV, Parquet, JSON, Excel or SQLite file; a `.ts` or UCR file of series; an `.npz` or `.npy` file;
            one of these packed (`.gz`, `.zip`, `.tar.gz` ...); arrays or tensors, dense or sparse, (x, y) or {"x": x,
            "y": y}, which with "adjacency" or "edges" are graphs; a frame of pandas, Polars, DuckDB or Arrow; a
            `Dataset` of Hugging Face; or a `Dataset`, which comes back.
        target: the column to predict (tables and frames).
        time: the column of times; makes a forecast of `target`.
        horizon: how many steps to forecast.
        group: the column that says which examples belong together (never divided between splits); of several
            keys "shop,item".
        size: images are resized to this: 32, "32x48" or (height, width).
        kind: "image", "series", "table" or "text", where an array's axes or a column are ambiguous.
        task: "classes" or "value", where the target is ambiguous.
        text: the column of free text to learn from, where a table has several.
        tokenizer: a published one to cut the texts with, for networks with published weights: a folder with
            `tokenizer.json` or `vocab.txt`, or a Hugging Face id. Needs the package `tokenizers`.
        window: how many past steps a forecast uses.
        decimal: "comma" or "point", the decimal sign, where a column's numbers can be read either way (1,234).
        dates: "dmy", "mdy" or "ymd", the order of day, month and year, where a column can be read in several; "off"
            reads nothing as a date.
        order: the column of times by which a table's rows are divided: training first, the latest rows for the test.
        seed: of the splits (and of generated data).
        name: of the dataset; taken from the source if not given.

    Raises:
        DataError: the data cannot be read or compared on; the message says what to do.
        OptionError: an option is out of range or does not go with this form of data.

    >>> load("digits").schema.input
    Image(channels=1, height=8, width=8)
    """
    check_seed(seed)
    if isinstance(source, Dataset):
        return source
    options = ReadingOptions(
        target=_column(target),
        time=_column(time),
        horizon=horizon,
        window=window,
        group=_column(group),
        size=size,
        kind=kind,
        task=task,
        text=_column(text),
        tokenizer=tokenizer,
        decimal=decimal,
        dates=dates,
        order=_column(order),
    )
    options.check()
    if isinstance(source, str | Path):
        source = str(source) if str(source) in builtin_names() else _unpacked(existing_path(source))
    else:
        keys = (options.group or "").split(",")
        source = with_index_columns(source, (options.target, options.time, options.text, *keys))
    reader = reader_of(source, options, READERS)
    if reader is None:
        raise _unclaimed(source)
    refuse_other_options(reader, options, READERS)
    return reader.read(source, options, seed=seed, name=name)


def read_new(record: Mapping[str, Any], source: Any, *, schema: Schema) -> NewExamples:
    """Read new data exactly as the training data were read.

    Args:
        record: `dataset.encoder.to_json()` of the training data (stored with a trained network).
        source: new data of the same form: a file, a folder, arrays, a frame, or a built-in name.
        schema: the trained network's.

    Raises:
        DataError: the source cannot be read, or is not of the form that was trained on.
    """
    encoder = encoder_from_json(dict(record), schema)
    if isinstance(source, str | Path):
        if str(source) in builtin_names() and not Path(source).exists():
            source = load(str(source))
        else:
            source = _unpacked(existing_path(source))
    if isinstance(source, Dataset):
        return _from_dataset(source, schema)
    return encoder.read(source, schema)


def check_source(source: str | Path) -> None:
    """Check early that this is the name of built-in data or of something that can be read.

    Raises:
        DataError: it is neither.
    """
    if str(source) not in builtin_names():
        existing_path(source)


def existing_path(source: str | Path) -> Path:
    """The path, if something is there that can be read.

    Raises:
        DataError: nothing is there, it may not be read, or it is neither a file nor a folder but a pipe or a device.
    """
    path = Path(source).expanduser()
    try:
        if path.is_dir():
            next(path.iterdir(), None)
        else:
            opened(path).close()
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(_no_such(source)) from error
    except PermissionError as error:
        raise DataError(
            f"'{printable(str(source))}' may not be read by you: change its permissions or copy it elsewhere."
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(f"'{printable(str(source))}' cannot be opened ({printable(str(error))}).") from error
    return path


def _unpacked(path: Path) -> Path:
    """The path, or what a packed file of that name holds."""
    is_packed = path.name.lower().endswith(PACKED_ENDINGS) and not path.is_dir()
    return unpacked(path) if is_packed else path


def _column(column: Any) -> str | None:
    """The name of a column as the columns of a table are named; a frame's own may be numbers or tuples."""
    return None if column is None else column_name(str(column))


def _unclaimed(source: Any) -> BakeoffError:
    """Why no reader takes it."""
    if not isinstance(source, Path):
        return OptionError(
            f"data of the type {type(source).__name__} is not taken: give a path, a built-in name, arrays (x, y), "
            "a dictionary of arrays, or a pandas or Polars frame."
        )
    if source.suffix.lower() in IMAGE_ENDINGS:
        return DataError(
            f"'{printable(source.name)}' is one image: give the folder that has one sub-folder a class."
        )
    if (foreign := foreign_error(source)) is not None:
        return foreign
    known = [ending for reader in READERS for ending in reader.endings]
    return DataError(
        f"'{printable(source.name)}' has an ending that is not known: give a folder of images, or a file that ends in "
        f"{', '.join(known)}."
    )


def _from_dataset(dataset: Dataset, schema: Schema) -> NewExamples:
    lengths = dataset.lengths
    if isinstance(dataset.inputs, PackedGraphs) and isinstance(schema.input, Graph):
        check_fits(dataset.inputs, schema.input)
        lengths = lengths_of_graphs(dataset.inputs, schema.input)
    elif dataset.schema.input != schema.input:
        raise DataError(
            f"The network was trained on {schema.input}, and '{printable(dataset.name)}' is {dataset.schema.input}: "
            "give data of the same form."
        )
    targets: NDArray[Any] | None = dataset.targets if dataset.schema.target == schema.target else None
    names = dataset.labels or [str(row + 1) for row in range(len(dataset))]
    return NewExamples(inputs=dataset.inputs, lengths=lengths, targets=targets, names=names)


def _no_such(source: str | Path) -> str:
    path = Path(source)
    beside: list[str] = []
    if path.parent.is_dir():
        beside = [entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")]
    known = [*builtin_names(), *beside[:1000]]
    return (
        f"There is no file or folder '{printable(str(source))}', and no built-in data of that name. "
        f"{suggest(path.name, known)} `bakeoff data` lists the built-in names."
    )
