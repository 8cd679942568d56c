"""`bakeoff cost`: what a network costs, one convolution in depth, and layer against layer."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bakeoff.errors import CostError


class _NetworkByDefault(TyperGroup):
    """`bakeoff cost resnet50` is `bakeoff cost network resnet50`; `--machine` without a name is this machine."""

    def parse_args(self, context: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["network", *args]
        return list(super().parse_args(context, _with_machine_named(args)))


def _with_machine_named(args: list[str]) -> list[str]:
    if "--machine" not in args:
        return args
    from bakeoff.cost.hardware.roofline import machines

    place = args.index("--machine") + 1
    follows = args[place] if place < len(args) else "-"
    names_one = follows in ("this", *machines()) or (place == len(args) - 1 and not follows.startswith("-"))
    return args if names_one else [*args[:place], "this", *args[place:]]


app = typer.Typer(
    cls=_NetworkByDefault, no_args_is_help=True, help="What a network costs, before a single step is trained."
)

_Json = Annotated[Path | None, typer.Option("--json", help="Write the whole record to this file.")]
_Batch = Annotated[int, typer.Option(help="Examples at a time.")]


@app.command(name="network")
def network(
    model: Annotated[
        str, typer.Argument(help="A name of the catalogue, file.py:NAME or package.module:NAME.")
    ],
    input: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="One example: 3x224x224, 1x140, 512; tokens: 128; a graph: nodes x features x edges.",
        ),
    ] = None,
    batch: _Batch = 1,
    train: Annotated[
        bool, typer.Option("--train", help="Show the training pass for each layer too.")
    ] = False,
    json_file: _Json = None,
    machine: Annotated[
        str | None, typer.Option(help="Least time on: this (default), h100, a100, ...")
    ] = None,
    number_format: Annotated[
        str, typer.Option("--format", help="Number format of the time bound.")
    ] = "float32",
    classes: Annotated[int | None, typer.Option(help="Outputs of a network of the catalogue.")] = None,
    vocabulary: Annotated[int | None, typer.Option(help="Size of the vocabulary, for tokens.")] = None,
    width: Annotated[int | None, typer.Option(help="The network's dial.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Show every layer.")] = False,
) -> None:
    """What a network costs: parameters, arithmetic, memory, and with --machine the least time."""
    from bakeoff.api.cost import cost as cost_of_network
    from bakeoff.cli.cost_tables import show_bound, show_cost
    from bakeoff.messages import say

    found = cost_of_network(
        model, input=input, batch=batch, machine=machine, number_format=number_format, classes=classes,
        vocabulary=vocabulary, width=width,
    )  # fmt: skip
    shape = "x".join(map(str, found.shape))
    show_cost(model, shape, found.cost, train=train, every=every, bound=found.bound)
    if found.assumed_edges is not None:
        print(say("cost.assumed_edges", edges=f"{found.assumed_edges:,}"))
    if found.bound is not None:
        show_bound(found.bound)
    if json_file is not None:
        _write_json(json_file, found.to_json())


@app.command(name="conv")
def conv(
    input: Annotated[str, typer.Option("--input", help="Channels x height x width: 3x227x227.")],
    filters: Annotated[int, typer.Option(help="How many filters.")],
    kernel: Annotated[str, typer.Option(help="Height x width of a filter: 11x11.")],
    stride: Annotated[int, typer.Option(help="Step of the filter.")] = 1,
    padding: Annotated[int, typer.Option(help="Zeros around the input.")] = 0,
    groups: Annotated[int, typer.Option(help="Groups that do not see each other's channels.")] = 1,
    batch: _Batch = 1,
    accelerator: Annotated[
        str | None, typer.Option(help="eyeriss, tpu_v1, shidiannao, or a TOML file.")
    ] = None,
    json_file: _Json = None,
) -> None:
    """One convolution layer in depth: its seven loops, the reuse of each value, and its cost on an accelerator."""
    from dataclasses import asdict

    from bakeoff.api.cost import parse_sizes
    from bakeoff.cli.cost_tables import show_accelerator, show_convolution
    from bakeoff.cost.hardware.accelerator import cost_on, load_accelerator
    from bakeoff.cost.hardware.convolution import ConvolutionLayer

    channels, height, width = parse_sizes(input, 3, "--input", "CxHxW")
    kernel_height, kernel_width = parse_sizes(kernel, 2, "--kernel", "RxS")
    layer = ConvolutionLayer(
        batch=batch, channels=channels, height=height, width=width, filters=filters, kernel_height=kernel_height,
        kernel_width=kernel_width, stride=stride, padding=padding, groups=groups,
    )  # fmt: skip
    chip = load_accelerator(accelerator) if accelerator else None
    on_chip = cost_on(layer, chip) if chip else None
    show_convolution(layer)
    if on_chip is not None:
        show_accelerator(on_chip)
    if json_file is not None:
        record = {
            "layer": asdict(layer),
            "loops": [asdict(loop) for loop in layer.loops],
            "macs": layer.macs,
            "matrix_product": asdict(layer.as_matrix_product()),
            "accelerator": asdict(on_chip) if on_chip else None,
        }
        _write_json(json_file, record)


@app.command(name="compare")
def compare(
    input: Annotated[str, typer.Option("--input", help="The image: CxHxW.")] = "3x500x500",
    hidden: Annotated[int, typer.Option(help="Features that each network makes of it.")] = 256,
    batch: _Batch = 1,
    out: Annotated[Path | None, typer.Option(help="Bars as an .html or .png file.")] = None,
    json_file: _Json = None,
) -> None:
    """The same job as MLP, CNN, RNN and Transformer at one hidden size, and three layers of each kind."""
    from bakeoff.api.cost import parse_sizes
    from bakeoff.cli.cost_tables import show_comparison, write_chart
    from bakeoff.cost.comparison import image_comparison, stack_comparison

    if out is not None and out.suffix not in (".html", ".png"):
        raise CostError(f"--out is '{out}': the bars can be written as .html or .png.")
    channels, height, width = parse_sizes(input, 3, "--input", "CxHxW")
    images = image_comparison((channels, height, width), hidden, batch)
    stacks = stack_comparison(batch=batch)
    title = show_comparison(images, stacks, shape=input, hidden=hidden, batch=batch)
    if out is not None:
        write_chart(out, title, images)
    if json_file is not None:
        _write_json(json_file, {entry.name: entry.cost.to_json() for entry in (*images, *stacks)})


def _write_json(path: Path, record: dict[str, Any]) -> None:
    from bakeoff.messages import say
    from bakeoff.system.files import write_json

    write_json(path, record)
    print(say("cost.written", path=path))
