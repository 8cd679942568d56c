"""Wrong labels: planted ones are found within the interval, clean ones are not accused, the right ones are named."""

import json

import numpy as np
import pytest

from bakeoff.messages import set_language
from bakeoff.study.analysis.label_noise import label_noise, suspicious


@pytest.fixture(autouse=True)
def english():
    set_language("en")
    yield
    set_language(None)


def answers(rng, count=1000, classes=4, apart=3.0):
    """Class probabilities of the right model of Gaussian classes, and the true classes."""
    truth = rng.integers(0, classes, count)
    centres = apart * np.eye(classes)
    inputs = centres[truth] + rng.standard_normal((count, classes))
    logits = apart * inputs
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True), truth


def flipped(truth, part, rng, classes):
    labels, wrong = truth.copy(), rng.random(len(truth)) < part
    labels[wrong] = (labels[wrong] + rng.integers(1, classes, wrong.sum())) % classes
    return labels, wrong


@pytest.mark.parametrize("part", [0.0, 0.05, 0.10])
@pytest.mark.parametrize("apart", [1.5, 3.0, 5.0])
def test_the_interval_holds_the_planted_part_and_zero_on_clean_labels(part, apart):
    held = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        chances, truth = answers(rng, apart=apart)
        found = label_noise(chances, flipped(truth, part, rng, 4)[0])
        if found.withheld is None:
            held.append(found.low <= part <= found.high)
    assert np.mean(held) >= 0.9
    assert len(held) >= 50


def test_planted_wrong_labels_are_shown_where_classes_are_apart_and_the_estimate_is_near():
    shown, shares = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        chances, truth = answers(rng, apart=5.0)
        found = label_noise(chances, flipped(truth, 0.1, rng, 4)[0])
        shown.append(found.shown)
        shares.append(found.share)
    assert np.mean(shown) >= 0.9
    assert np.mean(shares) == pytest.approx(0.1, abs=0.02)


def test_counting_suspects_instead_would_accuse_clean_labels():
    chances, truth = answers(np.random.default_rng(0), apart=2.0)
    found = label_noise(chances, truth)
    assert len(found.suspects) > 20  # a model's own mistakes
    assert found.low == 0


def test_the_suspects_are_mostly_those_planted_the_surest_first():
    rng = np.random.default_rng(1)
    chances, truth = answers(rng, apart=5.0)
    labels, wrong = flipped(truth, 0.1, rng, 4)
    found = label_noise(chances, labels)
    assert wrong[list(found.suspects)].mean() > 0.9
    assert wrong[list(found.suspects[:20])].all()
    assert (truth[list(found.suspects[:20])] == np.array(found.looks_like[:20])).all()
    assert len(set(found.suspects) & set(np.flatnonzero(wrong))) > 0.85 * wrong.sum()


def test_the_confident_joint_is_that_of_a_hand_calculation():
    # thresholds: class 0 (0.9 + 0.7 + 0.2) / 3 = 0.6, class 1 (0.8 + 0.6) / 2 = 0.7
    chances = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.2, 0.8], [0.4, 0.6]])
    wrong, looks_like = suspicious(chances, np.array([0, 0, 0, 1, 1]))
    assert wrong.tolist() == [2]
    assert looks_like.tolist() == [1]


def test_on_digits_clean_labels_pass_and_planted_ones_are_counted():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    inputs, truth = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    for part in (0.0, 0.05, 0.10):
        labels, wrong = flipped(truth, part, rng, 10)
        held_out = cross_val_predict(KNeighborsClassifier(7), inputs, labels, cv=5, method="predict_proba")
        found = label_noise(held_out, labels)
        assert found.low <= wrong.mean() <= found.high
        assert found.high - found.low < 0.12
        assert found.shown == (part == 0.10) or part == 0.05


def test_answers_that_know_nothing_and_few_answers_judge_no_label():
    rng = np.random.default_rng(2)
    blind = rng.dirichlet(np.ones(4), 400)
    found = label_noise(blind, rng.integers(0, 4, 400))
    assert (found.withheld, found.share, found.ceiling) == ("too_weak", None, None)
    assert label_noise(blind[:20], np.zeros(20, int)).withheld == "too_few"


def test_what_is_said_of_labels_names_the_ceiling_in_both_languages_and_json_holds_it():
    rng = np.random.default_rng(3)
    chances, truth = answers(rng, apart=5.0)
    found = label_noise(chances, flipped(truth, 0.1, rng, 4)[0])
    said = found.statement().text()
    assert said.startswith("About ")
    assert "no answer can be right in more than about" in said
    assert found.ceiling == pytest.approx(1 - found.share)
    assert "틀려 보입니다" in (set_language("ko"), found.statement().text())[1]
    set_language("en")
    assert label_noise(chances, truth).statement().text().startswith("No wrong labels were shown")
    record = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert record["sentence"] == said
