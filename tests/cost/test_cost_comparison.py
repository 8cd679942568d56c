"""Layer against layer: the textbook's sums, exactly."""

from pathlib import Path

import pytest
from PIL import Image

from bakeoff.cost.comparison import bar_figure, image_comparison, stack_comparison
from bakeoff.errors import CostError
from bakeoff.report.content.bar_image import write_bars

IMAGES = {entry.name: entry.cost for entry in image_comparison((3, 500, 500), hidden=256)}
STACKS = {entry.name: entry.cost for entry in stack_comparison()}


def test_a_flattened_image_into_256_units_holds_192_million_parameters() -> None:
    mlp = IMAGES["MLP"]
    assert mlp.parameters == 192_000_256
    assert 4 * (500 * 500 * 3 * 256) == 768_000_000
    assert mlp.parameter_bytes == 768_000_000 + 4 * 256


def test_a_first_convolution_gives_498_by_498_by_128() -> None:
    first = next(layer for layer in IMAGES["CNN"].layers if layer.type == "Conv2d")
    assert first.output_shapes == ((1, 128, 498, 498),)
    assert first.parameters == 128 * 3 * 3 * 3 + 128


def test_the_linear_after_the_convolutions_holds_34_percent_fewer() -> None:
    (linear,) = (layer for layer in IMAGES["CNN"].layers if layer.type == "Linear")
    pooled = [layer for layer in IMAGES["CNN"].layers if layer.type == "MaxPool2d"][-1]
    assert pooled.output_shapes == ((1, 512, 31, 31),)
    assert linear.input_shapes == ((1, 492_032),)
    assert linear.parameters == 125_960_448
    assert 1 - linear.parameters / IMAGES["MLP"].parameters == pytest.approx(0.34, abs=0.005)
    assert IMAGES["CNN"].parameters > linear.parameters


def test_all_four_give_as_many_features() -> None:
    assert {cost.output_shapes[0] for cost in IMAGES.values()} >= {(1, 256)}
    assert all(cost.output_shapes[0] == (1, 256) for cost in IMAGES.values())


def test_recurrence_and_attention_need_few_parameters_and_more_work() -> None:
    assert IMAGES["RNN"].parameters == 4 * 256 * (1500 + 256) + 2 * 4 * 256
    assert IMAGES["RNN"].macs == 500 * 4 * 256 * (1500 + 256)
    tokens, width = 25 * 25, 256
    block = tokens * 12 * width**2 + 2 * tokens**2 * width
    assert IMAGES["Transformer"].macs == tokens * 3 * 20 * 20 * width + block


def test_three_layers_of_each_kind() -> None:
    assert STACKS["3 x Linear"].parameters == 3 * (128 * 128 + 128)
    assert STACKS["3 x Conv2d"].parameters == 9 * (64 * 128 + 128 * 256 + 256 * 512) + 128 + 256 + 512
    assert STACKS["LSTM, 3 layers"].parameters == 3 * (4 * 128 * 256 + 8 * 128)


def test_the_figure_holds_the_records_numbers() -> None:
    figure = bar_figure(image_comparison((3, 32, 32), hidden=64), "title")
    parameters = figure.data[0]
    assert list(parameters.x) == ["MLP", "CNN", "RNN", "Transformer"]
    assert parameters.y[0] == 3 * 32 * 32 * 64 + 64


def test_the_picture_has_bars_in_proportion(tmp_path: Path) -> None:
    path = tmp_path / "bars.png"
    write_bars(path, "title", ["a", "b"], {"parameters": [10, 1000]})
    picture = Image.open(path).convert("RGB")
    blue = [sum(picture.getpixel((x, y)) == (31, 119, 180) for y in range(65, 480)) for x in (200, 640)]
    # On a logarithmic axis from 1 to 10000 the bar of 10 takes a quarter of the height, that of 1000 three quarters.
    assert blue[0] == pytest.approx(1 / 4 * (480 - 70), abs=3)
    assert blue[1] == pytest.approx(3 / 4 * (480 - 70), abs=3)


@pytest.mark.parametrize("shape", [(3, 4, 4), (3, 0, 10), (3, 10, -1)])
def test_images_that_are_too_small_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(CostError, match=r"too small|at least 1"):
        image_comparison(shape)
