"""`bakeoff cost` from the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bakeoff import models
from bakeoff.cli.cost import app
from bakeoff.cli.cost_tables import amount, fitted, seconds
from bakeoff.cost import cost_of
from bakeoff.cost.hardware.convolution import ConvolutionLayer
from bakeoff.errors import BakeoffError, BakeoffWarning
from bakeoff.messages import say_in, set_language
from cost_cases_loader import ROOT

pytestmark = pytest.mark.usefixtures("english")


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_network_of_the_catalogue() -> None:
    output = _run("resnet18", "--input", "3x224x224", "--batch", "2")
    assert "resnet18 at 2x3x224x224" in output
    assert "11,689,512 parameters" in output
    assert "3,628,146,688 multiply-adds" in output


def test_the_record_is_written_as_json(tmp_path: Path) -> None:
    path = tmp_path / "cost.json"
    output = _run(
        "alexnet", "--input", "3x224x224", "--train", "--all", "--machine", "h100", "--json", str(path)
    )
    record = json.loads(path.read_text())
    assert record["parameters"] == 61_100_840
    assert record["bound"]["machine"] == "NVIDIA H100 SXM5 80 GB"
    assert "training FLOPs" in output
    assert "bound by memory" in output


def test_tokens_and_series_and_tables_by_their_sizes() -> None:
    assert "at 1x64" in _run("bert_tiny", "--input", "64")
    assert "at 1x2x30" in _run("lstm", "--input", "2x30", "--classes", "5")
    assert "at 1x12" in _run("mlp", "--input", "12")


def test_a_factory_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_networks.py").write_text(
        "from torch import nn\n"
        "def small():\n    return nn.Sequential(nn.Flatten(), nn.Linear(48, 10))\n"
        "def words():\n    return nn.Sequential(nn.Embedding(30, 8), nn.Linear(8, 2))\n"
        "def broken():\n    raise RuntimeError('no such file')\n"
        "class Deciding(nn.Linear):\n    def __init__(self):\n        super().__init__(3, 3)\n"
        "    def forward(self, x):\n        return super().forward(x) if x.sum() < 100 else x\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "490 parameters" in _run("own_networks:small", "--input", "3x4x4")
    assert "at 1x7" in _run("own_networks:words", "--input", "7")
    with pytest.raises(BakeoffError, match="failed with RuntimeError: no such file"):
        _run("own_networks:broken", "--input", "3x4x4")
    with pytest.raises(BakeoffError, match=r"Layer '1'.*weight 10x48.*1x300"):
        _run("own_networks:small", "--input", "3x10x10")
    with pytest.raises(BakeoffError, match="needs --input"):
        _run("own_networks:small")
    with pytest.warns(BakeoffWarning, match="made-up numbers, for which alone the counts hold"):
        assert "12 parameters" in _run("own_networks:Deciding", "--input", "3")


def test_one_convolution(tmp_path: Path) -> None:
    path = tmp_path / "conv.json"
    output = _run(
        "conv", "--input", "3x227x227", "--filters", "96", "--kernel", "11x11", "--stride", "4", "--batch", "4",
        "--accelerator", "eyeriss", "--json", str(path),
    )  # fmt: skip
    assert "421,660,800 MACs" in output
    assert "154 of 168 multipliers" in output
    assert "(227 + 2 x 0 - 11) / 4 + 1 = 55 rows" in output
    assert json.loads(path.read_text())["accelerator"]["active_multipliers"] == 154


@pytest.mark.parametrize("suffix", [".html", ".png"])
def test_layer_against_layer(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bars{suffix}"
    output = _run("compare", "--out", str(path))
    assert "192,000,256" in output
    assert "768 MB" in output
    assert "498x498x128" in output
    assert "34 % fewer" in output
    assert path.stat().st_size > 1000
    assert path.read_bytes()[:4] == b"\x89PNG" if suffix == ".png" else b"plotly" in path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["resnet19"], "Did you mean 'resnet1"),
        (["resnet18", "--input", "3x224"], "--input|does not take|takes Image"),
        (["resnet18", "--input", "3xax4"], "must be of the form"),
        (["resnet18", "--input", "3x0x4"], "at least 1"),
        (["resnet18", "--input", "3x32x32", "--batch", "0"], "--batch is 0: there must be at least 1"),
        (["resnet18", "--machine", "h10"], "There is no machine 'h10'"),
        (["resnet18", "--json", "/no/such/folder/x.json"], "cannot be written"),
        (["conv", "--input", "3x8", "--filters", "1", "--kernel", "3x3"], "of the form CxHxW"),
        (["compare", "--out", "bars.pdf"], "as .html or .png"),
    ],
)
def test_failures_become_sentences(arguments: list[str], match: str) -> None:
    with pytest.raises(BakeoffError, match=match):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_numbers_keep_three_digits() -> None:
    assert [amount(value) for value in (0, 999, 1000, 4_089_184_256, 1.5e15)] == [
        "0",
        "999",
        "1.00 k",
        "4.09 G",
        "1.50 P",
    ]
    assert [seconds(value) for value in (2.0, 0.0123, 2.5e-6, 3e-9)] == [
        "2.00 s",
        "12.3 ms",
        "2.50 µs",
        "3.00 ns",
    ]


def test_a_narrow_window_loses_columns_and_not_their_numbers() -> None:
    names = [f"stages.{n}.a_long_name_of_a_block.convolution" for n in range(3)]
    columns = {
        "layer": names,
        "type": ["Conv2d"] * 3,
        "out": ["1x64x112x112"] * 3,
        "parameters_short": ["2,359,296"] * 3,
        "macs_short": ["944 M"] * 3,
        "training_short": ["5.55 G"] * 3,
    }
    whole, none = fitted(columns, 160)
    assert (whole, none) == (columns, [])
    kept, left_out = fitted(columns, 80)
    assert left_out == ["type", "out"]
    assert kept["layer"] == names
    kept, left_out = fitted(columns, 50)
    assert kept["parameters_short"] == columns["parameters_short"]
    assert all(name.startswith("\u2026") and name.endswith("block.convolution") for name in kept["layer"])


def test_the_loops_of_a_convolution_are_named_as_its_record_names_them() -> None:
    layer = ConvolutionLayer(
        batch=1, channels=3, height=8, width=8, filters=2, kernel_height=3, kernel_width=3
    )
    for loop in layer.loops:
        assert say_in("en", f"cost.conv_loop.{loop.letter}", {}) == loop.over
    set_language("ko")
    assert "출력의 행" in _run("conv", "--input", "3x8x8", "--filters", "2", "--kernel", "3x3")


def test_korean() -> None:
    set_language("ko")
    try:
        assert "파라미터" in _run("lenet5")
    finally:
        set_language("en")


def test_the_command_and_the_library_agree(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    _run("lenet5", "--json", str(path))
    card = models.card("lenet5")
    shape = (1, *card.example.input.shape)
    assert json.loads(path.read_text())["flops"] == cost_of(models.build("lenet5", card.example), shape).flops


@pytest.mark.parametrize(
    "command",
    [
        "lenet5 --train",
        "conv --input 3x227x227 --filters 96 --kernel 11x11 --stride 4 --batch 4 --accelerator eyeriss",
        "compare",
    ],
)
def test_the_documentation_shows_what_the_command_prints(command: str) -> None:
    text = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    shown = text.partition(f"$ bakeoff cost {command}\n")[2].partition("```")[0]
    printed = "\n".join(line.rstrip() for line in _run(*command.split()).rstrip().split("\n"))
    assert shown.rstrip() == printed
