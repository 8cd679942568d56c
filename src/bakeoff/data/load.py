"""`load`: reads data of any form; `read_new`: reads new data in the same way."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.encoder import NewExamples, encoder_from_json
from bakeoff.data.schema import Schema
from bakeoff.errors import DataError, OptionError, printable, suggest
from bakeoff.system.files import opened

#: Endings of files, by the reader that takes them.
TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".parquet", ".pq", ".jsonl", ".ndjson")
ARRAY_ENDINGS = (".npz", ".npy")
SERIES_ENDINGS = (".ts",)


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """The options of `load`; each reader uses those that apply to its form of data and refuses the rest."""

    target: str | None = None
    time: str | None = None
    horizon: int | None = None
    group: str | None = None
    size: tuple[int, int] | None = None
    kind: str | None = None
    task: str | None = None
    text: str | None = None
    tokenizer: str | Path | None = None
    window: int | None = None
    seed: int = 0
    name: str | None = None

    def refuse(self, *names: str, because: str) -> None:
        """Raises `OptionError` if one of these options was given."""
        given = [name for name in names if getattr(self, name) is not None]
        if given:
            raise OptionError(f"The option '{given[0]}' does not go with {because}: leave it out.")


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
    seed: int = 0,
    name: str | None = None,
) -> Dataset:
    """Read data of any form into a `Dataset`.

    Args:
        source: a built-in name ("digits"; `builtin_names()` lists them); a folder of images, one sub-folder a class;
            a CSV, TSV, Parquet or JSON Lines file; a `.ts` or UCR file of series; an `.npz` or `.npy` file; arrays
            or tensors (x, y) or {"x": x, "y": y}, which with "adjacency" are graphs; a pandas or Polars frame; or a
            `Dataset`, which comes back.
        target: the column to predict (tables and frames).
        time: the column of times; makes a forecast of `target`.
        horizon: how many steps to forecast.
        group: the column that says which examples belong together (never divided between splits).
        size: images are resized to this: 32, "32x48" or (height, width).
        kind: "image", "series", "table" or "text", where an array's axes or a column are ambiguous.
        task: "classes" or "value", where the target is ambiguous.
        text: the column of free text to learn from, where a table has several.
        tokenizer: a published one to cut the texts with, for networks with published weights: a folder with
            `tokenizer.json` or `vocab.txt`, or a Hugging Face id. Needs the package `tokenizers`.
        window: how many past steps a forecast uses.
        seed: of the splits (and of generated data).
        name: of the dataset; taken from the source if not given.

    Raises:
        DataError: the data cannot be read or compared on; the message says what to do.
        OptionError: an option is out of range or does not go with this form of data.

    >>> load("digits").schema.input
    Image(channels=1, height=8, width=8)
    """
    if isinstance(source, Dataset):
        return source
    options = LoadOptions(
        target=target,
        time=time,
        horizon=horizon,
        group=group,
        size=parse_size(size),
        kind=kind,
        task=task,
        text=text,
        tokenizer=tokenizer,
        window=window,
        seed=seed,
        name=name,
    )
    _check_choice("kind", kind, ("image", "series", "table", "text"))
    _check_choice("task", task, ("classes", "value"))
    if isinstance(source, str | Path):
        return _load_path(source, options)
    return _load_object(source, options)


def read_new(record: Mapping[str, Any], source: Any, *, schema: Schema) -> NewExamples:
    """Read new data exactly as the training data were read.

    Args:
        record: `dataset.encoder.to_json()` of the training data (stored with a trained network).
        source: new data of the same form: a file, a folder, arrays, a frame, or a built-in name.
        schema: the trained network's.

    Raises:
        DataError: the source cannot be read, or is not of the form that was trained on.
    """
    encoder = encoder_from_json(dict(record))
    if isinstance(source, str | Path):
        from bakeoff.data.builtin import builtin_names

        if str(source) in builtin_names() and not Path(source).exists():
            source = load(str(source))
        else:
            source = existing_path(source)
    if isinstance(source, Dataset):
        return _from_dataset(source, schema)
    return encoder.read(source, schema)


def parse_size(size: int | str | tuple[int, int] | None) -> tuple[int, int] | None:
    """(height, width) in pixels from 32, "32", "32x48" or (32, 48).

    Raises:
        OptionError: not one of these, or not between 1 and 1024.

    >>> parse_size("32x48")
    (32, 48)
    """
    if size is None:
        return None
    try:
        parts = size.lower().split("x") if isinstance(size, str) else size
        numbers = [int(part) for part in (parts if isinstance(parts, list | tuple) else (parts,))]
        height, width = numbers if len(numbers) == 2 else numbers * 2
    except (ValueError, TypeError) as error:
        raise OptionError(
            f"size must be like 32 or 32x48 (height x width), not '{printable(str(size))}'."
        ) from error
    if not (1 <= height <= 1024 and 1 <= width <= 1024):
        raise OptionError(f"size must be from 1 to 1024 pixels, not {height}x{width}.")
    return height, width


def check_source(source: str | Path) -> None:
    """Check early that this is the name of built-in data or of something that can be read.

    Raises:
        DataError: it is neither.
    """
    from bakeoff.data.builtin import builtin_names

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


def _load_path(source: str | Path, options: LoadOptions) -> Dataset:
    from bakeoff.data.builtin import builtin_names, load_builtin

    if str(source) in builtin_names():
        options.refuse(
            "target",
            "time",
            "horizon",
            "group",
            "size",
            "kind",
            "task",
            "text",
            "tokenizer",
            "window",
            because="built-in data",
        )
        return load_builtin(str(source), seed=options.seed)
    path = existing_path(source)
    ending = path.suffix.lower()
    if path.is_dir():
        return _load_folder(path, options)
    if ending in ARRAY_ENDINGS:
        return _load_arrays(path, options, name=path.stem, described=path.name)
    if ending in SERIES_ENDINGS:
        return _load_series(path, options)
    if ending in (".tsv", ".txt", "") and options.target is None and _is_ucr(path):
        return _load_series(path, options)
    if ending in TABLE_ENDINGS or (ending == ".txt" and options.target is not None):
        return _load_table(path, options)
    if ending in (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"):
        raise DataError(
            f"'{printable(path.name)}' is one image: give the folder that has one sub-folder a class."
        )
    raise DataError(
        f"'{printable(path.name)}' has an ending that is not known: give a folder of images, or a file that ends in "
        f"{', '.join(TABLE_ENDINGS + SERIES_ENDINGS + ARRAY_ENDINGS)}."
    )


def _load_folder(path: Path, options: LoadOptions) -> Dataset:
    from bakeoff.data.readers.series import series_files_of

    if series_files_of(path):
        return _load_series(path, options)
    for stem in ("x", "X", "inputs", "data"):
        if (path / f"{stem}.npy").is_file():
            return _load_arrays(path / f"{stem}.npy", options, name=path.name, described=path.name)
    from bakeoff.data.readers.images import load_images

    options.refuse(
        "target",
        "time",
        "horizon",
        "group",
        "window",
        "text",
        "tokenizer",
        "task",
        because="a folder of images",
    )
    return load_images(path, size=options.size, seed=options.seed, name=options.name)


def _load_series(path: Path, options: LoadOptions) -> Dataset:
    from bakeoff.data.readers.series import load_series

    options.refuse(
        "target",
        "time",
        "horizon",
        "group",
        "size",
        "window",
        "text",
        "tokenizer",
        because="a file of series",
    )
    return load_series(path, seed=options.seed, name=options.name, task=options.task)


def _is_ucr(path: Path) -> bool:
    from bakeoff.data.readers.series import is_ucr_file

    return is_ucr_file(path)


def _load_table(source: Any, options: LoadOptions) -> Dataset:
    from bakeoff.data.readers.table import load_table

    options.refuse("size", because="a table")
    if options.time is not None:
        from bakeoff.data.readers.forecast import load_forecast

        options.refuse("text", "tokenizer", "task", because="a forecast")
        return load_forecast(
            source,
            time=options.time,
            target=options.target,
            horizon=options.horizon,
            group=options.group,
            window=options.window,
            name=options.name,
        )
    options.refuse("horizon", "window", because="a table without a column of times (--time)")
    return load_table(
        source,
        target=options.target,
        group=options.group,
        kind=options.kind,
        task=options.task,
        text=options.text,
        tokenizer=options.tokenizer,
        seed=options.seed,
        name=options.name,
    )


def _load_arrays(source: Any, options: LoadOptions, *, name: str, described: str) -> Dataset:
    from bakeoff.data.readers.arrays import load_arrays

    options.refuse("time", "horizon", "size", "text", "tokenizer", "window", because="arrays")
    options.refuse("group", because="arrays, which hold their groups in one called 'groups' beside x and y")
    return load_arrays(
        source,
        name=options.name or name,
        described=described,
        kind=options.kind,
        task=options.task,
        target=options.target,
        seed=options.seed,
    )


def _load_object(source: Any, options: LoadOptions) -> Dataset:
    from bakeoff.data.readers.frames import is_frame

    if is_frame(source):
        return _load_table(source, options)
    if isinstance(source, tuple | list) and len(source) == 2 and is_frame(source[0]):
        from bakeoff.data.readers.frames import joined_frame

        frame, target = joined_frame(*source)
        return _load_table(frame, LoadOptions(**{**vars(options), "target": target}))
    if isinstance(source, Mapping | tuple | list | np.ndarray) or hasattr(source, "__array__"):
        return _load_arrays(source, options, name="arrays", described="arrays in memory")
    raise OptionError(
        f"data of the type {type(source).__name__} is not taken: give a path, a built-in name, arrays (x, y), "
        "a dictionary of arrays, or a pandas or Polars frame."
    )


def _from_dataset(dataset: Dataset, schema: Schema) -> NewExamples:
    if dataset.schema.input != schema.input:
        raise DataError(
            f"The network was trained on {schema.input}, and '{printable(dataset.name)}' is {dataset.schema.input}: "
            "give data of the same form."
        )
    targets: NDArray[Any] | None = dataset.targets if dataset.schema.target == schema.target else None
    names = dataset.labels or [str(row + 1) for row in range(len(dataset))]
    return NewExamples(inputs=dataset.inputs, lengths=dataset.lengths, targets=targets, names=names)


def _no_such(source: str | Path) -> str:
    from bakeoff.data.builtin import builtin_names

    path = Path(source)
    beside: list[str] = []
    if path.parent.is_dir():
        beside = [entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")]
    known = [*builtin_names(), *beside[:1000]]
    return (
        f"There is no file or folder '{printable(str(source))}', and no built-in data of that name. "
        f"{suggest(path.name, known)} `bakeoff data` lists the built-in names."
    )


def _check_choice(option: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise OptionError(f"{option} cannot be '{printable(str(value))}'. {suggest(str(value), choices)}")
