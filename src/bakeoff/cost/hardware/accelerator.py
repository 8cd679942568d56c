"""What a convolution layer costs on an accelerator: cycles, use of its multipliers, traffic to DRAM and to the buffer.

An accelerator is a grid of multipliers with a buffer on the chip. What stays in place while the others stream by is
its dataflow. The models below follow from the loops and the grid alone; nothing is fitted to a measurement.
"""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from importlib.resources import files
from math import ceil
from pathlib import Path

from bakeoff.cost.hardware.convolution import ConvolutionLayer
from bakeoff.errors import CostError, printable, suggest
from bakeoff.messages import say
from bakeoff.system.files import refuse_special


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """A chip, as a TOML file describes it; sizes in bytes and words, the clock in Hz."""

    name: str
    source: str
    dataflow: str
    rows: int
    columns: int
    clock_hz: float
    word_bytes: int
    buffer_bytes: int
    input_words: int = 0
    filter_words: int = 0
    sum_words: int = 0

    @property
    def multipliers(self) -> int:
        return self.rows * self.columns


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """How a layer lies on the grid.

    Attributes:
        active_multipliers: those at work in a full pass.
        compute_cycles: with passes that are not full at the layer's edges.
        fill_cycles: for the values of each pass to reach the far corner of the grid.
        buffer_words: between the buffer and the grid: inputs, filters, and partial sums to and fro.
        description: the mapping in words.
    """

    active_multipliers: int
    compute_cycles: int
    fill_cycles: int
    buffer_words: int
    description: str


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """What the buffer holds at a time, and the DRAM traffic that follows, in words."""

    examples: int
    filters: int
    output_rows: int
    input_words: int
    filter_words: int
    output_words: int

    @property
    def words(self) -> int:
        return self.input_words + self.filter_words + self.output_words


@dataclass(frozen=True, kw_only=True)
class AcceleratorCost:
    """A layer on an accelerator. `seconds` is `cycles` at the chip's clock; `use` is MACs a multiplier and cycle."""

    accelerator: str
    dataflow: str
    active_multipliers: int
    multipliers: int
    cycles: int
    seconds: float
    ideal_seconds: float
    use: float
    dram_bytes: int
    buffer_bytes: int
    tiling: Tiling
    description: str


#: What a multiplier keeps by itself may be nothing; of all else there is at least 1, and no chip has more than `_MOST`.
_LEAST = {"input_words": 0, "filter_words": 0, "sum_words": 0}
_MOST = 10**15
_KINDS: dict[object, str] = {str: "text", int: "a whole number", float: "a number"}
DATAFLOWS = ("weight-stationary", "output-stationary", "row-stationary")


def accelerators() -> tuple[str, ...]:
    """Names of the chips that come with bakeoff."""
    folder = files("bakeoff.cost.hardware") / "accelerators"
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    )


def load_accelerator(name: str) -> Accelerator:
    """A chip by its name, or by the path of a TOML file with the fields of `Accelerator`.

    Raises:
        CostError: there is no such chip or file, or a field is missing, unknown or out of its range.
    """
    path = Path(name)
    refuse_special(path, CostError)
    if name in accelerators():
        text = (files("bakeoff.cost.hardware") / "accelerators" / f"{name}.toml").read_text(encoding="utf-8")
    elif path.suffix == ".toml" and path.is_file():
        text = _text_of(path)
    else:
        raise CostError(
            f"There is no accelerator '{name}', and no TOML file of that name. {suggest(name, accelerators())}"
        )
    try:
        record = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = printable(str(error), most=200)
        raise CostError(
            f"The accelerator file '{printable(name)}' is no TOML ({reason}): mend it."
        ) from error
    known = {field.name for field in fields(Accelerator)}
    missing = {"name", "dataflow", "rows", "columns", "clock_hz", "word_bytes", "buffer_bytes"} - set(record)
    if missing or set(record) - known:
        wrong = (
            f"lacks {sorted(missing)}" if missing else f"has the unknown fields {sorted(set(record) - known)}"
        )
        raise CostError(f"The accelerator file '{printable(name)}' {wrong}; its fields are {sorted(known)}.")
    return _checked(Accelerator(**{"source": "", **record}), name)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = printable(str(error), most=200)
        raise CostError(
            f"'{printable(str(path))}' cannot be read as text in UTF-8 ({reason}): save it so."
        ) from error


def _checked(chip: Accelerator, name: str) -> Accelerator:
    shown = printable(name)
    for field in fields(Accelerator):
        value = getattr(chip, field.name)
        needed = _KINDS[field.type]
        is_one = isinstance(value, (int, float) if field.type is float else field.type)  # type: ignore[arg-type]
        if not is_one or isinstance(value, bool):
            raise CostError(
                f"The accelerator '{shown}' has {field.name} = {printable(repr(value))}: it must be {needed}."
            )
        least = _LEAST.get(field.name, 1)
        if field.type is not str and not least <= value <= _MOST:
            raise CostError(
                f"The accelerator '{shown}' has {field.name} = {value}: it must be from {least} to {_MOST:.0e}."
            )
    if chip.dataflow not in DATAFLOWS:
        raise CostError(
            f"The dataflow '{printable(chip.dataflow)}' of '{printable(name)}' is unknown. "
            f"{suggest(chip.dataflow, DATAFLOWS)}"
        )
    return chip


def cost_on(layer: ConvolutionLayer, chip: Accelerator) -> AcceleratorCost:
    """Cycles, use and traffic of a layer on a chip.

    Time is that of the multipliers, filling the grid included. Left out: waits for DRAM, loading filters into the
    grid, and control; real chips are slower by these. Values in DRAM are not compressed.

    Source: Chen et al., Eyeriss, JSSC 2017, for the row-stationary mapping (strips, folding, replication).
    """
    mapping = _MAPPINGS[chip.dataflow](layer, chip)
    tiling = best_tiling(layer, chip)
    cycles = mapping.compute_cycles + mapping.fill_cycles
    return AcceleratorCost(
        accelerator=chip.name,
        dataflow=chip.dataflow,
        active_multipliers=mapping.active_multipliers,
        multipliers=chip.multipliers,
        cycles=cycles,
        seconds=cycles / chip.clock_hz,
        ideal_seconds=layer.macs / mapping.active_multipliers / chip.clock_hz,
        use=layer.macs / cycles / chip.multipliers,
        dram_bytes=tiling.words * chip.word_bytes,
        buffer_bytes=mapping.buffer_words * chip.word_bytes,
        tiling=tiling,
        description=mapping.description,
    )


# --- how a layer lies on the grid ---------------------------------------------------------------------------------


def _weight_stationary(layer: ConvolutionLayer, chip: Accelerator) -> Mapping:
    """Weights stay: C*R*S go down the rows, filters across the columns; inputs stream through."""
    inner, columns = layer.output_reuse, layer.filters // layer.groups
    folds, groups = ceil(inner / chip.rows), ceil(columns / chip.columns)
    tiles, places = folds * groups * layer.groups, layer.filter_reuse
    inputs = places * inner * groups * layer.groups
    sums = layer.output_values * (2 * folds - 1)
    return Mapping(
        active_multipliers=min(inner, chip.rows) * min(columns, chip.columns),
        compute_cycles=tiles * places,
        fill_cycles=tiles * (chip.rows + chip.columns - 2),
        buffer_words=inputs + layer.filter_values + sums,
        description=say("cost.weight_stationary", tiles=tiles, places=places),
    )


def _output_stationary(layer: ConvolutionLayer, chip: Accelerator) -> Mapping:
    """Partial sums stay: output places go down the rows, filters across the columns; the others stream through."""
    places, columns = layer.filter_reuse, layer.filters // layer.groups
    down, across = ceil(places / chip.rows), ceil(columns / chip.columns)
    tiles = down * across * layer.groups
    words = (
        places * layer.output_reuse * across * layer.groups + layer.filter_values * down + layer.output_values
    )
    return Mapping(
        active_multipliers=min(places, chip.rows) * min(columns, chip.columns),
        compute_cycles=tiles * layer.output_reuse,
        fill_cycles=tiles * (chip.rows + chip.columns - 2),
        buffer_words=words,
        description=say("cost.output_stationary", tiles=tiles, products=layer.output_reuse),
    )


@dataclass(frozen=True, kw_only=True)
class _Strips:
    """A set of R x E multipliers, cut into strips of so many output rows, on so many slots of the grid."""

    folds: int
    strip: int
    strips: int
    slots: int

    @property
    def copies(self) -> int:
        """Sets side by side, for other filters or channels, where all strips fit at once."""
        return max(1, self.slots // self.strips)

    @property
    def passes(self) -> int:
        """How many times the grid must be filled for one set."""
        return ceil(self.strips / self.slots)


def _row_stationary(layer: ConvolutionLayer, chip: Accelerator) -> Mapping:
    """Rows stay: multiplier (r, e) slides filter row r over an input row, for output row e.

    A set of R x E multipliers makes one output plane of one channel. Strips of it lie side by side and one above the
    other; what is left of the grid holds copies for other filters and channels.
    """
    height, width = layer.kernel_height, layer.output_height
    options = list(_strip_options(height, width, chip))
    best = min(options, key=lambda option: (option.passes * option.folds / option.copies, option.strips))
    rows_used = ceil(height / best.folds)
    full = best.copies * width if best.passes == 1 else min(best.slots * best.strip, width)
    active = rows_used * full
    sets = layer.batch * layer.filters * layer.channels_per_filter
    filters, channels = _interleaved(layer, chip)
    per_row = layer.output_width * layer.kernel_width
    grid_passes = ceil(sets / best.copies) * best.passes * best.folds
    interleaved = ceil(grid_passes / (filters * channels))
    channel_groups = ceil(layer.channels_per_filter / (channels * best.copies))
    words = (
        layer.input_values * ceil(layer.filters / layer.groups / (filters * best.copies))
        + layer.filter_values * layer.batch * best.passes
        + layer.output_values * (2 * channel_groups - 1)
    )
    return Mapping(
        active_multipliers=active,
        compute_cycles=grid_passes * per_row,
        fill_cycles=interleaved * (rows_used + min(best.strip, chip.columns)),
        buffer_words=words,
        description=say(
            "cost.row_stationary",
            strips=best.strips,
            rows=rows_used,
            strip=best.strip,
            planes=best.copies,
            passes=best.passes,
            filters=filters,
            channels=channels,
        ),
    )


def _strip_options(height: int, width: int, chip: Accelerator) -> Iterator[_Strips]:
    folds = ceil(height / chip.rows)
    for strip in range(1, min(width, chip.columns) + 1):
        slots = (chip.rows // ceil(height / folds)) * (chip.columns // strip)
        yield _Strips(folds=folds, strip=strip, strips=ceil(width / strip), slots=slots)


def _interleaved(layer: ConvolutionLayer, chip: Accelerator) -> tuple[int, int]:
    """Filters and channels whose rows a multiplier keeps at a time, as its own memory allows."""
    width = layer.kernel_width
    channels = max(1, min(layer.channels_per_filter, chip.input_words // width))
    most = min(chip.sum_words, chip.filter_words // (channels * width))
    filters = layer.filters // layer.groups
    return max([d for d in range(1, min(most, filters) + 1) if filters % d == 0], default=1), channels


_MAPPINGS: dict[str, Callable[[ConvolutionLayer, Accelerator], Mapping]] = {
    "weight-stationary": _weight_stationary,
    "output-stationary": _output_stationary,
    "row-stationary": _row_stationary,
}


# --- what the buffer holds ----------------------------------------------------------------------------------------


def best_tiling(layer: ConvolutionLayer, chip: Accelerator) -> Tiling:
    """The tiles of examples, filters and output rows with the least DRAM traffic among those that fit the buffer.

    The buffer holds the partial sums of a tile and the input rows of one channel that it needs. Inputs are read again
    for each tile of filters, and their rows at the borders of a tile twice; filters are read again for each tile of
    examples and rows; outputs are written once.

    Raises:
        CostError: not even the smallest tile fits.
    """
    capacity = chip.buffer_bytes // chip.word_bytes
    options = [tiling for tiling, held in _tilings(layer) if held <= capacity]
    if not options:
        raise CostError(
            f"One output row of this layer does not fit the buffer of {chip.buffer_bytes} bytes of {chip.name}: give "
            "an accelerator with a larger buffer."
        )
    return min(options, key=lambda tiling: tiling.words)


def _tilings(layer: ConvolutionLayer) -> Iterator[tuple[Tiling, int]]:
    filters = layer.filters // layer.groups
    for examples in _divisors(layer.batch):
        for kept in _divisors(filters):
            for rows in range(1, layer.output_height + 1):
                strips = ceil(layer.output_height / rows)
                seen = min(layer.height, (rows - 1) * layer.stride + layer.kernel_height)
                held = examples * (kept * rows * layer.output_width + seen * layer.width)
                read = _rows_read(layer, rows) * layer.width * layer.channels * layer.batch
                yield (
                    Tiling(
                        examples=examples,
                        filters=kept,
                        output_rows=rows,
                        input_words=read * (filters // kept),
                        filter_words=layer.filter_values * (layer.batch // examples) * strips,
                        output_words=layer.output_values,
                    ),
                    held,
                )


def _rows_read(layer: ConvolutionLayer, rows: int) -> int:
    """Input rows read for one plane, cut into strips of so many output rows: those at the borders more than once."""
    total = 0
    for first in range(0, layer.output_height, rows):
        last = min(first + rows, layer.output_height) - 1
        top = max(0, first * layer.stride - layer.padding)
        bottom = min(layer.height, last * layer.stride - layer.padding + layer.kernel_height)
        total += max(0, bottom - top)
    return total


def _divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]
