"""What spoils the data is said with the verdict: leaks, and a class that outweighs all others."""

import re
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from bakeoff.data.card import data_card
from bakeoff.data.dataset import Finding
from bakeoff.data.findings import dominant_class, leaks
from bakeoff.data.load import load
from bakeoff.messages import set_language
from bakeoff.study.analysis.uncertainty import rank_entrants
from bakeoff.study.analysis.verdict import EntrantResult, conclude
from bakeoff.study.comparison.compare import _defined
from bakeoff.study.comparison.settings import ComparisonSettings
from bakeoff.study.comparison.warnings import metric_warnings
from bakeoff.tasks.metrics.registry import METRICS

COPIES = Finding(kind="duplicates_across", severity="warning", values={"count": 84, "of": 100})


def table(rare: int, examples: int = 400, classes: int = 2):
    """A table whose class "b" (and "c") has so many examples."""
    labels = np.full(examples, "a")
    labels[:rare] = "b"
    if classes == 3:
        labels[rare : 2 * rare] = "c"
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(size=examples), "y": rng.normal(size=examples), "label": labels})
    return load(frame, target="label")


def verdict_of(findings, accuracy=0.95):
    right = np.arange(200) < 200 * accuracy
    outputs = {
        name: [np.log(np.where(hits[:, None], [[0.9, 0.1]], [[0.1, 0.9]]))]
        for name, hits in {"cnn": right, "linear": right[::-1]}.items()
    }
    found = rank_entrants(outputs, np.zeros(200, np.int64), METRICS["accuracy"], deterministic=list(outputs))
    entrants = [EntrantResult(name=name, kind="network", family=name) for name in outputs]
    return conclude(entrants, found, metric="accuracy", leaks=leaks(findings))


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "84 of the 100 test examples also stand"), ("ko", "테스트 예제 100개 중 84개")],
)
def test_copies_of_test_examples_in_training_are_said_right_after_who_leads(language, said):
    set_language(language)
    try:
        sentences = verdict_of([COPIES]).sentences
        assert said in sentences[1]
        assert said not in " ".join(verdict_of([]).sentences)
    finally:
        set_language(None)


def test_a_note_about_a_copy_or_two_is_no_leak():
    few = Finding(kind="duplicates_across", severity="note", values={"count": 1, "of": 1000})
    other = Finding(kind="contradictions", severity="warning", values={"count": 9})
    assert leaks([few, other, COPIES]) == (COPIES,)


@pytest.mark.usefixtures("english")
def test_every_finding_that_is_a_leak_has_its_sentence_in_the_verdict():
    column = Finding(
        kind="gives_target_away",
        severity="warning",
        values={"column": "paid", "metric": "accuracy", "score": 1.0, "baseline": 0.6},
    )
    sentences = verdict_of([COPIES, column]).sentences
    assert "'paid' alone gives the target away (accuracy 100.0 %" in sentences[2]
    copied = load(pl.concat([frame := _frame(), frame]), target="label")
    assert {one.kind for one in leaks(data_card(copied).findings)} <= {"duplicates_across"}


def _frame() -> pl.DataFrame:
    rng = np.random.default_rng(1)
    return pl.DataFrame({"x": rng.normal(size=90), "label": np.where(rng.random(90) < 0.5, "a", "b")})


@pytest.mark.parametrize(
    ("rare", "classes", "metric"),
    [
        (26, 2, "balanced_accuracy"),  # 94 %: the majority would have 94 % for nothing
        (120, 2, "accuracy"),  # 70 %
        (30, 3, "balanced_accuracy"),  # 85 % against 7.5 % and 7.5 %
        (6, 2, "accuracy"),  # one test example: a score by classes would hang on it
    ],
)
def test_the_metric_fits_where_one_class_outweighs_the_others(rare, classes, metric):
    dataset = table(rare, classes=classes)
    definition, *_ = _defined(dataset, ComparisonSettings(models=["linear"]))
    assert definition.metric == metric
    named, *_ = _defined(dataset, ComparisonSettings(models=["linear"], metric="accuracy"))
    assert named.metric == "accuracy"


@pytest.mark.usefixtures("english")
def test_a_chosen_metric_is_said_with_the_way_to_the_usual_one():
    dataset = table(26)
    (said,) = metric_warnings(dataset, "balanced_accuracy")
    assert re.search(r"'a' makes up 94\s?% of the examples, so balanced accuracy decides here", said)
    assert "--metric accuracy" in said
    assert not list(metric_warnings(table(120), "accuracy"))
    assert dominant_class(table(26)) == ("a", pytest.approx(0.935))


def test_numbers_have_no_dominant_class():
    values = SimpleNamespace(schema=SimpleNamespace(is_classification=False))
    assert dominant_class(values) is None
