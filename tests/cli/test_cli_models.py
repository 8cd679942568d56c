"""`bakeoff models`: the catalogue and a network's card, as a person sees them."""

import re
import tomllib
import warnings
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from bakeoff.cli.main import app
from bakeoff.cli.model_blocks import blocks_of
from bakeoff.cost import cost_of, example_inputs
from bakeoff.errors import ModelError, OptionError
from bakeoff.messages import set_language
from bakeoff.models import build, catalogue
from bakeoff.models.registry.counts import known_counts


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["models", *arguments], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_catalogue_lists_every_network_with_its_facts() -> None:
    lines = {line.split()[0]: line for line in shown().splitlines() if line.strip()}
    assert set(catalogue()) <= set(lines)
    for fact in ("resnet", "2015", "He et al.", "locality", "Image", "25.6 M", "4.09 G"):
        assert fact in lines["resnet50"]
    assert "relation" in lines["vit_b_16"]
    assert "locality" not in lines["vit_b_16"]


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_a_narrow_terminal_leaves_whole_columns_out_and_says_which(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    result = CliRunner().invoke(app, ["models"], catch_exceptions=False)
    lines = re.sub(r"\x1b\[[\d;]*m", "", result.output).splitlines()
    assert max(map(len, lines[:-2])) <= width
    first = next(place for place, line in enumerate(lines) if line.startswith("ar "))
    header = " ".join(lines[1:first]).split()
    assert {"name", "year", "parameters", "MACs", "activations"} <= set(header)
    said = next((line for line in lines if line.startswith("No room at this width for")), "")
    for column in ("family", "paper", "inputs"):
        assert (column in header) != (column in said), column
    (resnet,) = (line for line in lines if line.startswith("resnet50 "))
    assert ("He et al." in resnet) == ("paper" in header)


def test_a_family_is_listed_alone_and_an_unknown_one_suggests() -> None:
    listed = shown("--family", "vgg")
    assert "vgg16_bn" in listed
    assert "resnet50" not in listed
    with pytest.raises(OptionError, match=r"no family called 'vg'\. Did you mean 'vgg'"):
        CliRunner().invoke(app, ["models", "--family", "vg"], catch_exceptions=False)


def test_a_network_shows_its_card_and_its_layers() -> None:
    output = shown("lenet5", "--all")
    assert "LeCun et al., Gradient-based learning" in output
    assert "neighbours belong together" in output
    for layer, parameters in (("c1", "156"), ("c3", "1,516"), ("c5", "48,120"), ("f6", "10,164")):
        assert any(
            line.split()[0] == layer and parameters in line for line in output.splitlines() if line.split()
        )
    assert "60,850 parameters" in output


def test_resnet50_is_a_stem_sixteen_blocks_and_a_head() -> None:
    card = catalogue()["resnet50"]
    with torch.device("meta"):
        network = build(card, card.example)
    inputs = example_inputs(card.example)
    blocks = blocks_of(network, inputs, cost_of(network, *inputs))
    assert [block.count for block in blocks if block.type == "Bottleneck"] == [1, 2, 1, 3, 1, 5, 1, 2]
    assert [block.out for block in blocks if block.type == "Bottleneck"][::2] == [
        f"1x{256 * 2**stage}x{56 // 2**stage}x{56 // 2**stage}" for stage in range(4)
    ]
    assert sum(block.parameters for block in blocks) == 25_557_032
    assert next(block.shown_name for block in blocks if block.count == 5) == "stages.2.1 – 5"
    assert "16 x" not in shown("resnet50")
    assert "5 x Bottleneck" in shown("resnet50")


@pytest.mark.parametrize("name", ["vit_ti_16", "lenet5", "lstm", "gpt2", "ar"])
def test_the_lines_of_a_network_sum_up_to_it(name: str) -> None:
    card = catalogue()[name]
    with torch.device("meta"):
        network = build(card, card.example)
    inputs = example_inputs(card.example)
    cost = cost_of(network, *inputs)
    blocks = blocks_of(network, inputs, cost)
    assert sum(block.parameters for block in blocks) == cost.parameters
    assert sum(block.macs for block in blocks) == cost.macs
    assert len(blocks) < 20


def test_an_unknown_network_suggests_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"no network called 'resnet51'\. Did you mean 'resnet50'"):
        CliRunner().invoke(app, ["models", "resnet51"], catch_exceptions=False)


def test_the_card_speaks_korean() -> None:
    try:
        set_language("ko")
        assert "파라미터" in shown("perceptron")
    finally:
        set_language(None)


SOME = ("lenet5", "resnet20_cifar", "pnet", "vit_ti_16", "lstm", "fcn", "efficientnet_b0", "resnet50")


@pytest.mark.parametrize(
    "name", [name if name in SOME else pytest.param(name, marks=pytest.mark.slow) for name in catalogue()]
)
def test_the_counts_in_the_table_are_those_counted(name: str) -> None:
    card, known = catalogue()[name], known_counts()[name]
    with torch.device("meta"):
        network = build(card, card.example)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cost = cost_of(network, *example_inputs(card.example))
    assert (cost.parameters, cost.macs) == (known.parameters, known.macs)
    assert cost.activation_bytes == known.activation_bytes


def test_every_network_has_its_counts_and_no_other_has() -> None:
    file = Path(__file__).parents[2] / "src/bakeoff/models/registry/counts.toml"
    assert list(tomllib.loads(file.read_text())) == list(catalogue())
