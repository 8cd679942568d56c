"""The numbers of the protocol are those that docs/protocol.md tells."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bakeoff.data import findings
from bakeoff.data.load import load
from bakeoff.data.splits import FIRST_ORIGIN
from bakeoff.study import protocol
from bakeoff.study.analysis import learning_curves, uncertainty
from bakeoff.study.design.jobs import full_steps, training_sizes
from bakeoff.tasks import forecasting

DOCUMENT = " ".join((Path(__file__).parents[2] / "docs" / "protocol.md").read_text().split())
WORDS = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
]


def word(number: float) -> str:
    assert number == int(number)
    return WORDS[int(number)]


#: (the number, how the document tells it)
TOLD: tuple[tuple[float, Any], ...] = (
    (protocol.BATCH_EXAMPLES, lambda n: f"AdamW on batches of {n:g}, with"),
    (protocol.USUAL_EPOCHS, lambda n: f"The usual steps are {n:g} epochs at full size"),
    (protocol.FEWEST_USUAL_STEPS, lambda n: f"between {n:g} and"),
    (protocol.MOST_USUAL_STEPS, lambda n: f"and {n:g}; the common amount"),
    (protocol.SHORTEST_TRAINING_STEPS, lambda n: f"at least what {n:g} steps cost the"),
    (protocol.SHORTEST_TRAINING_STEPS, lambda n: f"fewer than {n:g} steps"),
    (protocol.LONGEST_RATIO, lambda n: f"more than {word(n)} times the usual steps"),
    (protocol.EVALUATIONS, lambda n: f"evaluations in a row of {word(n)} changed"),
    (protocol.UNCHANGED_EVALUATIONS, lambda n: f"{word(n)} evaluations in a row of"),
    (protocol.PATIENCE_EVALUATIONS, lambda n: f"or where {word(n)} brought nothing better"),
    (len(protocol.LEARNING_RATES), lambda n: f"the same {word(n)} learning rates"),
    (
        1 / protocol.REJECTION_PARTS[0],
        lambda n: f"after a {({4: 'quarter'}).get(n, n)} of the steps the worst",
    ),
    (1 / protocol.REJECTION_PARTS[1], lambda n: f"after {({2: 'half'}).get(n, n)} of them another one"),
    (2 ** (protocol.CURVE_SIZES - 1), lambda n: f"training sizes n/{n:g} ... n"),
    (protocol.SEEDS, lambda n: f"n with {word(n)} seeds"),
    (protocol.ELIMINATION_ERRORS, lambda n: f"not {word(n)} standard errors behind on validation"),
    (protocol.DOUBT_ERRORS, lambda n: f"comes within {word(n)} standard errors of the leader"),
    (1 / protocol.POSSIBLE_SHARE, lambda n: f"fewer than one in {n:g} of the curves"),
    (1 / protocol.CLASSICAL_PART, lambda n: f"fits their {({4: 'quarter'}).get(n, n)} of the time"),
    (round(5 * protocol.TUNING_PART), lambda n: f"tuned in about {word(n)} fifths of the time"),
    (protocol.CV_MOST_EXAMPLES, lambda n: f"With at most {n:g} examples a test split"),
    (protocol.CV_MOST_FOLDS, lambda n: f"at most {n:g}, whatever the size"),
    (protocol.CV_FOLDS[0], lambda n: f"Under a clock there are {word(n)} folds"),
    (protocol.CV_FOLDS[1], lambda n: f"else {word(n)}, else three"),
    (protocol.CV_FOLDS[2], lambda n: f"else {word(n)}, else one split"),
    (protocol.CV_FOLDS_WITHOUT_CLOCK[0], lambda n: f"Without a clock there are {word(n)}"),
    (1 / protocol.FOLDS_PART, lambda n: f"with all its steps, in {({2: 'half'}).get(n, n)} of the time"),
    (round(5 * (1 - FIRST_ORIGIN)), lambda n: f"the last {word(n)} fifths of the moments"),
    (100 * protocol.FOLD_CORRECTION, lambda n: f"{n:g} % of this correction"),
    (
        1 / protocol.CHAMPION_PART,
        lambda n: f"A {({20: 'twentieth'}).get(n, n)} of the budget is kept for it; where",
    ),
    (protocol.CROWDING_RATIO, lambda n: f"train {({2: 'twice'}).get(n, n)} as long"),
    (protocol.GPU_STEP_FLOPS / 1e9, lambda n: f"more than {n:g} GFLOPs"),
    (100 * uncertainty.LEVEL, lambda n: f"the upper bound ({n:g} %) of what it loses"),
    (100 * uncertainty.BASELINE_LEVEL, lambda n: f"Beating the baseline takes {n:g} %"),
    (100 * learning_curves.LEVEL, lambda n: f"has an {n:g} % interval"),
    (protocol.TRAINING_SCORE_EXAMPLES, lambda n: f"at most {n:,} of its own training examples"),
    (100 * learning_curves.EXPECTED_SHARE, lambda n: f"{n:g} points ({2 * n:g} % of an error) or more"),
    (forecasting.BLOCK_LAGS, lambda n: f"or {word(n)} times as long as the errors"),
    (findings.FEWEST_OF_A_CLASS, lambda n: f"each class has {word(n)} test examples"),
)


@pytest.mark.parametrize(("number", "told"), TOLD, ids=[told(number) for number, told in TOLD])
def test_the_document_states_the_number_in_force(number: float, told: Any) -> None:
    assert told(number) in DOCUMENT
    assert told(number + 1) not in DOCUMENT, "another number would not be noticed"


def test_the_usual_steps_are_so_many_epochs_within_bounds() -> None:
    """By hand: 120 epochs of 20 batches are 2400 steps; few examples take the least, many the most."""
    assert (full_steps(2000), full_steps(10), full_steps(1_000_000)) == (2400, 1000, 6000)


def test_a_curve_has_so_many_sizes_each_half_of_the_next() -> None:
    sizes = training_sizes(load("digits"))
    assert len(sizes) == protocol.CURVE_SIZES
    assert [large // small for small, large in pairwise(sizes)] == [2] * 4


def test_parts_of_the_time_are_parts() -> None:
    parts = {name: value for name, value in vars(protocol).items() if name.endswith("_PART")}
    assert len(parts) >= 10
    assert all(0 < value < 1 for value in parts.values()), parts
    assert protocol.TUNING_PART + protocol.EVIDENCE_PART < protocol.PLANNED_PART, (
        "seeds and curves get the rest"
    )
