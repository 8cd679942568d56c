"""What the figures claim, held against scikit-learn and hand calculations; and that Plotly accepts the drawings."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, mean_absolute_error, precision_recall_fscore_support

from bakeoff.report.content.answer_figures import (
    class_rows,
    confusion_figure,
    largest_confusions,
    residual_figure,
)
from bakeoff.report.content.figures import cost_figure, curve_figure, entrant_styles, horizon_figure
from bakeoff.report.content.training_figures import LossFigure, reach_figure
from bakeoff.report.html.page import page_of
from bakeoff.report.plotly.curves import curve_plot
from bakeoff.report.plotly.draw import draw
from bakeoff.report.plotly.parts import label, with_colours
from bakeoff.study.analysis.verdict import CurvePoint, EntrantResult
from report_comparisons import (
    HOSTILE,
    digits_comparison,
    entrant_results,
    hostile_comparison,
    made_up_comparison,
)

RNG = np.random.default_rng(3)
LOSSES = LossFigure(steps=(10, 20, 30), training=(2.0, 1.0, 0.5), validation=(1.5, 0.9, 1.1), best_step=20)
NAMES = ("cat", "dog", "owl", "none of them")


def _answers(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    targets = RNG.integers(0, 3, count)  # the last class never is the truth
    logits = RNG.normal(size=(count, 4)) + 1.5 * np.eye(4)[targets]
    return targets, logits - np.log(np.exp(logits).sum(1, keepdims=True))


def test_the_confusion_matrix_is_that_of_scikit_learn() -> None:
    targets, outputs = _answers()
    figure = confusion_figure("cnn", NAMES, targets, outputs)
    expected = confusion_matrix(targets, outputs.argmax(1), labels=range(4))
    assert np.array_equal(figure.counts, expected)
    assert not np.array_equal(np.array(figure.counts).T, expected)


def test_rates_of_each_class_are_those_of_scikit_learn() -> None:
    targets, outputs = _answers()
    rows = class_rows(confusion_figure("cnn", NAMES, targets, outputs))
    expected = precision_recall_fscore_support(
        targets, outputs.argmax(1), labels=range(4), zero_division=np.nan
    )
    for place, row in enumerate(rows[:3]):
        assert (row.precision, row.recall, row.f1, row.examples) == pytest.approx(
            [part[place] for part in expected]
        )


def test_a_class_that_never_was_true_has_no_recall() -> None:
    row = class_rows(confusion_figure("cnn", NAMES, *_answers()))[3]
    assert row.examples == 0
    assert row.recall is None


def test_the_largest_confusions_come_first_and_right_answers_are_none() -> None:
    figure = confusion_figure(
        "a", ("x", "y"), np.array([0, 0, 0, 1, 1]), np.log(np.eye(2)[[1, 1, 0, 1, 0]] * 0.9 + 0.05)
    )
    assert largest_confusions(figure) == [("x", "y", 2), ("y", "x", 1)]


def _entrant(name: str, score: float, flops: int | None) -> EntrantResult:
    return EntrantResult(
        name=name, kind="network", family="mlp", score=score, low=score, high=score, flops_per_example=flops
    )


def test_the_front_holds_those_that_nobody_beats_in_both() -> None:
    field = [
        _entrant("small", 0.8, 10),
        _entrant("good", 0.9, 100),
        _entrant("worse", 0.85, 200),
        _entrant("unknown", 1.0, None),
    ]
    figure = cost_figure(field, metric="accuracy", cost="flops")
    assert figure is not None
    assert {point.name: point.on_front for point in figure.points} == {
        "small": True,
        "good": True,
        "worse": False,
    }


def test_the_front_turns_round_where_lower_is_better() -> None:
    field = [_entrant("small", 0.8, 10), _entrant("large", 0.9, 100)]
    figure = cost_figure(field, metric="rmse", cost="flops")
    assert figure is not None
    assert [point.on_front for point in figure.points] == [True, False]


def test_a_baseline_far_off_does_not_squeeze_the_others_into_a_corner() -> None:
    low = replace(_entrant("majority", 0.1, 1), kind="baseline")
    near = replace(_entrant("majority", 0.78, 1), kind="baseline")
    field = [_entrant("small", 0.8, 10), _entrant("large", 0.9, 100)]
    for baseline, names in ((low, ["small", "large"]), (near, ["small", "large", "majority"])):
        figure = cost_figure([*field, baseline], metric="accuracy", cost="flops")
        assert figure is not None
        assert [point.name for point in figure.points] == names


def test_equal_entrants_are_both_on_the_front() -> None:
    figure = cost_figure([_entrant("a", 0.8, 10), _entrant("b", 0.8, 10)], metric="accuracy", cost="flops")
    assert figure is not None
    assert all(point.on_front for point in figure.points)


def test_the_error_at_each_step_ahead_is_that_of_scikit_learn() -> None:
    targets = RNG.normal(size=(50, 6))
    outputs = targets + RNG.normal(size=(50, 6))
    figure = horizon_figure(entrant_styles(entrant_results()), targets, {"cnn": outputs})
    assert figure is not None
    assert figure.lines[0][2] == pytest.approx(
        mean_absolute_error(targets, outputs, multioutput="raw_values")
    )
    assert horizon_figure(entrant_styles(entrant_results()), targets[:, :1], {"cnn": outputs[:, :1]}) is None


def test_residuals_of_very_many_examples_are_thinned_and_say_so() -> None:
    values = RNG.normal(size=(5000, 1))
    figure = residual_figure("cnn", values, values)
    assert figure.shown_of == 5000
    assert len(figure.true) == len(figure.predicted) <= 1500
    assert figure.true == figure.predicted


def test_a_withheld_forecast_is_not_drawn() -> None:
    figure = curve_figure(entrant_results(), metric="accuracy")
    assert figure is not None
    assert {line.name for line in figure.lines if not line.forecast} == {"knn", "boosting", "rnn", "majority"}
    assert figure.examples_now == 1150
    assert figure.foremost == ("cnn", "gru", "knn")


def test_the_first_view_of_the_curves_holds_the_better_half_of_them() -> None:
    figure = curve_figure(entrant_results(), metric="accuracy")
    assert figure is not None
    zoom = figure.zoom
    assert zoom is not None
    assert zoom[0] > 0.5  # the baseline at 0.1 lies outside
    assert zoom[1] >= max(point.high for line in figure.lines for point in line.forecast)
    without = curve_figure([e for e in entrant_results() if e.name in ("cnn", "gru")], metric="accuracy")
    assert without is not None
    assert without.zoom is None


def test_bands_of_measurements_and_of_forecasts_never_touch_and_look_different() -> None:
    figure = curve_figure(entrant_results(), metric="accuracy")
    assert figure is not None
    bands = [trace for trace in curve_plot(figure)["data"] if trace.get("fill")]
    measured = [trace for trace in bands if "fillpattern" not in trace]
    forecast = [trace for trace in bands if "fillpattern" in trace]
    assert len(measured) == len(figure.lines)
    assert len(forecast) == sum(bool(line.forecast) for line in figure.lines) > 0
    now = figure.examples_now
    assert max(max(trace["x"]) for trace in measured) == now < min(min(trace["x"]) for trace in forecast)


def test_the_mark_in_the_plot_of_losses_is_the_evaluation_that_is_kept() -> None:
    training, validation, kept = draw(LOSSES)["data"]
    assert (training["y"], validation["y"]) == ([2.0, 1.0, 0.5], [1.5, 0.9, 1.1])
    assert (kept["x"], kept["y"]) == ([20], [0.9])
    missing = replace(LOSSES, best_step=25)
    assert draw(missing)["data"][2]["x"] == [30]


def test_scores_at_one_size_alone_are_no_curve() -> None:
    first, second = entrant_results()[:2]
    only = replace(first, curve=(CurvePoint(examples=100, score=0.9, low=0.8, high=1.0),), forecast=())
    assert curve_figure([only], metric="accuracy") is None
    beside = curve_figure([only, second], metric="accuracy")
    assert beside is not None
    drawn = [trace for trace in curve_plot(beside)["data"] if trace["x"] == [100]]
    assert [trace["y"] for trace in drawn] == [[90.0]]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_accepts_every_figure(theme: str) -> None:
    from plotly.graph_objects import Figure

    figures = page_of(digits_comparison()).figures | page_of(made_up_comparison("forecast")).figures
    figures |= {"losses": LOSSES, "reach": reach_figure(np.array([0.0, 0.1, 0.9]), 2)}
    assert set(figures) == {
        "curves",
        "cost-flops",
        "cost-parameters",
        "cost-seconds",
        "confusion",
        "residuals",
        "horizon",
        "losses",
        "reach",
    }
    for plot in map(draw, figures.values()):
        drawn = with_colours(plot, theme)
        assert "token:" not in json.dumps(drawn)
        assert len(Figure(drawn).data) == len(plot["data"])
    with pytest.raises(ValueError, match="Invalid"):
        Figure({"data": [{"type": "scatter", "mode": "nonsense"}]})


def test_names_reach_plotly_as_text_and_not_as_its_html() -> None:
    text = json.dumps([draw(figure) for figure in page_of(hostile_comparison()).figures.values()])
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert label("a\x1bb") == "a\N{REPLACEMENT CHARACTER}b"


def test_names_never_stand_in_a_hover_template() -> None:
    for plot in map(draw, page_of(hostile_comparison()).figures.values()):
        for trace in plot["data"]:
            assert trace.get("hovertemplate", "%{text}<extra></extra>") in (
                "%{text}<extra></extra>",
                "%{hovertext}<extra></extra>",
            )
