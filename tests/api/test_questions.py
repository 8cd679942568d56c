"""Questions asked of a finished comparison: answered from its held-out answers alone."""

from dataclasses import replace

import numpy as np
import pytest

import report_comparisons
from bakeoff.api.compare import compare
from bakeoff.api.questions import answers_of, goal_of, labels_of, parts_of
from bakeoff.errors import OptionError


@pytest.fixture(scope="module")
def digits():
    return report_comparisons.digits_comparison()


def _sure(comparison, labels):
    """The comparison with two entrants that answer every test example as it was labelled before."""
    outputs = np.log(np.full((len(labels), 10), 0.01))
    outputs[np.arange(len(labels)), np.asarray(comparison.test_targets)] = np.log(0.91)
    return replace(comparison, test_targets=labels, test_outputs={"cnn": outputs, "mlp": outputs})


def test_planted_wrong_labels_are_found_and_bound_the_goal(digits):
    labels = np.asarray(digits.test_targets).copy()
    flipped = np.random.default_rng(0).random(len(labels)) < 0.15
    labels[flipped] = (labels[flipped] + 1) % 10
    found = labels_of(_sure(digits, labels))
    assert found.low <= flipped.mean() <= found.high
    assert all(flipped[one.row] for one in found.suspicious)
    said = " ".join(goal_of(_sure(digits, labels), "99%").sentences)
    assert "cleaner labels come before more data" in said


def test_labels_that_all_entrants_confirm_are_not_called_wrong(digits):
    found = labels_of(_sure(digits, np.asarray(digits.test_targets)))
    assert (found.wrong, found.ceiling) == (0, None)


def test_the_class_that_is_missed_needs_data_most(digits):
    labels = np.asarray(digits.test_targets)
    sure = _sure(digits, labels)
    outputs = sure.test_outputs["cnn"].copy()
    outputs[labels == 3] = outputs[labels == 3][:, np.roll(np.arange(10), 1)]
    leader = replace(digits.verdict, leader="cnn")
    found = parts_of(replace(sure, verdict=leader, test_outputs={"cnn": outputs}))
    assert found.worst == digits.dataset.schema.target.names[3]
    assert found.parts[0].tested == (labels == 3).sum()


def test_a_goal_that_the_metric_of_the_data_cannot_have_is_refused_before_anything_is_trained(tmp_path):
    day = np.arange("2024-01-01", "2024-06-01", dtype="datetime64[D]")
    lines = [f"{when},{10 + index % 7}" for index, when in enumerate(day)]
    (tmp_path / "sales.csv").write_text("\n".join(["day,sold", *lines]), encoding="utf-8")
    read = []
    with pytest.raises(OptionError, match=r"rmse, which is no percentage: write it without the percent sign"):
        compare(
            tmp_path / "sales.csv", time="day", target="sold", horizon=7, goal="5%", models=["linear"],
            out=tmp_path / "runs", workers=1, on_data=read.append,
        )  # fmt: skip
    assert len(read) == 1
    assert not (tmp_path / "runs").exists()


def test_a_part_that_the_data_do_not_have_is_refused(digits):
    with pytest.raises(OptionError, match=r"no group to score by: use class\."):
        parts_of(digits, by="group")


def test_the_answers_are_written_beside_the_verdict(digits):
    record = answers_of(_sure(digits, np.asarray(digits.test_targets))).to_json()
    assert set(record) == {"labels", "needs_data"}
    assert record["labels"]["sentence"].startswith("No wrong labels are shown")
