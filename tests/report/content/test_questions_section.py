"""The sections on labels, parts and limits: what the answers say, and nothing where nothing was answered."""

from dataclasses import replace

import numpy as np
import pytest

from bakeoff.api.questions import labels_of, parts_of
from bakeoff.report.content.questions import amounts_of, labels_part
from bakeoff.report.html.comparison_report import report_html
from bakeoff.study.analysis.answers import Answers
from bakeoff.study.analysis.limits import Limits, Needs, best_that_fits
from report_comparisons import digits_comparison


@pytest.fixture(scope="module")
def mislabelled():
    """Digits of which every tenth has the next digit's label, and two entrants that answer what is drawn."""
    found = digits_comparison()
    labels = np.asarray(found.test_targets).copy()
    outputs = np.log(np.full((len(labels), 10), 0.01))
    outputs[np.arange(len(labels)), labels] = np.log(0.91)
    labels[::10] = (labels[::10] + 1) % 10
    return replace(found, test_targets=labels, test_outputs={"cnn": outputs, "mlp": outputs})


@pytest.mark.usefixtures("english")
def test_the_examples_whose_labels_look_wrong_are_shown_with_both_answers(mislabelled):
    part = labels_part(mislabelled, Answers(labels=labels_of(mislabelled), parts=parts_of(mislabelled)))
    assert part.sentences[0].replace("\N{NO-BREAK SPACE}", " ").startswith("10.")
    assert part.suspicious
    for card in part.suspicious:
        assert (int(card.answer) + 1) % 10 == int(card.truth)
        assert card.shown is not None
    page = report_html(mislabelled, answers=Answers(labels=labels_of(mislabelled)))
    assert 'href="#labels"' in page
    assert "Labels to look at first" in page


@pytest.mark.usefixtures("english")
def test_right_labels_are_not_listed_as_doubtful():
    found = digits_comparison()
    part = labels_part(found, Answers(labels=labels_of(found)))
    assert part is None or not part.suspicious
    assert 'id="labels"' not in report_html(found)


@pytest.mark.usefixtures("english")
def test_the_section_on_limits_names_what_each_takes():
    found = digits_comparison()
    needs = {"cnn": Needs(latency_seconds=0.004, parameters=24_000.0), "mlp": Needs(latency_seconds=0.001)}
    answer = best_that_fits(
        Limits(latency_seconds=0.002), needs, found.entrants, found.verdict, metric=found.metric
    )
    page = report_html(found, answers=Answers(limits=answer))
    assert 'href="#limits"' in page
    assert "Beyond the limits: cnn (4 ms)." in page.replace("\N{NO-BREAK SPACE}", " ")
    assert amounts_of(needs["cnn"]) == ("", "4 ms", "", "24 k", "", "")
