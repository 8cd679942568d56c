"""The best that fits: against results whose answer is known by hand."""

import pytest

from bakeoff.errors import OptionError
from bakeoff.messages import set_language
from bakeoff.study.analysis.limits import Limits, Needs, best_that_fits, parse_limits, shown
from bakeoff.study.results.records import EntrantResult, Verdict


@pytest.fixture(autouse=True)
def english():
    set_language("en")
    yield
    set_language(None)


def _result(name, score, validation, kind="network"):
    return EntrantResult(
        name=name,
        kind=kind,
        family=name,
        score=score,
        low=score - 0.01,
        high=score + 0.01,
        validation_score=validation,
    )


RESULTS = (
    _result("cnn", 0.97, 0.97),
    _result("gru", 0.95, 0.94),
    _result("mlp", 0.94, 0.95),
    _result("knn", 0.93, 0.96, "classical"),
    _result("majority", 0.1, 0.1, "baseline"),
)
NEEDS = {
    "cnn": Needs(latency_seconds=0.004, parameters=50_000, flops=1e6, memory_bytes=3e5),
    "gru": Needs(latency_seconds=0.001, parameters=20_000, flops=2e5, memory_bytes=1e5),
    "mlp": Needs(latency_seconds=0.0005, parameters=9_000, flops=2e4, memory_bytes=5e4),
    "knn": Needs(parameters=70_000),
}


def _verdict():
    return Verdict(metric="accuracy", winner=None, tied=(), leader="cnn", loses_at_most={"mlp": 0.042})


def _asked(**limits):
    return best_that_fits(Limits(**limits), NEEDS, RESULTS, _verdict(), metric="accuracy")


def test_the_best_by_validation_is_taken_and_its_cost_bounded():
    found = _asked(latency_seconds=0.002)
    assert (found.best, found.fits, found.too_much, found.unknown) == (
        "mlp",
        ("gru", "mlp"),
        ("cnn",),
        ("knn",),
    )
    said = " ".join(found.sentences)
    assert (
        "Within the limits mlp is put forward: 94.0 % (93.0 % to 95.0 %); without limits it is cnn, with 97.0 %"
        in said
    )
    assert "The limits cost 4.2 points at most" in said
    assert "Beyond the limits: cnn (4 ms)." in said
    assert "Not measured, and so not put forward: knn." in said


def test_what_is_known_to_be_too_much_is_not_called_unmeasured():
    found = _asked(latency_seconds=0.002, parameters=60_000)
    assert found.too_much == ("cnn", "knn")
    assert found.unknown == ()


def test_a_leader_that_fits_costs_nothing():
    found = _asked(parameters=1e6)
    assert found.best == "cnn"
    assert "the limits cost nothing" in found.sentences[0]


def test_nobody_that_fits_is_said_and_what_to_do():
    found = _asked(flops=1.0)
    assert found.best is None
    assert "name smaller networks" in found.sentences[0]


def test_a_baseline_is_never_put_forward():
    assert "majority" not in {*_asked(parameters=1e9).fits, *_asked(parameters=1e9).unknown}


@pytest.mark.parametrize(
    ("typed", "limits"),
    [
        ({"latency": "2ms"}, Limits(latency_seconds=0.002)),
        ({"latency": "0.5 s"}, Limits(latency_seconds=0.5)),
        ({"parameters": "1.5M"}, Limits(parameters=1.5e6)),
        ({"flops": "2G"}, Limits(flops=2e9)),
        ({"memory": "50MB"}, Limits(memory_bytes=5e7)),
        ({"memory": "1GiB"}, Limits(memory_bytes=2.0**30)),
    ],
)
def test_limits_are_read_with_their_units(typed, limits):
    assert (
        parse_limits(**{"latency": None, "parameters": None, "flops": None, "memory": None, **typed})
        == limits
    )


@pytest.mark.parametrize("typed", ["fast", "2", "-1ms", "0ms", "2MB", "1e3ms"])
def test_a_latency_without_its_unit_is_refused(typed):
    with pytest.raises(OptionError, match=r"--max-latency is a number with its unit, as 2ms or 0\.5s"):
        parse_limits(latency=typed, parameters=None, flops=None, memory=None)


def test_amounts_are_shown_with_units():
    assert shown("flops", 2e9) == "2 G FLOPs"
    assert shown("latency_seconds", 1.5) == "1.5 s"
