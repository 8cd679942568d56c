"""One convolution in depth: its sums, and the measured Eyeriss chip."""

from pathlib import Path

import pytest
import torch
from torch import nn

from bakeoff.cost import cost_of
from bakeoff.cost.hardware.accelerator import (
    Accelerator,
    accelerators,
    best_tiling,
    cost_on,
    load_accelerator,
)
from bakeoff.cost.hardware.convolution import ConvolutionLayer
from bakeoff.errors import CostError


def _alexnet(channels: int, side: int, filters: int, kernel: int, **options: int) -> ConvolutionLayer:
    return ConvolutionLayer(
        batch=4, channels=channels, height=side, width=side, filters=filters, kernel_height=kernel,
        kernel_width=kernel, **options,
    )  # fmt: skip


CONV1 = _alexnet(3, 227, 96, 11, stride=4)
#: Chen et al., JSSC 2017, table V, AlexNet at batch 4, 200 MHz: layer, MMACs, active multipliers, ideal ms,
#: measured ms, DRAM megabytes (compressed).
EYERISS = {
    "CONV1": (CONV1, 421.66, 154, 13.7, 16.5, 5.0),
    "CONV2": (_alexnet(96, 27, 256, 5, padding=2, groups=2), 895.79, 135, 33.2, 39.2, 4.0),
    "CONV3": (_alexnet(256, 13, 384, 3, padding=1), 598.1, 156, 19.2, 21.8, 3.0),
    "CONV4": (_alexnet(384, 13, 384, 3, padding=1, groups=2), 448.6, 156, 14.4, 16.0, 2.1),
    "CONV5": (_alexnet(384, 13, 256, 3, padding=1, groups=2), 299.0, 156, 9.6, 10.0, 1.3),
}


@pytest.mark.parametrize("name", EYERISS)
def test_the_model_of_eyeriss_lies_between_the_ideal_and_the_measured_chip(name: str) -> None:
    layer, mmacs, active, ideal, measured, dram = EYERISS[name]
    cost = cost_on(layer, load_accelerator("eyeriss"))
    assert layer.macs / 1e6 == pytest.approx(mmacs, abs=0.06)
    assert cost.active_multipliers == active
    assert cost.ideal_seconds * 1e3 == pytest.approx(ideal, abs=0.05)
    assert cost.ideal_seconds < cost.seconds
    assert ideal - 0.05 <= cost.seconds * 1e3 <= measured
    assert dram <= cost.dram_bytes / 1e6 <= 2 * dram
    assert cost.use == pytest.approx(layer.macs / (cost.seconds * 200e6 * 168))


def test_another_grid_maps_otherwise() -> None:
    chip = load_accelerator("eyeriss")
    wide = Accelerator(**{**vars(chip), "columns": 55})
    assert cost_on(CONV1, wide).active_multipliers == 11 * 55
    low = Accelerator(**{**vars(chip), "rows": 6})
    # Eleven filter rows fold into two halves of six.
    assert cost_on(CONV1, low).active_multipliers == 6 * 14
    assert cost_on(CONV1, low).seconds > 1.9 * cost_on(CONV1, chip).seconds


def test_a_smaller_buffer_moves_more_and_never_less_than_each_value_once() -> None:
    layer = EYERISS["CONV3"][0]
    chip = load_accelerator("eyeriss")
    words = [
        best_tiling(layer, Accelerator(**{**vars(chip), "buffer_bytes": size})).words
        for size in (8_000, 102_400, 10_000_000)
    ]
    assert words == sorted(words, reverse=True)
    assert words[0] > words[-1] == layer.input_values + layer.filter_values + layer.output_values


@pytest.mark.parametrize("name", accelerators())
@pytest.mark.parametrize("layer", [entry[0] for entry in EYERISS.values()], ids=list(EYERISS))
def test_no_chip_is_faster_than_all_its_multipliers(name: str, layer: ConvolutionLayer) -> None:
    chip = load_accelerator(name)
    cost = cost_on(layer, chip)
    assert 0 < cost.use <= 1
    assert cost.active_multipliers <= chip.multipliers
    assert cost.seconds >= cost.ideal_seconds >= layer.macs / chip.multipliers / chip.clock_hz
    assert cost.dram_bytes >= chip.word_bytes * (layer.filter_values + layer.output_values)


def test_a_weight_stationary_grid_by_hand() -> None:
    # 27 weights of each of 8 filters on a 16x4 grid: 2 x 2 tiles, each takes 2*6*6 rows and 16+4-2 cycles to fill.
    layer = ConvolutionLayer(
        batch=2, channels=3, height=8, width=8, filters=8, kernel_height=3, kernel_width=3
    )
    chip = Accelerator(name="x", dataflow="weight-stationary", rows=16, columns=4, clock_hz=1.0, word_bytes=1,
                       source="", buffer_bytes=10**6)  # fmt: skip
    assert cost_on(layer, chip).cycles == 4 * 72 + 4 * 18
    outputs = Accelerator(**{**vars(chip), "dataflow": "output-stationary"})
    # 72 places on 16 rows, 8 filters on 4 columns: 5 x 2 tiles of 27 products.
    assert cost_on(layer, outputs).cycles == 10 * 27 + 10 * 18


def test_the_seven_loops_multiply_to_the_macs_that_pytorch_needs() -> None:
    layer = ConvolutionLayer(batch=2, channels=6, height=11, width=9, filters=8, kernel_height=3, kernel_width=5,
                             stride=2, padding=1, groups=2)  # fmt: skip
    network = nn.Conv2d(6, 8, (3, 5), 2, 1, groups=2)
    cost = cost_of(network, (2, 6, 11, 9))
    assert [loop.letter for loop in layer.loops] == list("NMCEFRS")
    assert layer.macs == cost.macs
    assert cost.output_shapes == ((2, 8, layer.output_height, layer.output_width),)
    assert layer.parameters == cost.parameters


def test_the_reuse_of_each_value() -> None:
    assert CONV1.filter_reuse == 4 * 55 * 55
    assert CONV1.output_reuse == 3 * 11 * 11
    assert CONV1.input_reuse == pytest.approx(CONV1.macs / (4 * 3 * 227 * 227))


def test_the_matrix_product_is_the_convolution_and_takes_the_memory_of_unfold() -> None:
    layer = ConvolutionLayer(channels=3, height=10, width=10, filters=4, kernel_height=3, kernel_width=3)
    product = layer.as_matrix_product()
    unfolded = nn.functional.unfold(torch.zeros(1, 3, 10, 10), 3)
    assert product.unfolded_bytes == unfolded.nbytes
    assert product.rows * product.inner * product.columns == layer.macs
    assert product.times_the_input == pytest.approx(unfolded.numel() / 300)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"height": 0}, "height is 0: it must be at least 1"),
        ({"filters": -3}, "filters is -3"),
        ({"stride": 0}, "stride is 0"),
        ({"padding": -1}, "padding is -1: it must be at least 0"),
        ({"groups": 2}, "3 channels and 4 filters do not divide into 2 groups"),
        ({"kernel_height": 20}, "The filter 20x3 exceeds the input 8x8"),
    ],
)
def test_impossible_layers_are_refused(change: dict[str, int], match: str) -> None:
    sizes = {"channels": 3, "height": 8, "width": 8, "filters": 4, "kernel_height": 3, "kernel_width": 3}
    with pytest.raises(CostError, match=match):
        ConvolutionLayer(**{**sizes, **change})


def test_an_accelerator_file_of_other_bytes_than_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chip.toml"
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(CostError, match="cannot be read as text in UTF-8"):
        load_accelerator(str(path))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("rows = 3", "lacks"),
        ("rows = ", "is no TOML"),
        (
            'name="x"\ndataflow="stationary"\nrows=1\ncolumns=1\nclock_hz=1\nword_bytes=1\nbuffer_bytes=1',
            "is unknown",
        ),
        (
            'name="x"\ndataflow="row-stationary"\nrows=0\ncolumns=1\nclock_hz=1\nword_bytes=1\nbuffer_bytes=1',
            "rows = 0",
        ),
        (
            'name="x"\ndataflow="row-stationary"\nrows=1\ncolumns=1\nclock_hz=1\nword_bytes=1\nbuffer_bytes=1\nx=1',
            "'x'",
        ),
        (
            'name="x"\ndataflow="row-stationary"\nrows="1"\ncolumns=1\nclock_hz=1\nword_bytes=1\nbuffer_bytes=1',
            "rows = '1': it must be a whole number",
        ),
        (
            'name="x"\ndataflow=1\nrows=1\ncolumns=1\nclock_hz=1\nword_bytes=1\nbuffer_bytes=1',
            "dataflow = 1: it must be text",
        ),
        (
            'name="x"\ndataflow="row-stationary"\nrows=1\ncolumns=1\nclock_hz=nan\nword_bytes=1\nbuffer_bytes=1',
            "clock_hz = nan: it must be from 1",
        ),
    ],
)
def test_a_faulty_accelerator_file_is_named(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "chip.toml"
    path.write_text(text)
    with pytest.raises(CostError, match=match):
        load_accelerator(str(path))
    with pytest.raises(CostError, match="Did you mean 'eyeriss'"):
        load_accelerator("eyeris")


def test_a_buffer_that_holds_nothing_is_refused() -> None:
    chip = Accelerator(**{**vars(load_accelerator("eyeriss")), "buffer_bytes": 10})
    with pytest.raises(CostError, match="does not fit the buffer of 10 bytes"):
        cost_on(CONV1, chip)
