"""`bakeoff cost`: what a network costs, one convolution in depth, and layer against layer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from bakeoff.errors import CostError

if TYPE_CHECKING:
    from torch import nn

    from bakeoff.cost import Cost


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
        str | None, typer.Option("--input", help="One example: 3x224x224, 1x140, 512; tokens: 128.")
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
    from bakeoff.cli.cost_tables import show_bound, show_cost
    from bakeoff.cost.hardware.roofline import bound_on, peaks_of

    cost, shape = _cost(model, input, batch, classes, vocabulary, width)
    bound = bound_on(cost, peaks_of(machine), number_format) if machine else None
    show_cost(model, shape, cost, train=train, every=every, bound=bound)
    if bound is not None:
        show_bound(bound)
    if json_file is not None:
        record = cost.to_json()
        if bound is not None:
            from dataclasses import asdict

            record["bound"] = asdict(bound)
        _write_json(json_file, record)


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

    from bakeoff.cli.cost_tables import show_accelerator, show_convolution
    from bakeoff.cost.hardware.accelerator import cost_on, load_accelerator
    from bakeoff.cost.hardware.convolution import ConvolutionLayer

    channels, height, width = _sizes(input, 3, "--input", "CxHxW")
    kernel_height, kernel_width = _sizes(kernel, 2, "--kernel", "RxS")
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
    from bakeoff.cli.cost_tables import show_comparison, write_chart
    from bakeoff.cost.comparison import image_comparison, stack_comparison

    if out is not None and out.suffix not in (".html", ".png"):
        raise CostError(f"--out is '{out}': the bars can be written as .html or .png.")
    channels, height, width = _sizes(input, 3, "--input", "CxHxW")
    images = image_comparison((channels, height, width), hidden, batch)
    stacks = stack_comparison(batch=batch)
    title = show_comparison(images, stacks, shape=input, hidden=hidden, batch=batch)
    if out is not None:
        write_chart(out, title, images)
    if json_file is not None:
        _write_json(json_file, {entry.name: entry.cost.to_json() for entry in (*images, *stacks)})


def _cost(
    model: str, text: str | None, batch: int, classes: int | None, vocabulary: int | None, width: int | None
) -> "tuple[Cost, str]":
    from bakeoff import models
    from bakeoff.cost import cost_of, example_inputs
    from bakeoff.cost.failures import ValuesNeededError
    from bakeoff.cost.inputs import check_shape

    card = models.card(model)
    own = ":" in model
    if own and text is None:
        raise CostError("A network of your own needs --input, the shape of one example, such as 3x224x224.")
    sizes = check_shape(_sizes(text, None, "--input", "3x224x224")) if text else None
    if batch < 1:
        raise CostError(f"--batch is {batch}: there must be at least 1 example.")
    schema = _schema(card, sizes, classes, vocabulary)
    network = _built(card, schema, width)
    # What a network of one's own takes is tried out, numbers or tokens, unless --vocabulary says that it is tokens.
    inputs = ((batch, *sizes),) if own and sizes and vocabulary is None else example_inputs(schema, batch)
    shape = "x".join(map(str, (batch, *schema.input.shape)))
    try:
        return cost_of(network, *inputs), shape
    except ValuesNeededError:  # its control flow depends on its data
        return cost_of(models.build(card, schema, width=width), *inputs), shape


def _schema(card: Any, sizes: tuple[int, ...] | None, classes: int | None, vocabulary: int | None) -> Any:
    """What one example is: the card's own example, changed where the person says so."""
    from dataclasses import replace

    from bakeoff.data.schema import Classes, Graph, Image, Series, Table, Tokens

    schema = card.example
    if classes is not None:
        if classes < 1:
            raise CostError(f"--classes is {classes}: there must be at least 1.")
        schema = replace(schema, target=Classes(names=tuple(map(str, range(classes)))))
    if vocabulary is not None and vocabulary < 1:
        raise CostError(f"--vocabulary is {vocabulary}: there must be at least 1.")
    if sizes is None:
        return schema
    if len(sizes) == 3:
        return replace(schema, input=Image(channels=sizes[0], height=sizes[1], width=sizes[2]))
    if len(sizes) == 2 and isinstance(schema.input, Graph):
        return replace(schema, input=Graph(nodes=sizes[0], features=sizes[1]))
    if len(sizes) == 2:
        return replace(schema, input=Series(channels=sizes[0], length=sizes[1]))
    if len(sizes) == 1 and (vocabulary is not None or isinstance(schema.input, Tokens)):
        known = schema.input.vocabulary_size if isinstance(schema.input, Tokens) else 0
        return replace(schema, input=Tokens(vocabulary_size=vocabulary or known, length=sizes[0]))
    if len(sizes) == 1:
        return replace(schema, input=Table(features=sizes[0]))
    raise CostError(
        f"--input has {len(sizes)} sizes: an image has 3, a series 2, a graph 2 (nodes x features of a "
        "node), a row of a table or of tokens 1."
    )


def _built(card: Any, schema: Any, width: int | None) -> "nn.Module":
    """On the meta device, where no memory is needed; on the CPU where the network's own code cannot."""
    import torch

    from bakeoff import models
    from bakeoff.errors import ModelError

    try:
        with torch.device("meta"):
            return models.build(card, schema, width=width)
    except (ModelError, NotImplementedError, RuntimeError):  # something in it needs real memory
        return models.build(card, schema, width=width)


def _sizes(text: str, count: int | None, option: str, form: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.lower().split("x"))
    except ValueError:
        sizes = ()
    if not sizes or (count is not None and len(sizes) != count):
        raise CostError(
            f"{option} is '{text}': it must be of the form {form}, whole numbers with x between them."
        )
    return sizes


def _write_json(path: Path, record: dict[str, Any]) -> None:
    from bakeoff.messages import say
    from bakeoff.system.files import write_json

    write_json(path, record)
    print(say("cost.written", path=path))
