"""Time series for classification (or regression): files, pairs of files, and folders that hold a pair."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.encoder import FormEncoder, NewExamples, check_shape
from bakeoff.data.forms.array_files import array_parts
from bakeoff.data.forms.series_gaps import (
    bridge_gaps,
    channel_findings,
    gap_findings,
    live_channels,
    true_length,
)
from bakeoff.data.forms.targets import known_targets, read_target
from bakeoff.data.forms.ts_file import SeriesFile, read_series_file, split_ucr_line
from bakeoff.data.scaling import needs_centring, of_new_data
from bakeoff.data.schema import Classes, Schema, Series, Target
from bakeoff.data.splits import make_splits
from bakeoff.errors import DataError, printable
from bakeoff.system.files import opened

SERIES_ENDINGS = (".ts", ".tsv", ".txt", "")
#: Examples, evenly spread, by which it is decided whether the numbers need float64.
_SAMPLE_EXAMPLES = 1000
_PAIR = re.compile(r"^(?P<stem>.*?)[_-]?(?P<part>train|test)$", re.IGNORECASE)


#: That are believed of a record that does not list them.
_MOST_CHANNELS = 1 << 20


@dataclass(frozen=True, kw_only=True)
class SeriesEncoder(FormEncoder):
    """Series are padded (or, if longer than in training, cut at their end) to `length`; gaps are interpolated.

    Attributes:
        channels: of a series as it is given.
        kept: the channels that are used: those that hold different values in training.
        fills: one for each kept channel: what stands for it in a series where it has no value at all.
    """

    kind: ClassVar[str] = "series"
    channels: int
    length: int
    keeps_lengths: bool
    kept: tuple[int, ...]
    fills: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "channels": self.channels,
            "length": self.length,
            "keeps_lengths": self.keeps_lengths,
            "kept": list(self.kept),
            "fills": list(self.fills),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        if "kept" not in record:  # an earlier version's, which used all
            channels = min(int(record["channels"]), _MOST_CHANNELS)
            record = {**record, "kept": list(range(channels)), "fills": [0.0] * channels}
        return super().from_json(record)

    def check(self, schema: Schema) -> None:
        check_shape((len(self.kept), self.length), schema)
        if len(self.fills) != len(self.kept) or not all(0 <= place < self.channels for place in self.kept):
            raise ValueError(f"of {self.channels} channels it keeps others")

    def encode(
        self, examples: Sequence[NDArray[np.floating[Any]]]
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
        """float32 [N, C, T], zeros beyond the true lengths int64 [N].

        Raises:
            DataError: another number of channels, an infinite value, or an example without any value.
        """
        precision = np.result_type(np.float32, *{example.dtype for example in examples})
        inputs = np.zeros((len(examples), len(self.kept), self.length), precision)
        lengths = np.empty(len(examples), np.int64)
        for place, example in enumerate(examples):
            if len(example) != self.channels:
                raise DataError(
                    f"Series {place + 1} has {len(example)} channels where {self.channels} are needed: "
                    "give each series the same channels."
                )
            own = example[list(self.kept), : self.length]
            filled, length = bridge_gaps(own, place, fills=self.fills)
            inputs[place, :, : filled.shape[1]] = filled
            lengths[place] = length
        return inputs, lengths

    def read(self, source: Any, schema: Schema) -> NewExamples:
        if not isinstance(source, str | Path):
            return self._read_arrays(source, schema)
        files = _new_series_files(Path(source))
        examples = [example for file in files for example in file.examples]
        inputs, lengths = self.encode([of_new_data(example) for example in examples])
        answers = [answer for file in files for answer in file.answers or ()]
        targets = None
        if len(answers) == len(examples):
            targets = known_targets(_as_answers(answers, schema.is_classification), schema.target)
        return NewExamples(
            inputs=inputs,
            lengths=lengths if self.keeps_lengths else None,
            targets=targets,
            names=[str(row + 1) for row in range(len(inputs))],
        )

    def _read_arrays(self, source: Any, schema: Schema) -> NewExamples:
        """Arrays [N, C, T] (or [N, T] of one channel, or lists of series), NaN where a value is missing or padded."""
        part = next(iter(array_parts(source, needs_targets=False).values()))
        array = part.rows if part.rows.ndim > len(schema.input.shape) - 1 else part.rows[None]
        array = array[:, None] if array.ndim == 2 and self.channels == 1 else array
        array = array[None] if array.ndim == 2 else array
        if array.ndim != 3 or array.dtype.kind not in "iufb":
            raise DataError(
                f"The network was trained on series of {self.channels} channels, and the array has the shape "
                f"{array.shape}: give [N, {self.channels}, T]."
            )
        inputs, lengths = self.encode(list(of_new_data(array)))
        return NewExamples(
            inputs=inputs,
            lengths=lengths if self.keeps_lengths else None,
            targets=None if part.targets is None else known_targets(part.targets, schema.target),
            names=[str(row + 1) for row in range(len(inputs))],
        )


def load_series(path: Path, *, seed: int = 0, name: str | None = None, task: str | None = None) -> Dataset:
    """A dataset from one file, from a pair NAME_TRAIN, NAME_TEST (named by either) or from the folder that holds it.

    Raises:
        DataError: a file is damaged, the parts do not fit each other, or the classes cannot be learned.
    """
    files = series_files_of(path)
    parts = {part: read_series_file(file) for part, file in files.items()}
    for file, part in zip(files.values(), parts.values(), strict=True):
        if part.answers is None:
            raise DataError(
                f"'{printable(file.name)}' has no class for its series: give a file with '@classLabel true'."
            )
    examples = [example for part in parts.values() for example in part.examples]
    answers = [answer for part in parts.values() for answer in part.answers or ()]
    is_regression = task == "value" or (task is None and any(part.is_regression for part in parts.values()))
    targets, target = read_target(
        _as_answers(answers, not is_regression), task="value" if is_regression else "classes", what="class"
    )
    if isinstance(target, Classes):
        targets, target = _in_numeric_order(targets, target)
    train = len(parts["train"].examples) if "test" in parts else 0
    return build_series(
        examples,
        targets,
        target,
        name=name or _common_stem(next(iter(files.values()))),
        test=np.arange(train, len(examples), dtype=np.int64) if "test" in parts else None,
        seed=seed,
        source=" and ".join(file.name for file in files.values()),
    )


def build_series(
    examples: Sequence[NDArray[np.floating[Any]]],
    targets: NDArray[Any],
    target: Target,
    *,
    findings: Sequence[Finding] = (),
    **common: Any,
) -> Dataset:
    """A dataset from examples [C, T] of equal or different length, NaN where a value is missing or padded.

    Args:
        findings: of reading the examples.
        common: further arguments of `make_dataset` (name, test, validation, groups, seed, source).
    """
    examples = _in_precision(examples)
    lengths = [true_length(example) for example in examples]
    keeps_lengths = min(lengths) < max(lengths)
    longest = Series(channels=len(examples[0]), length=max(lengths))
    seed, groups = common.get("seed", 0), common.pop("groups", None)
    parts = {part: common.pop(part, None) for part in ("test", "validation")}
    splits = make_splits(Schema(input=longest, target=target), targets, seed=seed, groups=groups, **parts)
    kept, fills = live_channels([examples[place] for place in splits.train])
    encoder = SeriesEncoder(
        channels=len(examples[0]), length=max(lengths), keeps_lengths=keeps_lengths, kept=kept, fills=fills
    )
    inputs, true_lengths = encoder.encode(examples)
    return make_dataset(
        input=Series(channels=len(kept), length=encoder.length),
        target=target,
        inputs=inputs,
        targets=targets,
        lengths=true_lengths if keeps_lengths else None,
        encoder=encoder,
        splits=splits,
        groups=groups,
        findings=[*findings, *channel_findings(examples, kept), *gap_findings(examples, lengths, kept)],
        **common,
    )


def series_files_of(path: Path) -> dict[str, Path]:
    """{"train": ..., "test": ...} for a pair, {"all": ...} for one file; {} for a folder without series."""
    if path.is_dir():
        return _pair_in_folder(path)
    match = _PAIR.match(path.stem)
    if match is None:
        return {"all": path}
    files = {match["part"].lower(): path}
    other = "test" if match["part"].lower() == "train" else "train"
    for spelled in (other.upper(), other, other.capitalize()):
        twin = path.with_name(path.stem[: match.start("part")] + spelled + path.suffix)
        if twin.is_file():
            return {"train": files.get("train", twin), "test": files.get("test", twin)}
    return {"all": path}


def is_ucr_file(path: Path) -> bool:
    """Whether a .tsv or .txt file is a UCR file: its name ends in _TRAIN or _TEST, or its lines are all numbers."""
    if _PAIR.match(path.stem):
        return True
    if not path.suffix:
        return False
    with opened(path) as file:
        lines = [file.readline(1 << 20).decode("utf-8", "replace") for _ in range(3)]
    cells = [split_ucr_line(line) for line in lines if line.strip()]
    return bool(cells) and all(len(row) >= 8 and all(map(_is_number, row[1:])) for row in cells)


def _in_precision(examples: Sequence[NDArray[np.floating[Any]]]) -> list[NDArray[np.floating[Any]]]:
    """Examples in float32, or in float64 where float32 would round away what varies beside a large offset."""
    some = examples[:: -(-len(examples) // _SAMPLE_EXAMPLES)]
    for channel in range(len(examples[0])):
        values = np.concatenate([example[channel] for example in some if len(example) > channel])
        if needs_centring(values[np.isfinite(values)]):
            return [example.astype(np.float64, copy=False) for example in examples]
    return [example.astype(np.float32, copy=False) for example in examples]


def _as_answers(answers: Sequence[str], as_classes: bool) -> NDArray[Any]:
    if as_classes:
        return np.array(answers, dtype=str)
    try:
        return np.array([float(answer) for answer in answers])
    except ValueError as error:
        raise DataError(
            f"An answer is no number ({printable(str(error))}): these files give classes."
        ) from error


def _in_numeric_order(codes: NDArray[np.int64], target: Classes) -> tuple[NDArray[np.int64], Classes]:
    """Classes that are all numbers are sorted as numbers, so that 10 comes after 9."""
    if not all(_is_number(name) for name in target.names):
        return codes, target
    order = sorted(range(target.size), key=lambda place: float(target.names[place]))
    rank = np.empty(target.size, np.int64)
    rank[order] = np.arange(target.size)
    return rank[codes], Classes(names=tuple(target.names[place] for place in order))


def _pair_in_folder(folder: Path) -> dict[str, Path]:
    found = sorted(
        file for file in folder.iterdir() if file.suffix.lower() in SERIES_ENDINGS and file.is_file()
    )
    pairs = {}
    for file in found:
        files = series_files_of(file)
        if "test" in files:
            pairs[files["train"]] = files
    if len(pairs) > 1:
        by_ending = [files for train, files in pairs.items() if train.suffix.lower() == ".ts"]
        of_folder = [files for train, files in pairs.items() if _common_stem(train) == folder.name]
        chosen = [files for files in by_ending if files in of_folder] or (
            of_folder if len(of_folder) == 1 else by_ending
        )
        if len(chosen) != 1:
            listed = ", ".join(f"'{printable(train.name)}'" for train in list(pairs)[:5])
            raise DataError(
                f"The folder holds {len(pairs)} pairs of series ({listed}): name one of the files."
            )
        return chosen[0]
    if pairs:
        return next(iter(pairs.values()))
    alone = [file for file in found if file.suffix.lower() == ".ts"]
    return {"all": alone[0]} if len(alone) == 1 else {}


def _new_series_files(path: Path) -> list[SeriesFile]:
    """New data: the one file that is named, or the files of a folder."""
    if not path.is_dir():
        return [read_series_file(path)]
    files = series_files_of(path)
    if not files:
        raise DataError(f"The folder '{printable(path.name)}' holds no .ts or UCR file: name a file.")
    return [read_series_file(file) for file in files.values()]


def _common_stem(file: Path) -> str:
    match = _PAIR.match(file.stem)
    return match["stem"] if match and match["stem"] else file.stem


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
