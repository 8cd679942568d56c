"""Are the verdict's claims true as often as stated? Simulated comparisons with a known truth (`validity_worlds`).

    scripts/bench validity [--fast] [--only NAME ...] [--out FILE]

Each measure prints one line a cell; `docs/benchmarks/validity.md` keeps the figures. `--fast` takes a
tenth of the repetitions. Nothing is trained: what is tested is what is said of outputs, not the outputs.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from validity_worlds import World, errors, forecasts, shares

from bakeoff.study.analysis.judgement import judge
from bakeoff.study.analysis.uncertainty import Ranking, rank_entrants
from bakeoff.study.results.records import EntrantResult
from bakeoff.tasks.dependence import dependence_lag
from bakeoff.tasks.forecasting import time_blocks
from bakeoff.tasks.metrics.registry import METRICS

ACCURACY, RMSE, MAE = METRICS["accuracy"], METRICS["rmse"], METRICS["mae"]
REPLICATES = 400
Figures = dict[str, float]


def stand(world: World, *, metric: str = "accuracy", by_validation: bool = True, **options: Any) -> Ranking:
    """The standing of a world's entrants."""
    return rank_entrants(
        world.entrants,
        world.targets,
        METRICS[metric],
        validation=world.validation if by_validation else None,
        replicates=REPLICATES,
        **options,
    )


def coverage_of_shares(repetitions: int) -> Figures:
    """How often the 95 % interval of an accuracy holds the expected one, over a grid."""
    return _coverage(
        repetitions,
        {
            f"{examples} examples, {accuracy:.0%}, {entrants} entrants": (examples, accuracy, entrants)
            for examples in (30, 100, 360, 2000)
            for accuracy in (0.6, 0.8, 0.9, 0.95, 0.98)
            for entrants in (2, 8)
        },
        _share_world,
        "accuracy",
    )


def coverage_of_errors(repetitions: int) -> Figures:
    """The same for RMSE, with normal and longer tails; the mean is without those that few examples cannot show."""
    return _coverage(
        repetitions,
        {
            f"{examples} examples, {tail}, {entrants} entrants": (examples, tail, entrants)
            for examples in (30, 100, 360, 2000)
            for tail in ("normal", "laplace", "t5", "t3", "rare")
            for entrants in (2, 8)
        },
        _error_world,
        "rmse",
    )


def _share_world(rng: np.random.Generator, cell: tuple[Any, ...], turn: int) -> World:
    examples, accuracy, entrants = cell
    others = np.clip(accuracy - 0.08 * rng.random(entrants - 1), 0.05, 1.0)
    return shares(rng, [accuracy, *others], examples, seed_spread=(0.0, 0.005, 0.02)[turn % 3])


def _error_world(rng: np.random.Generator, cell: tuple[Any, ...], turn: int) -> World:
    examples, tail, entrants = cell
    others = 1 + 0.3 * rng.random(entrants - 1)
    return errors(rng, [1.0, *others], examples, tail=tail, seed_spread=(0.0, 0.02, 0.06)[turn % 3])


def _coverage(
    repetitions: int, cells: dict[str, tuple[Any, ...]], world: Callable[..., World], metric: str
) -> Figures:
    found: Figures = {}
    for name, cell in cells.items():
        held = []
        turns = max(repetitions * 2 // cell[-1], 12)
        for turn in range(turns):
            made = world(np.random.default_rng([turn, cell[0], cell[-1]]), cell, turn)
            scores = stand(made, metric=metric).scores
            held += [scores[one].low <= truth <= scores[one].high for one, truth in made.truth.items()]
        found[name] = float(np.mean(held))
    usual = [share for name, share in found.items() if "t3" not in name and "rare" not in name]
    return {"mean": float(np.mean(usual)), "lowest": min(usual), **found}


def false_winners(repetitions: int) -> Figures:
    """Of equal entrants; of two every winner is false, and so it is of eight."""
    found: Figures = {}
    for entrants in (2, 8):
        for spread in (0.0, 0.005, 0.02):
            won, biases, by_test, networks = 0, [], [], []
            for turn in range(repetitions):
                world = shares(
                    np.random.default_rng([turn, entrants, 1]), [0.9] * entrants, 360, seed_spread=spread
                )
                place = stand(world)
                won += place.winner is not None
                biases.append(place.scores[place.leader].score - 0.9)
                networks.append(place.scores[place.leader].score - world.networks[place.leader])
                by_test.append(place.scores[place.top].score - 0.9)
            cell = f"{entrants} equal, seeds spread {100 * spread:g} points"
            found[f"winner: {cell}"] = won / repetitions
            found[f"leader's bias in points: {cell}"] = 100 * float(np.mean(biases))
            found[f"the same against the networks trained: {cell}"] = 100 * float(np.mean(networks))
            found[f"bias by test in points: {cell}"] = 100 * float(np.mean(by_test))
    return found


def power(repetitions: int) -> Figures:
    """One is 2 points better than seven others: how often it is named, and how often by a rule that knows all."""
    found: Figures = {}
    for accuracy in (0.9, 0.95):
        truth = [accuracy + 0.02, *[accuracy] * 7]
        won = 0
        for turn in range(repetitions):
            won += stand(shares(np.random.default_rng([turn, 2]), truth, 360)).winner == "e0"
        worlds = [shares(np.random.default_rng([turn, 3]), truth, 360) for turn in range(1000)]
        scores = np.array(
            [
                [np.mean([_accuracy(run) for run in runs]) for runs in made.entrants.values()]
                for made in worlds
            ]
        )
        checked = np.array([list(made.validation.values()) for made in worlds])
        spread = np.cov(scores.T)
        pair = np.sqrt(np.maximum(np.add.outer(np.diag(spread), np.diag(spread)) - 2 * spread, 1e-12))
        chosen = checked.argmax(axis=1) == 0
        ahead = scores[:, :1] - scores[:, 1:]
        name = f"{100 * accuracy:g} %"
        found[f"named: {name}"] = won / repetitions
        found[f"oracle, chosen by validation: {name}"] = float(
            (chosen & (ahead > 1.645 * pair[0, 1:]).all(axis=1)).mean()
        )
        found[f"oracle, chosen by test: {name}"] = float((ahead > 1.96 * pair[0, 1:]).all(axis=1).mean())
        found[f"error of a difference in points: {name}"] = 100 * float(pair[0, 1:].mean())
    return found


def _accuracy(outputs: np.ndarray) -> float:
    return float((outputs.argmax(axis=1) == 0).mean())


def reliability(repetitions: int) -> Figures:
    """Of those said to be the best with some probability, how many are; true scores spread by 0.2 to 5 points."""
    said, true = [], []
    for turn in range(repetitions):
        rng = np.random.default_rng([turn, 4])
        entrants = (2, 4, 8)[turn % 3]
        spread = float(np.exp(rng.uniform(np.log(0.002), np.log(0.05))))
        truth = np.clip(0.88 + spread * rng.standard_normal(entrants), 0.5, 0.99)
        place = stand(shares(rng, list(truth), 360))
        said += [place.probability_best[f"e{index}"] for index in range(entrants)]
        true += list(np.arange(entrants) == truth.argmax())
    found: Figures = {}
    edges = (0.0, 0.1, 0.25, 0.4, 0.6, 0.8, 1.001)
    for low, high in itertools.pairwise(edges):
        inside = [low <= share < high for share in said]
        if any(inside):
            name = f"{low:.0%} to {min(high, 1):.0%} ({sum(inside)})"
            found[f"said: {name}"] = float(np.mean(np.array(said)[inside]))
            found[f"true: {name}"] = float(np.mean(np.array(true)[inside]))
    return found


def choices(repetitions: int) -> Figures:
    """ "No network needed" and "cheapest good": how often said where false, and where true by twice the margin."""
    found: Figures = {}
    for examples, accuracy in ((360, 0.9), (1000, 0.9), (1000, 0.95)):
        for gap, word in ((0.015, "false"), (0.03, "false"), (-0.02, "true")):
            network, cheapest = 0, 0
            truth = [accuracy - gap, accuracy - 0.01, accuracy, accuracy - 0.01]
            for turn in range(repetitions):
                world = shares(np.random.default_rng([turn, 5]), truth, examples)
                entrants = _records(world)
                judgement = judge(entrants, stand(world, deterministic=()), ACCURACY)
                network += any(one.key.startswith("verdict.no_network") for one in judgement.statements)
                best = max(world.truth.values())
                cheap = judgement.cheapest
                said = any(one.key == "verdict.cheapest" for one in judgement.statements)
                cheapest += said and cheap is not None and best - world.truth[cheap] > 0.01
            cell = f"{examples} examples, {accuracy:.0%}, the classical one {-100 * gap:+g} points"
            found[f"no network needed ({word}): {cell}"] = network / repetitions
            found[f"cheapest good, false: {cell}"] = cheapest / repetitions
    return found


def _records(world: World) -> list[EntrantResult]:
    """The first is classical, the others networks, each twice as dear as the one before."""
    return [
        EntrantResult(
            name=name,
            kind="network" if index else "classical",
            family=name,
            flops_per_example=1000 * 2**index,
            validation_score=world.validation[name],
        )
        for index, name in enumerate(world.entrants)
    ]


def one_seed(repetitions: int) -> Figures:
    """Trained once: the interval is of these networks, and says so."""
    own, family, told = [], [], []
    for turn in range(repetitions):
        world = shares(np.random.default_rng([turn, 6]), [0.9, 0.9], 360, seeds=1, seed_spread=0.02)
        place = stand(world)
        told.append(place.seeds_unknown)
        for name, score in place.scores.items():
            own.append(score.low <= world.networks[name] <= score.high)
            family.append(score.low <= world.truth[name] <= score.high)
    return {
        "holds the score of this network": float(np.mean(own)),
        "holds that of the family (not claimed)": float(np.mean(family)),
        "said to be of these networks": float(np.mean(told)),
    }


def dependent_errors(repetitions: int) -> Figures:
    """Equal forecasts in overlapping windows whose level wanders: false winners, by test alone."""
    found: Figures = {}
    for moments in (240, 600):
        for persistence in (0.0, 0.9, 0.95):
            won, widths = 0, []
            for turn in range(repetitions):
                made = forecasts(np.random.default_rng([turn, 7]), 2, moments, persistence=persistence)
                nothing = np.zeros((moments, 8))
                size = np.stack([np.abs(runs[0]).mean(axis=1) for runs in made.values()], axis=1)
                lag = dependence_lag(np.concatenate([size, size - size.mean(axis=1, keepdims=True)], axis=1))
                groups = time_blocks(np.arange(moments), horizon=8, window=12, lag=lag)
                place = rank_entrants(made, nothing, MAE, groups=groups, replicates=REPLICATES)
                won += place.winner is not None
                widths.append(place.differences[0].high - place.differences[0].low)
            found[f"width of a difference: {moments} moments, persistence {persistence:g}"] = float(
                np.mean(widths)
            )
            found[f"winner of two equal: {moments} moments, persistence {persistence:g}"] = won / repetitions
    return found


MEASURES: dict[str, tuple[Callable[[int], Figures], int]] = {
    "coverage_of_shares": (coverage_of_shares, 150),
    "coverage_of_errors": (coverage_of_errors, 150),
    "false_winners": (false_winners, 600),
    "power": (power, 600),
    "reliability": (reliability, 1500),
    "choices": (choices, 400),
    "one_seed": (one_seed, 400),
    "dependent_errors": (dependent_errors, 400),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="a tenth of the repetitions")
    parser.add_argument("--part", type=float, default=1.0, help="so many of the repetitions, as 0.5")
    parser.add_argument("--only", nargs="*", choices=sorted(MEASURES), default=list(MEASURES))
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    results: dict[str, Figures] = {}
    for name in options.only:
        measure, repetitions = MEASURES[name]
        begun = time.perf_counter()
        part = 0.1 if options.fast else options.part
        results[name] = measure(max(int(repetitions * part), 20))
        print(f"\n{name} ({time.perf_counter() - begun:.0f} s)")
        for cell, value in results[name].items():
            print(f"  {cell:70} {value:.3f}", flush=True)
        if options.out:
            options.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
