"""Colours that stay apart for everybody, and that every part of the page knows."""

import itertools
import re
from importlib import resources

import numpy as np
import pytest
from numpy.typing import NDArray

from bakeoff.report.words.palette import FAMILY_COLOURS, PAGE_COLOURS, colour_token, colours, styles

#: Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB.
_SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def _linear(colour: str) -> NDArray[np.float64]:
    encoded = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _oklab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ottosson 2020."""
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    ) @ np.clip(linear, 0, 1)
    return np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    ) @ np.cbrt(cones)


def _closest(chosen: list[str], sight: str) -> float:
    seen = [_oklab(_SIGHT[sight] @ _linear(colour)) for colour in chosen]
    return 100 * min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("sight", ["normal", "protanopia", "deuteranopia"])
def test_no_two_families_look_alike_with_red_green_blindness(theme: int, sight: str) -> None:
    assert _closest([pair[theme] for pair in FAMILY_COLOURS.values()], sight) > 11


@pytest.mark.parametrize("theme", [0, 1])
def test_no_two_families_look_alike_with_tritanopia(theme: int) -> None:
    assert _closest([pair[theme] for pair in FAMILY_COLOURS.values()], "tritanopia") > 7


def test_the_measure_tells_a_bad_pair() -> None:
    assert _closest(["#C8500A", "#8A8320"], "deuteranopia") < 6


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize(
    ("text", "least"), [("ink", 10.0), ("soft", 4.5), ("accent", 4.5), ("warn", 4.5), ("bad", 4.5)]
)
def test_text_has_enough_contrast_on_paper_and_panels(theme: int, text: str, least: float) -> None:
    for ground in ("paper", "panel"):
        dark, light = sorted(
            float(_linear(PAGE_COLOURS[name][theme]) @ [0.2126, 0.7152, 0.0722]) for name in (text, ground)
        )
        assert (light + 0.05) / (dark + 0.05) >= least


def test_every_colour_that_the_style_sheet_asks_for_is_defined() -> None:
    assets = resources.files("bakeoff.report.html") / "assets"
    files = [file for file in assets.iterdir() if file.name.endswith((".css", ".j2"))]
    asked = re.findall(r"var\(--([a-z-]+)\)", "".join(file.read_text(encoding="utf-8") for file in files))
    assert asked
    assert set(asked) <= set(colours("light"))
    assert set(colours("light")) == set(colours("dark"))


def test_entrants_of_one_family_share_its_colour_and_nothing_else() -> None:
    drawn = styles(["gru", "lstm", "rnn", "cnn"])
    assert len({colour for colour, _, _ in drawn[:3]}) == 1
    assert drawn[3][0] != drawn[0][0]
    assert len(set(drawn)) == 4


def test_very_many_entrants_of_one_family_are_still_distinct() -> None:
    assert len(set(styles(["cnn"] * 30))) == 30


def test_every_family_of_the_catalogue_has_a_colour() -> None:
    from bakeoff.models import catalogue

    assert {card.name for card in catalogue().values() if colour_token(card.family) == "ink"} == set()
