"""Comparisons made up for the tests of the report: real records, real digits, answers of a simple classifier."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff.data import load as data_load
from bakeoff.data.assembly import with_scaling
from bakeoff.data.card import data_card
from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Classes, Forecast, Image, Schema, Series, Table, Tokens, Value
from bakeoff.data.splits import make_splits
from bakeoff.messages.statement import because
from bakeoff.study.analysis.verdict import Crossover, CurvePoint, EntrantResult, MoreData, Statement, Verdict
from bakeoff.study.results.comparison import Comparison, Mistake, TrialSummary
from bakeoff.study.results.outcome import Skipped

HOSTILE = "<script>alert(1)</script>"

#: name, kind, family, error at full size, exponent, parameters, FLOPs, seconds
_FIELD = (
    ("cnn", "network", "cnn", 0.011, 0.62, 23_946, 1_254_912, 14.2),
    ("gru", "network", "gru", 0.016, 0.58, 15_370, 240_768, 11.9),
    ("knn", "classical", "classical", 0.017, 0.50, None, 147_200, 0.4),
    ("transformer", "network", "transformer", 0.021, 0.66, 51_850, 3_420_160, 21.4),
    ("mlp", "network", "mlp", 0.023, 0.45, 9_610, 19_220, 3.1),
    ("lstm", "network", "lstm", 0.026, 0.57, 20_490, 321_024, 13.0),
    ("boosting", "classical", "classical", 0.031, 0.44, None, None, 6.5),
    ("linear", "network", "linear", 0.042, 0.30, 650, 1_300, 1.2),
    ("rnn", "network", "rnn", 0.045, 0.40, 5_130, 80_256, 9.7),
    ("majority", "baseline", "baseline", 0.90, 0.0, 0, 0, 0.0),
)


def entrant_results(
    sizes: Sequence[int] = (72, 144, 287, 575, 1150), *, scale: float = 1.0, lower: bool = False
) -> tuple[EntrantResult, ...]:
    """Ten entrants whose errors fall as powers of the number of examples; the last but one has no forecast.

    `lower`: scores are the errors themselves (times `scale`), not 1 - error.
    """
    full = sizes[-1]

    def point(error: float, exponent: float, examples: int, share: float) -> CurvePoint:
        at = min(error * (examples / full) ** -exponent, 0.9)
        spread = share * min(at, 0.1) + 0.002
        if lower:
            return CurvePoint(
                examples=examples,
                score=scale * at,
                low=scale * max(at - spread, 0.0),
                high=scale * (at + spread),
            )
        return CurvePoint(
            examples=examples, score=1 - at, low=1 - at - spread, high=min(1 - at + spread, 1.0)
        )

    made = []
    for name, kind, family, error, exponent, parameters, flops, seconds in _FIELD:
        curve = tuple(point(error, exponent, size, 0.25) for size in sizes)
        ahead = kind == "network" and name != "rnn"
        made.append(
            EntrantResult(
                name=name,
                kind=kind,  # type: ignore[arg-type]
                family=family,
                score=curve[-1].score,
                low=curve[-1].low,
                high=curve[-1].high,
                parameters=parameters,
                flops_per_example=flops,
                train_seconds=seconds,
                learning_rate=3e-3 if kind == "network" else None,
                curve=curve,
                forecast=tuple(point(error, exponent, times * full, 0.5) for times in (2, 4, 10))
                if ahead
                else (),
                forecast_withheld=None if ahead or kind == "baseline" else "too_noisy",
            )
        )
    made.append(
        EntrantResult(
            name="big_transformer",
            kind="network",
            family="transformer",
            judged=False,
            state="not_started",
            reason=because("steps", steps=150),
            needed_seconds=95.0,
            parameters=11_200_000,
            flops_per_example=1_900_000_000,
        )
    )
    return tuple(made)


def digits_comparison(**changes: object) -> Comparison:
    """A winner on the digits, with the answers of a nearest-centroid classifier standing in for those of networks."""
    dataset = data_load.load("digits")
    return _comparison(dataset, _centroid_outputs(dataset), **changes)


def hostile_comparison() -> Comparison:
    """The digits with class names, a data name and entrants that would be markup if anybody let them."""
    dataset = data_load.load("digits")
    names = (
        HOSTILE,
        "<img src=x onerror=alert(2)>",
        "[bold red]no[/]",
        "\x1b[31mred",
        "고양이",
        "%{x}",
        "$x^2$",
        "</style>",
        "a\nb",
        "{{7*7}}",
    )
    hostile = dataset.changed(
        schema=Schema(input=dataset.schema.input, target=Classes(names=names)), name=HOSTILE
    )
    found = _comparison(hostile, _centroid_outputs(hostile))
    first = replace(found.entrants[0], name=HOSTILE)
    verdict = replace(
        found.verdict,
        winner=HOSTILE,
        leader=HOSTILE,
        probability_best={HOSTILE: 1.0},
        statements=_statements(HOSTILE),
    )
    outputs = {HOSTILE if name == "cnn" else name: values for name, values in found.test_outputs.items()}
    return replace(
        found,
        entrants=(first, *found.entrants[1:]),
        verdict=verdict,
        test_outputs=outputs,
        warnings=(HOSTILE,),
    )


def tie_comparison() -> Comparison:
    found = digits_comparison()
    tied = ("cnn", "gru", "knn")
    verdict = replace(
        found.verdict,
        winner=None,
        tied=tied,
        probability_best={"cnn": 0.62, "gru": 0.21, "knn": 0.17},
        needs_network=False,
        cheapest_good="knn",
        statements=(
            Statement(
                key="verdict.leads",
                values={
                    "others": "gru 21 %, knn 17 %",
                    "count": 3,
                    "missing": "",
                    "leader": "cnn",
                    "metric": Statement(key="verdict.metric.accuracy", values={}),
                    "score": "98.9 %",
                    "low": "98.4 %",
                    "high": "99.4 %",
                    "probability": "62 %",
                },
            ),
            Statement(
                key="verdict.no_network",
                values={
                    "name": "knn",
                    "score": "98.3 %",
                    "margin": "1 point",
                    "network": "cnn",
                    "network_score": "98.9 %",
                    "scope": "",
                },
            ),
            *found.verdict.statements[2:],
        ),
    )
    return replace(found, verdict=verdict)


def values_comparison() -> Comparison:
    """Diabetes: one value, RMSE, the answers off by a known noise."""
    dataset = data_load.load("diabetes")
    truth = np.asarray(dataset.targets_at(dataset.splits.test), np.float64).reshape(-1, 1)
    noise = np.random.default_rng(0).normal(size=truth.shape)
    outputs = {
        "cnn": truth + 40 * noise,
        "gru": truth + 50 * noise,
        "majority": np.full_like(truth, truth.mean()),
    }
    worst = np.argsort(-np.abs(noise[:, 0]))[:8]
    mistakes = tuple(
        Mistake(
            index=int(dataset.splits.test[place]),
            truth=f"{truth[place, 0]:.0f}",
            answer=f"{outputs['cnn'][place, 0]:.1f}",
            confidence=float(abs(noise[place, 0])),
        )
        for place in worst
    )
    return _comparison(
        dataset,
        outputs,
        metric="rmse",
        entrants=entrant_results((18, 35, 71, 141, 283), scale=2000, lower=True),
        mistakes=mistakes,
    )


def made_up_comparison(kind: str, *, classes: int = 3) -> Comparison:
    """ "series", "tokens", "table" or "forecast" of random numbers, "classes" classes."""
    rng = np.random.default_rng(1)
    count = 400
    inputs: NDArray[np.float32] | NDArray[np.int32]
    labels = None
    names = tuple(f"class {place}" for place in range(classes))
    targets: NDArray[np.int64] | NDArray[np.float32] = rng.integers(0, classes, count)
    if kind == "series":
        steps = np.linspace(0, 12, 150)
        inputs = (
            (np.sin(steps * rng.uniform(0.5, 2, (count, 1, 1))) + rng.normal(0, 0.15, (count, 3, 150)))
            .cumsum(2)
            .astype(np.float32)
        )
        schema = Schema(input=Series(channels=3, length=150), target=Classes(names=names))
    elif kind == "tokens":
        inputs = rng.integers(1, 500, (count, 30)).astype(np.int32)
        labels = ["A film that promises much & keeps <i>little</i>, though the last scene is lovely."] * count
        schema = Schema(input=Tokens(vocabulary_size=500, length=30), target=Classes(names=names))
    elif kind == "table":
        inputs = rng.normal(size=(count, 11)).astype(np.float32)
        schema = Schema(input=Table(features=11), target=Classes(names=names))
    else:
        assert kind == "forecast", kind
        inputs = rng.normal(size=(count, 1, 48)).cumsum(2).astype(np.float32)
        targets = (inputs[:, 0, -1:] + rng.normal(size=(count, 12)).cumsum(1)).astype(np.float32)
        schema = Schema(input=Series(channels=1, length=48), target=Forecast(horizon=12, season=12))
    dataset = with_scaling(
        Dataset(
            name=f"made_up_{kind}",
            schema=schema,
            inputs=inputs,
            targets=targets,
            splits=make_splits(schema, targets),
            labels=labels,
            seasonal_scale=1.0,
        )
    )
    if kind == "forecast":
        truth = targets[dataset.splits.test].astype(np.float64)
        drift = np.sqrt(np.arange(1, 13))
        answers = {
            name: truth + rng.normal(size=truth.shape) * drift * off
            for name, off in (("cnn", 0.7), ("gru", 0.8), ("majority", 1.0))
        }
        return _comparison(dataset, answers, metric="rmse", entrants=entrant_results(scale=20, lower=True))
    truth_codes = np.asarray(dataset.targets_at(dataset.splits.test), np.int64)
    logits = rng.normal(size=(len(truth_codes), classes)) + 2.2 * np.eye(classes)[truth_codes]
    log_probabilities = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return _comparison(dataset, {"cnn": log_probabilities})


def _centroid_outputs(dataset: Dataset) -> dict[str, NDArray[np.float64]]:
    train, test = dataset.splits.train, dataset.splits.test
    flat = dataset.inputs.reshape(len(dataset), -1).astype(np.float64) / 16
    centres = np.stack(
        [flat[train][dataset.targets[train] == code].mean(0) for code in range(dataset.schema.outputs)]
    )
    logits = -2.0 * ((flat[test][:, None] - centres) ** 2).sum(2)
    return {"cnn": logits - np.log(np.exp(logits).sum(1, keepdims=True))}


def _mistakes(dataset: Dataset, outputs: NDArray[np.float64]) -> tuple[Mistake, ...]:
    target = dataset.schema.target
    if not isinstance(target, Classes):
        return ()
    truth = dataset.targets_at(dataset.splits.test)
    answer, sure = outputs.argmax(1), np.exp(outputs.max(1))
    wrong = np.flatnonzero(answer != truth)
    worst = wrong[np.argsort(-sure[wrong])][:12]
    return tuple(
        Mistake(
            index=int(dataset.splits.test[place]),
            truth=target.names[truth[place]],
            answer=target.names[answer[place]],
            confidence=float(sure[place]),
        )
        for place in worst
    )


def _statements(winner: str) -> tuple[Statement, ...]:
    return (
        Statement(
            key="verdict.winner",
            values={
                "leader": winner,
                "metric": Statement(key="verdict.metric.accuracy", values={}),
                "score": "98.9 %",
                "low": "98.4 %",
                "high": "99.4 %",
                "count": 3,
                "missing": "",
                "scope": "",
            },
        ),
        Statement(
            key="verdict.cheapest",
            values={
                "cheapest": "mlp",
                "score": "97.7 %",
                "flops": "19.2 thousand",
                "times": "65.3",
                "leader": winner,
                "leader_score": "98.9 %",
                "margin": "2 points",
            },
        ),
        Statement(
            key="verdict.more_data_helps",
            values={
                "multiple": 4,
                "examples": "4,600",
                "entrant": winner,
                "score": "99.5 %",
                "low": "99.2 %",
                "high": "99.8 %",
                "now": "98.9 %",
            },
        ),
        Statement(key="verdict.unjudged_budget", values={"names": "big_transformer", "seconds": "95"}),
    )


def _comparison(
    dataset: Dataset,
    outputs: dict[str, NDArray[np.float64]],
    *,
    metric: str = "accuracy",
    entrants: tuple[EntrantResult, ...] | None = None,
    mistakes: tuple[Mistake, ...] | None = None,
) -> Comparison:
    field = entrants if entrants is not None else entrant_results()
    trials = tuple(
        TrialSummary(
            entrant=entrant.name,
            examples=point.examples,
            seed=seed,
            setting=entrant.learning_rate,
            steps=1200 if entrant.kind == "network" else 0,
            state="diverged" if entrant.name == "rnn" and seed == 2 else "finished",
            reason=because("no_longer_finite", steps=37) if entrant.name == "rnn" and seed == 2 else None,
            validation_score=point.score,
            seconds=entrant.train_seconds / 15,
        )
        for entrant in field
        for point in entrant.curve
        for seed in range(3)
    )
    return Comparison(
        name=dataset.name,
        folder=Path("runs") / "digits",
        dataset=dataset,
        data_card=data_card(dataset),
        metric=metric,
        seconds=57.3,
        budget_seconds=60.0,
        seed=0,
        seeds=3,
        steps=1200,
        verdict=Verdict(
            metric=metric,
            winner="cnn",
            leader="cnn",
            probability_best={"cnn": 0.971, "gru": 0.02, "knn": 0.009, "majority": 0.0},
            cheapest_good="mlp",
            needs_network=True,
            beats_baseline=True,
            more_data=MoreData(entrant="cnn"),
            crossovers=(Crossover(behind="transformer", ahead="cnn", examples=5200, low=2100, high=90_000),),
            unjudged=("big_transformer",),
            statements=_statements("cnn"),
        ),
        entrants=field,
        trials=trials,
        skipped=(
            Skipped(
                entrant="big_transformer",
                what="too_dear",
                reason=because("steps", steps=150),
                seconds=95.0,
            ),
            Skipped(entrant="linear", what="cannot_win", reason=because("no_time"), seconds=1.3),
        ),
        warnings=("Class '8' has only nine test examples.",),
        environment={
            "bakeoff": "0.1.0",
            "torch": "2.13.0",
            "python": "3.11.9",
            "processor": "AMD EPYC, 2 cores",
            "accelerator": "none",
        },
        test_indices=dataset.splits.test,
        test_targets=dataset.targets_at(dataset.splits.test),
        test_outputs={name: values.astype(np.float32) for name, values in outputs.items()},
        mistakes=_mistakes(dataset, next(iter(outputs.values()))) if mistakes is None else mistakes,
    )


__all__ = [
    "HOSTILE",
    "Image",
    "Value",
    "digits_comparison",
    "entrant_results",
    "hostile_comparison",
    "made_up_comparison",
    "tie_comparison",
    "values_comparison",
]
