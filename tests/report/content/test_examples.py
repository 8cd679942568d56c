"""Raw examples made ready to be drawn."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from bakeoff.report.content.examples import (
    MOST_CHARACTERS,
    MOST_POINTS,
    ExamplePicture,
    ExampleRow,
    ExampleSeries,
    ExampleText,
    example_of,
    shaded,
)


def _pixels(shown: object) -> np.ndarray:
    assert isinstance(shown, ExamplePicture)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.png))))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_of_bytes_comes_out_as_it_was(channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (channels, 20, 30), dtype=np.uint8)
    shown = _pixels(example_of(image))
    assert np.array_equal(shown, image[0] if channels == 1 else image.transpose(1, 2, 0))


def test_a_picture_of_numbers_is_spread_over_all_greys() -> None:
    shown = _pixels(example_of(np.array([[[-1.0, 0.0], [1.0, 3.0]]])))
    assert shown.tolist() == [[0, 64], [128, 255]]


def test_a_dark_picture_like_the_digits_is_made_visible() -> None:
    assert _pixels(example_of(np.array([[[0, 16]]], np.uint8))).tolist() == [[0, 255]]
    assert _pixels(example_of(np.array([[[0, 100]]], np.uint8))).tolist() == [[0, 100]]


def test_a_large_picture_is_made_small() -> None:
    assert max(_pixels(example_of(np.zeros((3, 900, 400), np.uint8))).shape) == 160


def test_numbers_are_shaded_from_light_for_the_least_to_dark_for_the_most() -> None:
    assert _pixels(shaded(np.array([[0.0, 1.0], [2.0, 4.0]]))).tolist() == [[255, 191], [127, 0]]
    assert shaded(np.arange(5.0)).strip
    assert not shaded(np.eye(2)).strip


def test_a_long_series_keeps_its_peaks() -> None:
    series = np.zeros((1, 10_000))
    series[0, 7_777] = 5.0
    shown = example_of(series)
    assert isinstance(shown, ExampleSeries)
    (points,) = shown.lines
    heights = [height for _, height in points]
    assert len(points) <= 2 * MOST_POINTS
    assert heights.count(min(heights)) == 1
    assert min(heights) == pytest.approx(4.0)
    place = points[heights.index(min(heights))][0]
    assert place == pytest.approx(2 + 196 * 7777 / 9999)


def test_series_with_gaps_or_one_value_are_drawn() -> None:
    for series in (np.array([[np.nan, 1.0, 2.0]]), np.ones((2, 1))):
        shown = example_of(series)
        assert isinstance(shown, ExampleSeries)
        assert len(shown.lines) == len(series)
        assert np.isfinite(shown.lines).all()


def test_a_row_shows_its_columns_by_name_and_counts_the_rest() -> None:
    shown = example_of(np.arange(11.0), columns=[f"<c{place}>" for place in range(11)])
    assert isinstance(shown, ExampleRow)
    assert shown.pairs[0] == ("<c0>", "0")
    assert (len(shown.pairs), shown.left_out) == (8, 3)


def test_a_long_text_is_cut() -> None:
    shown = example_of("<b>" + "long " * 200)
    assert isinstance(shown, ExampleText)
    assert shown.text.startswith("<b>long")
    assert shown.text.endswith("…")
    assert len(shown.text) == MOST_CHARACTERS


def test_what_cannot_be_shown_is_left_out() -> None:
    assert example_of(np.zeros((2, 3, 4, 5))) is None
