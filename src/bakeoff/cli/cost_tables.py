"""How `bakeoff cost` shows its records: Rich tables and sentences."""

from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from bakeoff.cost import Cost
from bakeoff.cost.comparison import BAR_FIELDS, Contestant, bar_figure
from bakeoff.cost.hardware.accelerator import AcceleratorCost
from bakeoff.cost.hardware.convolution import ConvolutionLayer
from bakeoff.cost.hardware.roofline import Bound
from bakeoff.cost.record import LayerCost
from bakeoff.errors import CostError
from bakeoff.messages import say

#: Layers shown without --all: the costliest.
LAYERS_SHOWN = 20
_SHORTEST_NAME = 20


def amount(number: float, unit: str = "") -> str:
    """A number with three digits that count and a decimal prefix.

    >>> amount(4_089_184_256), amount(999), amount(62_378_344, "B")
    ('4.09 G', '999', '62.4 MB')
    """
    for power, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= power:
            return f"{number / power:#.3g}".rstrip(".") + f" {prefix}{unit}"
    return f"{number:g}" + (f" {unit}" if unit else "")


def seconds(value: float) -> str:
    """A time in the unit that fits it.

    >>> seconds(0.0123), seconds(2.5e-6)
    ('12.3 ms', '2.50 µs')
    """
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= scale:
            return f"{value / scale:#.3g}".rstrip(".") + f" {unit}"
    return f"{value / 1e-9:#.3g}".rstrip(".") + " ns"


def show_cost(name: str, shape: str, cost: Cost, *, train: bool, every: bool, bound: Bound | None) -> None:
    """The layers as a table, then the sums as sentences."""
    ranked = sorted(cost.layers, key=lambda layer: -layer.flops)
    chosen = {layer.name for layer in (cost.layers if every else ranked[:LAYERS_SHOWN])}
    layers = [layer for layer in cost.layers if layer.name in chosen]
    console = _console()
    columns, left_out = fitted(_layer_columns(layers, train, bound), console.width)
    table = _table(say("cost.title", name=name, shape=shape))
    for key, cells in columns.items():
        left = key in ("layer", "type", "out")
        head = _head(key, cells) if left_out else say(f"cost.{key}")
        table.add_column(head, justify="left" if left else "right", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    console.print(table)
    if left_out:
        print(say("cost.left_out", columns=", ".join(say(f"cost.{key}") for key in left_out)))
    if len(layers) < len(cost.layers):
        share = sum(layer.share for layer in cost.layers if layer.name not in chosen)
        print(say("cost.more_layers", count=len(cost.layers) - len(layers), share=share))
    show_sums(cost)


def _layer_columns(layers: Sequence[LayerCost], train: bool, bound: Bound | None) -> dict[str, list[str]]:
    columns = {
        "layer": [layer.name or "-" for layer in layers],
        "type": [layer.type for layer in layers],
        "out": [_shape(layer.output_shapes) for layer in layers],
        "parameters_short": [f"{layer.parameters:,}" for layer in layers],
        "macs_short": [amount(layer.macs) for layer in layers],
        "flops_short": [amount(layer.flops) for layer in layers],
    }
    if train:
        columns["training_short"] = [amount(layer.training_flops) for layer in layers]
        columns["activations_short"] = [amount(layer.activation_bytes, "B") for layer in layers]
    columns["share"] = [f"{layer.share:.1%}" for layer in layers]
    if bound is not None:
        times = {layer.name: layer for layer in bound.layers}
        columns["least_time"] = [
            seconds(times[layer.name].seconds) + (" *" if times[layer.name].bound_by_memory else "  ")
            for layer in layers
        ]
    return columns


def fitted(columns: dict[str, list[str]], width: int) -> tuple[dict[str, list[str]], list[str]]:
    """The columns as a window of so many characters takes them, and the names of those left out.

    Types go first, then shapes; then names of layers lose their beginning, which their neighbours share; then the
    figures of the training pass go.
    """
    shown = dict(columns)
    left_out: list[str] = []
    for key in ("type", "out"):
        if _width(shown, split=bool(left_out)) > width:
            del shown[key]
            left_out.append(key)
    if left_out:
        shown["layer"] = _shortened(shown, width)
    for key in ("activations_short", "training_short"):
        if key in shown and _width(shown, split=True) > width and left_out:
            del shown[key]
            left_out.append(key)
            shown["layer"] = _shortened({**shown, "layer": columns["layer"]}, width)
    return shown, left_out


def _shortened(columns: dict[str, list[str]], width: int) -> list[str]:
    """Names of layers, without their beginning where there is no room for it."""
    others = _width({key: cells for key, cells in columns.items() if key != "layer"}, split=True) + 2
    room = max(_SHORTEST_NAME, width - others)
    return [name if len(name) <= room else "\u2026" + name[1 - room :] for name in columns["layer"]]


def _width(columns: dict[str, list[str]], *, split: bool) -> int:
    """With two spaces between; heads of several words stand on several lines where they are split."""
    wide = []
    for key, cells in columns.items():
        head = _head(key, cells) if split else say(f"cost.{key}")
        wide.append(max(map(cell_len, [*head.split("\n"), *cells])))
    return sum(wide) + 2 * (len(wide) - 1)


def _head(key: str, cells: list[str]) -> str:
    """The name of a column; on two lines where that makes it narrower."""
    head = say(f"cost.{key}")
    return head.replace(" ", "\n") if len(head) > max(map(len, cells), default=0) else head


def show_sums(cost: Cost) -> None:
    """Parameters, operations and memory of the whole network, as sentences."""
    print(
        say(
            "cost.parameters",
            parameters=f"{cost.parameters:,}",
            trainable=f"{cost.trainable_parameters:,}",
            frozen=f"{cost.frozen_parameters:,}",
            size=amount(cost.parameter_bytes, "B"),
        )
    )
    print(say("cost.forward", macs=f"{cost.macs:,}", flops=f"{cost.flops:,}"))
    ratio = cost.training_flops / cost.flops if cost.flops else 0.0
    print(say("cost.training", flops=f"{cost.training_flops:,}", ratio=ratio))
    print(say("cost.activations", size=amount(cost.activation_bytes, "B")))
    print(say("cost.inference_memory", size=amount(cost.peak_inference_bytes, "B")))
    peaks = {name: amount(size, "B") for name, size in cost.peak_training_bytes.items()}
    print(say("cost.training_memory", **peaks))


def show_bound(bound: Bound) -> None:
    """The least time, as a sentence."""
    print(
        say(
            "cost.bound",
            machine=bound.machine,
            format=bound.number_format,
            seconds=seconds(bound.seconds),
            training=seconds(bound.training_seconds),
            share=bound.memory_share,
        )
    )


def show_convolution(layer: ConvolutionLayer) -> None:
    """The loops, the values and their reuse, and the matrix product."""
    title = say(
        "cost.conv_title",
        batch=layer.batch,
        input=f"{layer.channels}x{layer.height}x{layer.width}",
        filters=layer.filters,
        kernel=f"{layer.kernel_height}x{layer.kernel_width}",
        stride=layer.stride,
        padding=layer.padding,
    )
    loops = _table(title)
    for head, justify in (("conv_loop", "left"), ("conv_over", "left"), ("conv_bound", "right")):
        loops.add_column(say(f"cost.{head}"), justify="right" if justify == "right" else "left")
    for depth, loop in enumerate(layer.loops):
        over = say(f"cost.conv_loop.{loop.letter}")
        loops.add_row("  " * depth + f"for {loop.letter.lower()} in {loop.letter}", over, f"{loop.bound:,}")
    _print(loops)
    print(say("cost.conv_macs", macs=f"{layer.macs:,}"))
    output = f"{layer.batch}x{layer.filters}x{layer.output_height}x{layer.output_width}"
    names = (
        "height",
        "width",
        "padding",
        "stride",
        "kernel_height",
        "kernel_width",
        "output_height",
        "output_width",
    )
    print(say("cost.conv_output", output=output, **{name: getattr(layer, name) for name in names}))
    values = _table(None)
    for head in ("", say("cost.conv_data"), "float32", say("cost.conv_reuse")):
        values.add_column(head, justify="right" if head else "left")
    for key, count, reuse in (
        ("conv_inputs", layer.input_values, layer.input_reuse),
        ("conv_filters", layer.filter_values, layer.filter_reuse),
        ("conv_outputs", layer.output_values, layer.output_reuse),
    ):
        values.add_row(
            say(f"cost.{key}"), f"{count:,}", amount(4 * count, "B"), f"{reuse:,.1f}".removesuffix(".0")
        )
    _print(values)
    product = layer.as_matrix_product()
    groups = say("cost.conv_groups", groups=product.groups) if product.groups > 1 else ""
    sizes = {"rows": product.rows, "inner": product.inner, "columns": product.columns}
    size = amount(product.unfolded_bytes, "B")
    print(say("cost.conv_matrix", **sizes, groups=groups, size=size, times=product.times_the_input))


def show_accelerator(cost: AcceleratorCost) -> None:
    """Time, use and traffic on the chip."""
    print(
        say(
            "cost.chip_time",
            name=cost.accelerator,
            dataflow=cost.dataflow,
            cycles=f"{cost.cycles:,}",
            seconds=seconds(cost.seconds),
            active=cost.active_multipliers,
            multipliers=cost.multipliers,
            use=cost.use,
        )
    )
    print(cost.description)
    print(say("cost.chip_traffic", dram=amount(cost.dram_bytes, "B"), buffer=amount(cost.buffer_bytes, "B")))


def show_comparison(
    images: Sequence[Contestant], stacks: Sequence[Contestant], *, shape: str, hidden: int, batch: int
) -> str:
    """Both comparisons as tables; returns the title of the first."""
    title = say("cost.compare_image", shape=shape, hidden=hidden, batch=batch)
    _show_contestants(title, images)
    by_name = {contestant.name: contestant.cost for contestant in images}
    last = [layer for layer in by_name["CNN"].layers if layer.type == "Linear"][-1]
    mlp = by_name["MLP"].parameters
    print(
        say(
            "cost.compare_linear",
            values=f"{last.input_shapes[0][-1]:,}",
            parameters=f"{last.parameters:,}",
            mlp=f"{mlp:,}",
            fewer=1 - last.parameters / mlp,
        )
    )
    _show_contestants(say("cost.compare_stacks", batch=batch), stacks)
    return title


def _show_contestants(title: str, contestants: Sequence[Contestant]) -> None:
    table = _table(title)
    table.add_column(say("cost.network"))
    table.add_column(say("cost.layer"), max_width=48)
    for head in ("parameters_short", "weights_size", "macs_short", "activations_short"):
        table.add_column(say(f"cost.{head}"), justify="right", no_wrap=True)
    for contestant in contestants:
        cost = contestant.cost
        table.add_row(
            contestant.name,
            contestant.description,
            f"{cost.parameters:,}",
            amount(cost.parameter_bytes, "B"),
            amount(cost.macs),
            amount(cost.activation_bytes, "B"),
        )
    _print(table)


def write_chart(path: Path, title: str, contestants: tuple[Contestant, ...]) -> None:
    """The bars as one HTML file or one PNG. Raises `CostError` where it cannot be written."""
    try:
        if path.suffix == ".html":
            bar_figure(contestants, title).write_html(
                path, include_plotlyjs=True, config={"responsive": True}
            )
        else:
            from bakeoff.report.content.bar_image import write_bars

            series = {
                label: [getattr(entry.cost, field) for entry in contestants]
                for field, label in BAR_FIELDS.items()
            }
            write_bars(path, title, [entry.name for entry in contestants], series)
    except OSError as error:
        raise CostError(f"'{path}' cannot be written ({error.strerror}): give another file.") from error
    print(say("cost.written", path=path))


def _table(title: str | None) -> Table:
    return Table(title=title, title_justify="left", box=None, pad_edge=False)


def _print(table: Table) -> None:
    _console().print(table)


def _console() -> Console:
    """As wide as the terminal; 160 characters where the output goes into a file."""
    console = Console(soft_wrap=False, highlight=False)
    return console if console.is_terminal else Console(width=160, highlight=False)


def _shape(shapes: tuple[tuple[int, ...], ...]) -> str:
    return "x".join(map(str, shapes[0])) if shapes else ""
