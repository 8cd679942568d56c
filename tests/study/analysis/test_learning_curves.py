"""Fits of learning curves against planted curves with a known continuation, SciPy's fit, and planted faults."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import curve_fit

from bakeoff.study.analysis.learning_curves import FORMS, crossover, evaluate, fit_curve, forecast
from bakeoff.study.analysis.verdict import CurvePoint
from bakeoff.tasks.metrics.registry import METRICS

ACCURACY, RMSE = METRICS["accuracy"], METRICS["rmse"]
SIZES = (50, 100, 200, 400, 800, 1600)


def measured(error, *, metric=ACCURACY, spread=0.004, seeds=3, sizes=SIZES, seed=0):
    """Points of a curve with a known error at each size, as a study would measure them."""
    rng = np.random.default_rng(seed)
    points = []
    for size in sizes:
        scores = tuple(metric.best - metric.sign * (error(size) + rng.normal(size=seeds) * spread))
        mean = float(np.mean(scores))
        points.append(CurvePoint(examples=size, score=mean, low=mean, high=mean, seeds=scores))
    return points


def test_a_power_law_is_recovered_and_agrees_with_scipys_least_squares():
    def error(n):
        return 0.03 + 2 * n**-0.7

    points = measured(error, spread=0.001)
    fit = fit_curve(points, ACCURACY)
    score, low, high = fit.predict(6400)
    parameters, _ = curve_fit(
        lambda n, c, a, b: c + a * n**-b, SIZES, [1 - point.score for point in points], p0=(0.05, 1, 0.5)
    )
    witness = 1 - (parameters[0] + parameters[1] * 6400 ** -parameters[2])
    assert score == pytest.approx(witness, abs=0.003)
    assert low < 1 - error(6400) < high
    assert fit.evidence["power"] > 0.5
    assert fit.evidence["constant"] < 1e-3
    assert sum(fit.evidence.values()) == pytest.approx(1.0)


def test_an_error_in_the_units_of_the_data_is_forecast_downwards():
    points = measured(lambda n: 10 + 300 * n**-0.5, metric=RMSE, spread=0.5)
    fit = fit_curve(points, RMSE)
    score, low, high = fit.predict(3200)
    assert low < 10 + 300 * 3200**-0.5 < high
    assert score < points[-1].score


def test_the_interval_grows_with_the_distance_and_the_forecast_has_three_points():
    fit = fit_curve(measured(lambda n: 0.05 + n**-0.5), ACCURACY)
    points = forecast(fit)
    assert [point.examples for point in points] == [3200, 6400, 16000]
    widths = [point.high - point.low for point in points]
    assert widths == sorted(widths)
    assert all(point.low <= point.score <= point.high for point in points)


def test_eight_in_ten_of_the_intervals_hold_what_was_held_out():
    held = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        rest, steepness = rng.uniform(0, 0.1), rng.uniform(0.3, 0.9)

        def error(n, rest=rest, steepness=steepness):
            return rest + 0.5 * (n / 50) ** -steepness

        fit = fit_curve(measured(error, spread=0.006, seed=seed), ACCURACY)
        assert fit.withheld is None
        _, low, high = fit.predict(6400)
        held.append(low <= 1 - error(6400) + rng.normal() * 0.006 / 3**0.5 <= high)
    assert 0.68 <= np.mean(held) <= 0.92


@pytest.mark.parametrize(
    ("reason", "error", "spread"),
    [
        ("peaking", lambda n: 0.03 + 2 * n**-0.7 + 0.15 * np.exp(-(np.log(n / 400) ** 2)), 0.004),
        ("dipping", lambda n: 0.1 + 0.01 * np.log2(n / 50), 0.004),
        ("too_noisy", lambda n: 0.3, 0.15),
        ("no_learning", lambda n: 0.5, 0.01),
    ],
)
def test_a_curve_that_does_not_behave_gets_its_reason_and_no_forecast(reason, error, spread):
    fit = fit_curve(measured(error, spread=spread), ACCURACY, chance=0.5)
    assert fit.withheld == reason
    assert forecast(fit) == ()


def test_curves_that_behave_are_seldom_accused():
    withheld = [
        fit_curve(measured(lambda n: 0.05 + n**-0.5, spread=0.012, seed=seed), ACCURACY, chance=0.1).withheld
        for seed in range(60)
    ]
    assert withheld.count(None) >= 58


def test_three_sizes_are_too_few_and_points_that_are_not_finite_do_not_count():
    points = measured(lambda n: 0.05 + n**-0.5, sizes=(100, 200, 400))
    assert fit_curve(points, ACCURACY).withheld == "too_few_points"
    bad = CurvePoint(examples=800, score=float("nan"), low=0.0, high=0.0)
    assert fit_curve([*points, bad], ACCURACY).withheld == "too_few_points"
    assert fit_curve([], ACCURACY).withheld == "too_few_points"


def test_a_flat_curve_is_forecast_flat_and_a_perfect_one_perfect():
    score, low, high = fit_curve(measured(lambda n: 0.2), ACCURACY).predict(16000)
    assert low < 0.8 < high
    assert score == pytest.approx(0.8, abs=0.01)
    perfect = measured(lambda n: 0.0, spread=0.0)
    assert fit_curve(perfect, ACCURACY).predict(16000)[0] == pytest.approx(1.0, abs=2e-3)


def interval_of(points, tested, metric=ACCURACY):
    """The same points with Wilson's 95 % interval of so many test examples, as a comparison gives them."""
    bounds = [stats.binomtest(round(p.score * tested), tested).proportion_ci(method="wilson") for p in points]
    return [replace(p, low=b.low, high=b.high) for p, b in zip(points, bounds, strict=True)]


def test_a_perfect_score_on_a_hundred_test_examples_leaves_open_what_wilson_leaves_open():
    points = interval_of(measured(lambda n: 0.0, spread=0.0), 100)
    fit = fit_curve(points, ACCURACY)
    score, low, high = fit.predict(16000)
    assert (score, high) == (pytest.approx(1.0, abs=2e-3), pytest.approx(1.0, abs=2e-3))
    # Jeffreys' 90 % lower bound of 100 in 100, by SciPy
    assert low == pytest.approx(stats.beta.ppf(0.1, 100.5, 0.5), abs=0.006)
    assert low < 0.99
    assert forecast(fit) == ()  # nothing changes any more: no trend to speak of


def test_the_band_is_continuous_at_the_data_there_are():
    points = interval_of(measured(lambda n: 0.05 + n**-0.5), 200)
    fit = fit_curve(points, ACCURACY)
    _, low, high = fit.predict(fit.examples)
    shrunk = stats.norm.ppf(0.9) / stats.norm.ppf(0.975)  # from 95 to 80 %
    assert high - low == pytest.approx(shrunk * (points[-1].high - points[-1].low), rel=0.25)
    _, near_low, near_high = fit.predict(1.01 * fit.examples)
    assert (near_low, near_high) == (pytest.approx(low, abs=2e-3), pytest.approx(high, abs=2e-3))


def test_no_forecast_is_better_than_what_the_family_could_not_fit():
    # A line on XOR: one corner is cut off well, the rest is beyond it, however much there is (25 %).
    def error(n):
        return 0.25 + 1.2 * n**-0.5

    points = measured(error, sizes=(16, 32, 64, 128), spread=0.01)
    training = [CurvePoint(examples=n, score=0.75 + 0.6 * n**-0.5, low=0, high=1) for n in (16, 32, 64, 128)]
    free, bounded = (fit_curve(points, ACCURACY, training=given).predict(1280)[2] for given in ((), training))
    assert bounded < free
    assert bounded < 0.80 < free
    falling = [replace(p, score=score) for p, score in zip(training, (0.4, 0.5, 0.6, 0.74), strict=True)]
    assert fit_curve(points, ACCURACY, training=falling).predict(1280)[2] == pytest.approx(free)


def test_a_curve_whose_last_two_sizes_do_not_differ_gets_no_forecast_but_may_be_passed():
    level = measured(lambda n: max(0.2, 4 * n**-0.6), spread=0.0005)
    last = replace(level[-1], score=level[-2].score, seeds=level[-2].seeds)
    fit = fit_curve([*level[:-1], last], ACCURACY, chance=0.5)
    assert (fit.withheld, fit.flat, fit.no_forecast) == (None, True, "flat")
    assert forecast(fit) == ()
    rising = fit_curve(measured(lambda n: 8.5 * n**-0.5, spread=0.001, seed=1), ACCURACY)
    assert crossover(fit, rising, names=("level", "rising")).examples is not None


def test_help_is_promised_of_falling_errors_and_seldom_on_a_plateau():
    promised = [
        fit_curve(measured(lambda n: 2 * n**-0.5, spread=0.01, seed=seed), ACCURACY).helps(6400)
        for seed in range(20)
    ]
    assert np.mean(promised) >= 0.9
    on_plateau = []
    for seed in range(40):
        fit = fit_curve(measured(lambda n: 0.2 + 4 * n**-1.2, spread=0.006, seed=seed), ACCURACY)
        on_plateau.append(fit.no_forecast is None and fit.helps(6400))
    assert np.mean(on_plateau) <= 0.1


def test_one_seed_is_enough_for_a_wider_forecast():
    one = fit_curve(measured(lambda n: 0.05 + n**-0.5, seeds=1), ACCURACY).predict(6400)
    three = fit_curve(measured(lambda n: 0.05 + n**-0.5, seeds=3), ACCURACY).predict(6400)
    assert one[2] - one[1] > three[2] - three[1]


def test_a_crossing_ahead_is_found_and_one_behind_is_not():
    strong = fit_curve(measured(lambda n: 0.10 + 0.5 * n**-0.5, spread=0.001), ACCURACY)
    late = fit_curve(measured(lambda n: 0.02 + 8.5 * n**-0.55, spread=0.001, seed=1), ACCURACY)
    crossing = crossover(strong, late, names=("strong", "late"))
    # 0.10 + 0.5 n^-0.5 = 0.02 + 8.5 n^-0.55 at about n = 3000, by bisection.
    sizes = np.geomspace(1600, 16000, 100_000)
    truth = sizes[np.argmin(np.abs(0.08 + 0.5 * sizes**-0.5 - 8.5 * sizes**-0.55))]
    assert (crossing.behind, crossing.ahead) == ("late", "strong")
    assert crossing.low <= truth <= crossing.high
    assert crossing.examples == pytest.approx(truth, rel=0.3)
    assert crossover(late, strong, names=("late", "strong")).behind == "late"
    passed = fit_curve(measured(lambda n: 3 * n**-0.5, spread=0.001, seed=2), ACCURACY)
    assert crossover(strong, passed, names=("strong", "passed")).withheld == "never"


def test_curves_that_lie_on_each_other_have_no_crossing_to_speak_of():
    first = fit_curve(measured(lambda n: 0.05 + n**-0.5, seed=3), ACCURACY)
    second = fit_curve(measured(lambda n: 0.05 + n**-0.5, seed=4), ACCURACY)
    assert crossover(first, second, names=("a", "b")).withheld == "too_uncertain"
    short = fit_curve(measured(lambda n: 0.1, sizes=(10, 20)), ACCURACY)
    assert crossover(first, short, names=("a", "b")).withheld == "too_few_points"


@pytest.mark.parametrize("name", FORMS)
def test_every_form_passes_through_its_anchors_and_never_rises(name):
    sizes = np.geomspace(10, 1e5, 50)
    first, last, rest = np.array([0.6]), np.array([0.2 if name != "constant" else 0.6]), np.array([0.3])
    at = evaluate(name, np.array([50.0, 1600.0]), 50.0, 1600.0, first, last, rest)[0]
    assert at == pytest.approx([first[0], last[0]])
    errors = evaluate(name, sizes, 50.0, 1600.0, first, last, rest)[0]
    assert (np.diff(errors) <= 1e-12).all()
    assert (errors >= 0).all()
