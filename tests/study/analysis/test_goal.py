"""`--goal` against planted curves whose way to the goal is known by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bakeoff.errors import OptionError
from bakeoff.messages import set_language
from bakeoff.study.analysis.goal import FURTHEST, Goal, answer_goal, examples_until, parse_goal
from bakeoff.study.analysis.learning_curves import fit_curve, forecast
from bakeoff.study.results.records import CurvePoint, EntrantResult
from bakeoff.tasks.metrics.registry import METRICS

ACCURACY, MAE = METRICS["accuracy"], METRICS["mae"]
SIZES = (100, 200, 400, 800, 1600)


pytestmark = pytest.mark.usefixtures("english")


def entrant(name, error, *, metric=ACCURACY, spread=0.002, seed=0, kind="network", **given):
    rng = np.random.default_rng(seed)
    points = []
    for size in SIZES:
        scores = tuple(metric.best - metric.sign * (error(size) + rng.normal(size=3) * spread))
        mean = float(np.mean(scores))
        points.append(
            CurvePoint(examples=size, score=mean, low=mean - 0.005, high=mean + 0.005, seeds=scores)
        )
    last = points[-1]
    return EntrantResult(
        name=name,
        kind=kind,
        family=name,
        score=last.score,
        low=last.low,
        high=last.high,
        curve=tuple(points),
        **given,
    )


BASE = entrant("majority", lambda n: 0.5, kind="baseline")


def test_who_comes_nearest_has_the_score_that_the_forecast_shows():
    noisy = entrant("linear", lambda n: 0.2 + 0.6 * n**-0.5, spread=0.01)
    # It cannot fit its own training examples any better either, which bounds what more of them bring.
    bound = tuple(
        CurvePoint(examples=size, score=0.79, low=0.79, high=0.79, seeds=(0.79,) * 3) for size in SIZES
    )
    linear = replace(noisy, training_curve=bound)
    fit = fit_curve(linear.curve, ACCURACY, chance=BASE.score, training=bound, seed=5)
    shown = forecast(fit)[-1]
    (path,) = answer_goal([linear, BASE], 0.999, metric="accuracy", seed=5).paths
    assert (path.furthest, path.furthest_low, path.furthest_high) == (shown.score, shown.low, shown.high)
    (free,) = answer_goal([noisy, BASE], 0.999, metric="accuracy", seed=5).paths
    assert free.furthest != path.furthest


def test_a_curve_that_stands_still_has_no_way_to_the_goal_as_it_has_no_forecast():
    points = list(entrant("knn", lambda n: 0.2 + 3 / n, spread=0.0).curve)
    points[-1] = replace(points[-1], score=points[-2].score, seeds=points[-2].seeds)
    still = replace(entrant("knn", lambda n: 0.2), curve=tuple(points))
    assert forecast(fit_curve(still.curve, ACCURACY, chance=0.5)) == ()
    (path,) = answer_goal([still, BASE], 0.999, metric="accuracy").paths
    assert (path.outlook, path.withheld) == ("withheld", "flat")


def test_the_number_of_examples_is_that_of_the_planted_curve():
    # 2 n^-0.5 = 0.03 at n = 4444, by hand
    cnn = entrant("cnn", lambda n: 2 * n**-0.5, training_seconds=10.0, flops_per_example=1000)
    answer = answer_goal([cnn, BASE], 0.97, metric="accuracy")
    (path,) = answer.paths
    assert path.outlook == "likely"
    assert path.low < 4444 < path.high
    assert path.examples == pytest.approx(4444, rel=0.35)
    assert path.more_examples == pytest.approx(path.examples - 1600)
    assert path.training_seconds == pytest.approx(10 * path.examples / 1600)
    assert path.flops_per_example == 1000
    assert answer.sentences[0].startswith("97.0 % takes about ")
    assert "if the curve goes on as it did" in answer.sentences[0]
    assert "one training with so many examples takes about" in answer.sentences[1]


def test_a_curve_that_levels_off_below_the_goal_does_not_come_to_it_and_what_may_is_said():
    linear = entrant("linear", lambda n: 0.25 + 0.8 * n**-0.6, spread=0.001)
    answer = answer_goal([linear, BASE], 0.97, metric="accuracy")
    assert [path.outlook for path in answer.paths] == ["not_there"]
    assert answer.sentences[0].startswith("More data of this kind is not shown to lead to 97.0 %")
    assert "cleaner labels" in answer.sentences[0]
    assert "linear" in answer.sentences[1]


def test_reaching_the_goal_is_separate_from_reaching_it_only_on_these_test_examples():
    sure = entrant("cnn", lambda n: 0.02 + 0.2 * n**-0.5, spread=0.0005)
    unsure = entrant("mlp", lambda n: 0.047 + 0.1 * n**-0.5, spread=0.0001)
    goal = 0.95
    answer = answer_goal([sure, unsure, BASE], goal, metric="accuracy")
    shown = {path.entrant: (path.outlook, path.shown) for path in answer.paths}
    assert shown == {"cnn": ("reached", True), "mlp": ("reached", False)}
    assert answer.paths[0].examples == 1600
    assert "reached with the 1,600" in answer.sentences[0]
    assert "mlp" in answer.sentences[1]
    assert "new examples may say otherwise" in answer.sentences[1]


def test_an_error_is_a_goal_from_above():
    network = entrant("gru", lambda n: 1 + 60 * n**-0.5, metric=MAE, spread=0.01)
    # 1 + 60 n^-0.5 = 1.8 at n = 5625, by hand
    answer = answer_goal([network], 1.8, metric="mae")
    assert answer.paths[0].outlook == "likely"
    assert answer.paths[0].low < 5625 < answer.paths[0].high
    assert "1.800 takes about" in answer.sentences[0]
    assert answer_goal([network], 3.0, metric="mae").paths[0].outlook == "reached"


def test_most_intervals_hold_the_true_number_and_nothing_is_said_beyond_the_validated_distance():
    held = []
    for seed in range(30):
        steepness = np.random.default_rng(seed).uniform(0.4, 0.8)

        def error(n, steepness=steepness):
            return 0.3 * (n / 100) ** -steepness

        one = entrant("cnn", error, seed=seed, spread=0.003)
        truth = 4.0 * 1600
        (path,) = answer_goal([one, BASE], 1 - error(truth), metric="accuracy").paths
        held.append(path.low is not None and path.low <= truth <= path.high)
        assert path.high == math.inf or path.high <= FURTHEST * 1600 * (1 + 1e-9)
    assert np.mean(held) >= 0.75


def test_a_higher_goal_never_takes_fewer_examples():
    fit = fit_curve(entrant("cnn", lambda n: 2 * n**-0.5).curve, ACCURACY)
    easy, hard = examples_until(fit, 0.96), examples_until(fit, 0.975)
    assert (hard >= easy).all()


def test_labels_that_do_not_allow_the_goal_are_named_first_to_mend():
    cnn = entrant("cnn", lambda n: 2 * n**-0.5)
    answer = answer_goal([cnn, BASE], 0.97, metric="accuracy", ceiling=0.94)
    assert "The labels as they are allow about 94.0 %" in answer.sentences[-1]
    assert not any("labels as they are" in s for s in answer_goal([cnn], 0.97, metric="accuracy").sentences)


def test_nothing_is_promised_where_no_curve_was_measured():
    bare = EntrantResult(name="cnn", kind="network", family="cnn", score=0.8, low=0.7, high=0.9)
    answer = answer_goal([bare], 0.95, metric="accuracy")
    assert answer.paths[0].withheld == "too_few_points"
    assert answer.sentences[0] == "Nothing measured says when 95.0 % is reached."
    assert "fewer than four sizes" in answer.sentences[1]


def test_the_record_is_plain_json_and_the_sentences_are_said_in_korean_as_well():
    import json

    cnn = entrant("cnn", lambda n: 2 * n**-0.5)
    answer = answer_goal([cnn, BASE], 0.97, metric="accuracy")
    record = json.loads(json.dumps(answer.to_json(), allow_nan=False))
    assert record["goal"] == 0.97
    assert record["paths"][0]["outlook"] == "likely"
    assert record["sentences"] == list(answer.sentences)
    set_language("ko")
    assert "학습 예제가 약" in answer.sentences[0]


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("95%", Goal(value=95.0, percent=True)),
        (" 97.5 % ", Goal(value=97.5, percent=True)),
        (".9", Goal(value=0.9, percent=False)),
    ],
)
def test_a_goal_is_read_with_or_without_a_percent_sign(text, goal):
    assert parse_goal(text) == goal


def test_a_goal_that_the_metric_cannot_have_is_refused_with_what_to_write():
    assert parse_goal("95%").of(ACCURACY) == pytest.approx(0.95)
    assert parse_goal("2.5").of(MAE) == 2.5
    with pytest.raises(OptionError, match="without the percent sign"):
        parse_goal("95%").of(MAE)
    with pytest.raises(OptionError, match="write --goal 95%"):
        parse_goal("95").of(ACCURACY)
    with pytest.raises(OptionError, match=r"as 95% or 2\.5, not 'high'"):
        parse_goal("high")
