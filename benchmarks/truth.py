"""Is the verdict right? Planted tasks with a known answer, published accuracies, coverage of the forecasts.

    scripts/bench truth                         all parts, five seeds, the default budget (about an hour)
    scripts/bench truth --only lookup --seeds 1
    scripts/bench truth --only published
    scripts/bench truth --only coverage         some minutes, less where its runs are there already

Every comparison is a run of its own under `--out`; a bench that was stopped goes on where it was. The last lines are
the tables of docs/benchmarks/truth.md.
"""

import argparse
import dataclasses
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from bakeoff import models
from bakeoff.data.schema import Schema
from bakeoff.explain.biases.comparison_evidence import ComparisonEvidence
from bakeoff.study.analysis.learning_curves import fit_curve
from bakeoff.study.analysis.verdict import CurvePoint
from bakeoff.study.comparison.compare import compare
from bakeoff.study.comparison.environment import environment
from bakeoff.study.comparison.settings import ComparisonSettings
from bakeoff.study.results.comparison import Comparison
from bakeoff.tasks.metrics.registry import METRICS

Judge = Callable[[Comparison], bool]
SEQUENTIAL = {"rnn", "lstm", "gru", "transformer"}
#: Published test accuracies on MNIST-1D (Greydanus 2020, arXiv 2011.14439), in percent.
PUBLISHED = {"linear": 32.0, "mlp": 68.0, "cnn": 94.0, "gru": 91.0}
PUBLISHED_SHUFFLED = {"linear": 32.0, "mlp": 68.0, "cnn": 56.0, "gru": 57.0, "gru_as_published": 57.0}
DIGITS_GOAL = 98.5
#: Data whose curves are asked for a forecast, besides those of all other runs.
TABLES = ("iris", "wine", "breast_cancer", "diabetes", "xor", "spirals", "circles")


def best(found: Comparison) -> set[str]:
    """Who may be the best: the winner, or the tied."""
    return {found.verdict.winner} if found.verdict.winner else set(found.verdict.tied)


def linear_is_the_cheapest_good_choice(found: Comparison) -> bool:
    return found.verdict.cheapest_good == "linear"


def linear_fails(found: Comparison) -> bool:
    chance = found.entrant("majority").score or 0.0
    return "linear" not in best(found) and (found.entrant("linear").score or 1.0) < chance + 0.1


def convolution_is_ahead_with_little_data(found: Comparison) -> bool:
    pairs = _curves_of(found, "cnn", "mlp")
    return "cnn" in best(found) and any(cnn.low > mlp.high for cnn, mlp in pairs[:-1])


def convolution_is_no_longer_ahead(found: Comparison) -> bool:
    return not any(cnn.low > mlp.high for cnn, mlp in _curves_of(found, "cnn", "mlp"))


def recurrent_or_attention(found: Comparison) -> bool:
    return bool(best(found) & SEQUENTIAL)


def attention(found: Comparison) -> bool:
    return "transformer" in best(found)


def the_graph_network(found: Comparison) -> bool:
    return found.verdict.winner == "gin"


def graph_network_among_the_best(found: Comparison) -> bool:
    return "gin" in best(found)


def nothing_beats_the_baseline(found: Comparison) -> bool:
    return not found.verdict.beats_baseline and found.verdict.winner in (None, "majority")


def a_tie(found: Comparison) -> bool:
    twins = [found.entrant(name) for name in ("linear", "linear_again")]
    one_in, other_in = ("linear" in best(found)), ("linear_again" in best(found))
    return (
        twins[0].score is not None
        and math.isclose(twins[0].score, twins[1].score or 0, rel_tol=1e-9)
        and one_in == other_in
        and found.verdict.winner not in ("linear", "linear_again")
    )


def _curves_of(found: Comparison, first: str, second: str) -> list[tuple[CurvePoint, CurvePoint]]:
    """Points of two learning curves at the sizes that both have."""
    points = {
        name: {point.examples: point for point in found.entrant(name).curve} for name in (first, second)
    }
    return [(points[first][size], points[second][size]) for size in points[first] if size in points[second]]


PLANTED: dict[str, tuple[str, Judge]] = {
    "linear": ("linear is the cheapest good choice", linear_is_the_cheapest_good_choice),
    "noisy_xor": ("linear fails", linear_fails),
    "motif": ("CNN ahead of the MLP with little data", convolution_is_ahead_with_little_data),
    "shuffled_motif": ("CNN no longer ahead of the MLP", convolution_is_no_longer_ahead),
    "event_order": ("recurrent or attention among the best", recurrent_or_attention),
    "lookup": ("attention among the best", attention),
    "homophily": ("the graph network is the best", the_graph_network),
    "hubs": ("the graph network among the best", graph_network_among_the_best),
    "noise": ("nothing beats the baseline", nothing_beats_the_baseline),
    "tie": ("two that cannot differ are tied", a_tie),
}


def run(
    data: object, networks: list[Any] | None, budget: float, seed: int, out: Path, name: str
) -> Comparison:
    """A comparison as the command line makes it, its whole verdict kept as JSON for the coverage of its forecasts."""
    found = compare(
        data,
        ComparisonSettings(models=networks, budget_seconds=budget, seed=seed, out=out, name=name),
        evidence=ComparisonEvidence(),
    )
    (out / "verdicts").mkdir(exist_ok=True)
    (out / "verdicts" / f"{found.folder.name}.json").write_text(json.dumps(found.to_json()))
    return found


def run_planted(name: str, seed: int, budget: float, out: Path) -> Comparison:
    if name == "tie":
        again = dataclasses.replace(models.card("linear"), name="linear_again")
        return run("breast_cancer", ["linear", again], budget, seed, out, f"tie-{seed}")
    return run(f"planted:{name}", None, budget, seed, out, f"{name}-{seed}")


def planted(
    names: list[str], seeds: int, budget: float, out: Path
) -> Iterator[tuple[str, str, list[bool], list[str]]]:
    """(task, right answer, right or not by seed, what the verdict named by seed)."""
    for name in names:
        answer, judge = PLANTED[name]
        right, named = [], []
        for seed in range(seeds):
            started = time.monotonic()
            found = run_planted(name, seed, budget, out)
            right.append(judge(found))
            named.append("/".join(sorted(best(found))) or "-")
            scores = ", ".join(f"{e.name} {e.score:.3f}" for e in found.entrants if e.score is not None)
            seconds = time.monotonic() - started
            print(
                f"{name} seed {seed}: {'right' if right[-1] else 'WRONG'}: {named[-1]} ({scores}) {seconds:.1f} s",
                flush=True,
            )
        yield name, answer, right, named


def published_gru(schema: Schema, width: int | None = None) -> nn.Module:
    """Greydanus' GRU: both directions, 6 units each; the answer from the states of all steps side by side.

    So each step has weights of its own, as in an MLP; the family `gru` answers from the last state.
    """
    return PublishedGRU(schema.outputs, width or 6)


class PublishedGRU(nn.Module):
    """`outputs = W [h_1, ..., h_40] + b`; h_t holds both directions."""

    def __init__(self, outputs: int, width: int, steps: int = 40) -> None:
        super().__init__()
        self.cell = nn.GRU(1, width, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width * steps, outputs)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.cell(x.mT)  # [B, 1, T] -> [B, T, 2 width]
        return self.head(states.flatten(1))


def published(budget: float, out: Path) -> Iterator[tuple[str, str, float, float]]:
    """(data, network, ours, published), accuracies in percent."""
    import numpy as np

    from bakeoff.data.load import load

    as_published = dataclasses.replace(models.card("gru"), name="gru_as_published", build=published_gru)
    plain = load("mnist1d")
    shuffle = np.random.default_rng(0).permutation(plain.inputs.shape[-1])
    shuffled = plain.changed(
        name="mnist1d-shuffled", inputs=np.ascontiguousarray(plain.inputs[:, :, shuffle])
    )
    for data, known in ((plain, PUBLISHED), (shuffled, PUBLISHED_SHUFFLED)):
        networks = [as_published if name == as_published.name else name for name in known]
        found = run(data, networks, budget, 0, out, f"published-{data.name}")
        for name, theirs in known.items():
            score = found.entrant(name).score
            yield data.name, name, float("nan") if score is None else 100 * score, theirs
    found = run("digits", None, 60.0, 0, out, "published-digits")
    leader = found.entrant(found.verdict.leader or "")
    yield "digits (60 s)", f"{leader.name}, the leader", 100 * (leader.score or 0), DIGITS_GOAL


def stored_verdicts(out: Path, others: Path | None) -> list[Path]:
    """Every verdict that runs of this bench have left, and those of a folder of other runs, of `bakeoff` or a bench."""
    kept = sorted((out / "verdicts").glob("*.json"))
    if others is None:
        return kept
    return kept + sorted([*others.glob("*/verdict.json"), *others.glob("verdicts/*.json")])


def coverage(verdicts: list[Path]) -> tuple[int, int, int]:
    """Hide the largest size of every curve of these runs and predict it: (in the 80 % interval, forecast, withheld)."""
    inside = forecasts = withheld = 0
    for path in verdicts:
        record = json.loads(path.read_text())
        metric = METRICS[record["metric"]]
        chance = max(
            (
                metric.sign * e["score"]
                for e in record["entrants"]
                if e["kind"] == "baseline" and e["score"] is not None
            ),
            default=None,
        )
        for entrant in record["entrants"]:
            if entrant["kind"] == "baseline" or len(entrant["curve"]) < 5:
                continue
            *known, hidden = [CurvePoint(**{**p, "seeds": tuple(p["seeds"])}) for p in entrant["curve"]]
            fit = fit_curve(known, metric, chance=None if chance is None else metric.sign * chance)
            if fit.withheld is not None:
                withheld += 1
                continue
            _, low, high = fit.predict(hidden.examples)
            forecasts += 1
            inside += low <= hidden.score <= high
    return inside, forecasts, withheld


def _run_name(verdict: Path) -> str:
    return verdict.parent.name if verdict.stem == "verdict" else verdict.stem


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", help=f"published, coverage, or of {', '.join(PLANTED)}")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of each planted comparison")
    parser.add_argument("--published-budget", type=float, default=300.0)
    parser.add_argument(
        "--coverage-budget",
        type=float,
        default=30.0,
        help="seconds of each comparison that is run for coverage",
    )
    parser.add_argument(
        "--reuse", type=Path, help="a folder of other runs whose forecasts are judged as well"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/bench-truth"))
    options = parser.parse_args()
    chosen = options.only or [*PLANTED, "published", "coverage"]
    facts = environment()
    print(
        f"{facts['processor']}, {facts['cores']} cores, Python {platform.python_version()}, torch {facts['torch']}"
    )
    tasks = list(
        planted([name for name in PLANTED if name in chosen], options.seeds, options.budget, options.out)
    )
    if tasks:
        print("\n| task | right answer | right | the verdict named |\n|---|---|---|---|")
        for name, answer, right, named in tasks:
            print(f"| {name} | {answer} | {sum(right)} of {len(right)} | {'; '.join(sorted(set(named)))} |")
    if "published" in chosen:
        print("\n| data | network | ours, % | published, % |\n|---|---|---|---|")
        for data, name, ours, theirs in published(options.published_budget, options.out):
            print(f"| {data} | {name} | {ours:.1f} | {theirs:.1f} |", flush=True)
    if "coverage" in chosen:
        for name in TABLES:
            if not (options.out / "verdicts" / f"coverage-{name}.json").exists():
                run(name, None, options.coverage_budget, 0, options.out, f"coverage-{name}")
        verdicts = stored_verdicts(options.out, options.reuse)
        for path in verdicts:
            print("{}: {} of {} in the interval, {} withheld".format(_run_name(path), *coverage([path])))
        inside, forecasts, withheld = coverage(verdicts)
        share = f"{100 * inside / forecasts:.0f} %" if forecasts else "-"
        print(
            f"\nForecasts of the hidden largest size: {inside} of {forecasts} in the 80 % interval ({share}),"
        )
        print(f"{withheld} withheld.")
    return int(any(not all(right) for _, _, right, _ in tasks))


if __name__ == "__main__":
    sys.exit(main())
