"""What the verdict says from given figures, in both languages, and that JSON can hold all of it."""

import json
import math

import numpy as np
import pytest

from bakeoff.messages import set_language
from bakeoff.study.analysis.uncertainty import rank_entrants
from bakeoff.study.analysis.verdict import Crossover, CurvePoint, EntrantResult, conclude, result_json
from bakeoff.tasks.metrics.registry import METRICS

KINDS = {"majority": "baseline", "boosting": "classical", "linear": "network", "cnn": "network"}
FLOPS = {"majority": 0, "boosting": None, "linear": 1_000, "cnn": 2_500_000}


def case(accuracies, *, forecast=0.97, withheld=None, extra=(), examples=600):
    """A verdict from entrants with these accuracies (their misses are nested)."""
    targets = np.zeros(examples, dtype=np.int64)
    outputs = {}
    for name, accuracy in accuracies.items():
        right = np.arange(examples) < round(examples * accuracy)
        outputs[name] = [np.log(np.where(right[:, None], [[0.9, 0.1]], [[0.1, 0.9]]))]
    found = rank_entrants(
        outputs, targets, METRICS["accuracy"], baselines=["majority"], deterministic=list(outputs)
    )
    entrants = [
        EntrantResult(
            name=name,
            kind=KINDS[name],
            family=name,
            score=accuracy,
            flops_per_example=FLOPS[name],
            curve=(CurvePoint(examples=1000, score=accuracy, low=accuracy, high=accuracy),),
            forecast=(
                CurvePoint(examples=2000, score=0.5, low=0.4, high=0.6),
                CurvePoint(examples=4000, score=forecast, low=forecast - 0.01, high=forecast + 0.01),
            )
            if withheld is None
            else (),
            forecast_withheld=withheld,
        )
        for name, accuracy in accuracies.items()
    ]
    return conclude([*entrants, *extra], found, metric="accuracy"), [*entrants, *extra]


pytestmark = pytest.mark.usefixtures("english")


def test_a_winner_is_named_with_its_figures_and_is_its_own_cheapest_choice():
    verdict, _ = case({"majority": 0.5, "boosting": 0.8, "linear": 0.7, "cnn": 0.95})
    assert (verdict.winner, verdict.tied, verdict.cheapest_good) == ("cnn", (), "cnn")
    assert verdict.needs_network
    assert verdict.beats_baseline
    assert (verdict.practically_equal, verdict.undecided) == ((), ())
    assert set(verdict.better) == {"boosting", "linear", "majority"}
    first, second, third = verdict.sentences
    assert first.startswith("cnn is the best of the 3 that were trained and judged here: accuracy 95.0 %")
    assert "None that is cheaper than cnn (95.0 %, 2.5 million FLOPs an example)" in second
    assert "4 times as many examples (4,000)" in third
    assert verdict.more_data.helps is True


def test_the_cheapest_of_those_that_tie_is_recommended_with_what_it_saves():
    verdict, _ = case({"majority": 0.5, "boosting": 0.8, "linear": 0.95, "cnn": 0.95})
    assert verdict.winner is None
    assert set(verdict.tied) == {"cnn", "linear"}
    assert verdict.cheapest_good == "linear"
    assert verdict.leader == "linear"
    assert "the cheapest of those judged: linear needs 1 thousand FLOPs" in verdict.sentences[1]
    verdict, _ = case({"majority": 0.5, "boosting": 0.8, "linear": 0.9475, "cnn": 0.95}, examples=4000)
    assert verdict.practically_equal == ("linear",)
    assert "1 thousand FLOPs an example, 2,500 times fewer than cnn (95.0 %)" in verdict.sentences[1]
    assert "it loses less than 1 point against the best" in verdict.sentences[1]


def test_no_network_is_needed_where_a_classical_entrant_was_shown_to_lose_less_than_the_margin():
    verdict, _ = case({"majority": 0.5, "cnn": 0.9525, "boosting": 0.95, "linear": 0.7}, examples=4000)
    assert not verdict.needs_network
    assert "boosting has 95.0 % and loses less than 1 point against the best" in verdict.sentences[1]
    assert "network, cnn, has 95.2 %" in verdict.sentences[1]


def test_a_leader_that_is_no_network_stands_beside_the_best_network():
    verdict, _ = case({"majority": 0.5, "boosting": 0.95, "linear": 0.7, "cnn": 0.95})
    assert verdict.leader == "boosting"
    assert "boosting, which is none, has 95.0 %, the best network, cnn, 95.0 %" in verdict.sentences[1]


def test_nothing_beats_the_baseline_and_nothing_else_is_promised():
    verdict, _ = case({"majority": 0.5, "boosting": 0.49, "cnn": 0.505})
    assert not verdict.beats_baseline
    assert (verdict.winner, verdict.cheapest_good) == (None, None)
    assert not verdict.needs_network
    assert len(verdict.sentences) == 1
    assert verdict.sentences[0].startswith(
        "Nothing that was trained and judged here was shown to beat the baseline: majority"
    )
    shown, _ = case({"majority": 0.5, "boosting": 0.49, "cnn": 0.5005}, examples=4000)
    assert shown.cheapest_good == "majority"
    assert shown.sentences[0].startswith(
        "None of the 2 that were trained and judged here is better than the baseline by 1 point"
    )


def test_a_withheld_forecast_says_why_and_one_that_may_be_worse_does_not_promise():
    withheld, _ = case({"majority": 0.5, "linear": 0.7, "cnn": 0.95}, withheld="peaking")
    assert "a peak" in withheld.sentences[2]
    assert withheld.more_data.helps is None
    unsure, _ = case({"majority": 0.5, "linear": 0.7, "cnn": 0.95}, forecast=0.955)
    assert unsure.more_data.helps is False
    assert "cannot be promised" in unsure.sentences[2]


def test_who_was_not_judged_is_named_with_what_it_would_take():
    late = EntrantResult(
        name="gru", kind="network", family="rnn", judged=False, state="not_started", needed_seconds=44.6
    )
    verdict, _ = case({"majority": 0.5, "linear": 0.7, "cnn": 0.95}, extra=(late,))
    assert verdict.unjudged == ("gru",)
    assert (
        "cnn is the best of the 2 that were trained and judged here (gru could not be judged"
        in verdict.sentences[0]
    )
    assert "too small to judge gru; about 45 more seconds" in verdict.sentences[3]
    nobody = conclude([late], None, metric="accuracy")
    assert nobody.winner is nobody.leader is None
    assert nobody.sentences[0].startswith("No entrant could be judged")


def test_a_crossing_is_reported_with_its_interval_and_an_open_one_as_open():
    _, entrants = case({"majority": 0.5, "cnn": 0.95})
    targets = np.zeros(9, dtype=np.int64)
    found = rank_entrants({"cnn": [np.log(np.full((9, 2), 0.5))]}, targets, METRICS["accuracy"])
    closed = Crossover(behind="mlp", ahead="cnn", examples=5000.0, low=4000.0, high=9000.0)
    hidden = Crossover(behind="x", ahead="y", withheld="never")
    verdict = conclude(entrants, found, metric="accuracy", crossovers=(hidden, closed))
    assert (
        "mlp is expected to pass cnn at about 5,000 training examples (4,000 to 9,000)"
        in verdict.sentences[-1]
    )
    open_end = Crossover(behind="mlp", ahead="cnn", examples=5000.0, low=4000.0, high=math.inf)
    verdict = conclude(entrants, found, metric="accuracy", crossovers=(open_end,))
    assert "perhaps never" in verdict.sentences[-1]
    assert verdict.to_json()["crossovers"][0]["high"] is None


def test_json_holds_the_whole_result_without_numbers_that_json_has_no_sign_for():
    verdict, entrants = case({"majority": 0.5, "linear": 0.7, "cnn": 0.95})
    entrants.append(EntrantResult(name="rnn", kind="network", family="rnn", score=math.nan, judged=False))
    record = json.loads(
        json.dumps(result_json(verdict, entrants, seconds=1.5, warnings=["w"]), allow_nan=False)
    )
    assert {"winner", "tied", "probability_best", "metric", "seconds", "entrants", "warnings"} <= set(record)
    wanted = {
        "name",
        "score",
        "low",
        "high",
        "parameters",
        "flops_per_example",
        "train_seconds",
        "curve",
        "forecast",
    }
    assert wanted <= set(record["entrants"][0])
    assert set(record["entrants"][0]["curve"][0]) >= {"examples", "score", "low", "high"}
    assert record["entrants"][-1]["score"] is None
    assert (record["version"], record["winner"], record["tied"]) == (2, "cnn", [])
    assert set(record["better"]) == {"linear", "majority"}
    assert (record["practically_equal"], record["undecided"], record["margin"]) == ([], [], 0.01)


def test_the_same_verdict_can_be_said_in_korean():
    verdict, _ = case({"majority": 0.5, "boosting": 0.8, "linear": 0.9475, "cnn": 0.95}, examples=4000)
    english = verdict.sentences
    set_language("ko")
    korean = verdict.sentences
    assert len(korean) == len(english)
    assert all(any("가" <= sign <= "힣" for sign in sentence) for sentence in korean)
    assert "1,000 FLOPs" in korean[1]
