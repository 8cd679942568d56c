"""Raw examples made visible."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from bakeoff.report.content.examples import MOST_POINTS, show_example


def _picture(markup: str) -> np.ndarray:
    found = re.search(r'base64,([^"]+)"', markup)
    assert found is not None
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_of_bytes_comes_out_as_it_was(channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (channels, 20, 30), dtype=np.uint8)
    shown = _picture(str(show_example(image)))
    assert np.array_equal(shown, image[0] if channels == 1 else image.transpose(1, 2, 0))


def test_a_picture_of_numbers_is_spread_over_all_greys() -> None:
    shown = _picture(str(show_example(np.array([[[-1.0, 0.0], [1.0, 3.0]]]))))
    assert shown.tolist() == [[0, 64], [128, 255]]


def test_a_dark_picture_like_the_digits_is_made_visible() -> None:
    assert _picture(str(show_example(np.array([[[0, 16]]], np.uint8)))).tolist() == [[0, 255]]
    assert _picture(str(show_example(np.array([[[0, 100]]], np.uint8)))).tolist() == [[0, 100]]


def test_a_large_picture_is_made_small() -> None:
    assert max(_picture(str(show_example(np.zeros((3, 900, 400), np.uint8)))).shape) == 160


def test_a_long_series_keeps_its_peaks() -> None:
    series = np.zeros((1, 10_000))
    series[0, 7_777] = 5.0
    points = re.findall(r"([\d.]+),([\d.]+)", str(show_example(series)))
    heights = [float(height) for _, height in points]
    assert len(points) <= 2 * MOST_POINTS
    assert heights.count(min(heights)) == 1
    assert min(heights) == pytest.approx(4.0)
    place = float(points[heights.index(min(heights))][0])
    assert place == pytest.approx(2 + 196 * 7777 / 9999, abs=0.1)


def test_series_with_gaps_or_one_value_are_drawn() -> None:
    assert "polyline" in str(show_example(np.array([[np.nan, 1.0, 2.0]])))
    assert "nan" not in str(show_example(np.array([[np.nan, 1.0, 2.0]])))
    assert "polyline" in str(show_example(np.ones((2, 1))))


def test_a_row_shows_its_columns_by_name_and_counts_the_rest() -> None:
    shown = str(show_example(np.arange(11.0), columns=[f"<c{place}>" for place in range(11)]))
    assert "<dt>&lt;c0&gt;</dt><dd>0</dd>" in shown
    assert "and 3 more columns" in shown


def test_a_text_is_escaped_and_cut() -> None:
    shown = str(show_example("<b>" + "long " * 200))
    assert shown.startswith("<blockquote>&lt;b&gt;long")
    assert shown.endswith("…</blockquote>")
    assert len(shown) < 400


def test_what_cannot_be_shown_is_left_out() -> None:
    assert show_example(np.zeros((2, 3, 4, 5))) is None
