"""How many labels look wrong: against planted shares, and against none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bakeoff.study.analysis.label_noise import MOST_LISTED, label_noise

CLASSES = 4


def _answers(seed: int, truth: NDArray[np.int64], errors: float) -> NDArray[np.float64]:
    """Probabilities of an entrant that is right except in a share of examples, of which it is less sure."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(truth)) < errors
    answer = np.where(wrong, (truth + rng.integers(1, CLASSES, len(truth))) % CLASSES, truth)
    sure = np.where(wrong, rng.uniform(0.3, 0.8, len(truth)), rng.uniform(0.5, 1.0, len(truth)))
    found = np.repeat(((1 - sure) / (CLASSES - 1))[:, None], CLASSES, axis=1)
    found[np.arange(len(truth)), answer] = sure
    return found


def _planted(
    noise: float, seed: int, count: int = 600
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, CLASSES, count)
    labels = np.where(rng.random(count) < noise, (truth + rng.integers(1, CLASSES, count)) % CLASSES, truth)
    return {"cnn": _answers(seed + 100, truth, 0.05), "mlp": _answers(seed + 200, truth, 0.08)}, labels


@pytest.mark.parametrize("noise", [0.05, 0.10, 0.20])
def test_the_interval_holds_the_planted_share_of_wrong_labels(noise: float) -> None:
    held = 0
    for seed in range(40):
        outputs, labels = _planted(noise, seed)
        found = label_noise(outputs, labels, ("cnn", "mlp"))
        assert found is not None
        held += found.low <= noise <= found.high
    assert held >= 36


def test_on_clean_labels_the_interval_contains_none() -> None:
    for seed in range(40):
        outputs, labels = _planted(0.0, seed)
        found = label_noise(outputs, labels, ("cnn", "mlp"))
        assert found is not None
        assert (found.low, found.ceiling) == (0.0, None)
        assert found.statement().key == "verdict.labels.none_shown"


def test_the_suspicious_examples_are_the_planted_ones() -> None:
    outputs, labels = _planted(0.1, 3)
    clean = outputs["cnn"].argmax(1)
    found = label_noise(outputs, labels, ("cnn", "mlp"))
    assert found is not None
    assert len(found.suspicious) == MOST_LISTED <= found.contradicted
    assert all(labels[one.row] == one.label != one.answer == clean[one.row] for one in found.suspicious)
    assert found.statement().key == "verdict.labels.wrong"


def test_one_entrant_or_few_examples_say_nothing() -> None:
    outputs, labels = _planted(0.1, 0, count=60)
    assert label_noise(outputs, labels, ("cnn",)) is None
    assert label_noise(outputs, labels, ("cnn", "mlp")) is None
