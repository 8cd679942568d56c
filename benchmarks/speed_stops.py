"""Do the savings change a verdict? The same comparisons, without a clock, with them and without.

    python benchmarks/speed.py --part stops

Without: every learning rate is trained at full size to its last step, nobody stops before it, and everybody gets every
seed and size. With: as `bakeoff compare --budget none` does it, the worse half of the learning rates leaves twice and a
training stops when validation no longer improves. Under a clock, entrants that can no longer win or tie are left out
of what there is no time for; without one everybody is trained, and so it can be seen whether one of those that would
have been left out is among the best after all.

Both ways train the same networks for the same steps from the same starts on the same splits. A third comparison, with
the savings and from other starts, tells how much of a difference is chance.
"""

import tempfile
from collections.abc import Callable
from statistics import mean, stdev
from typing import Any
from unittest.mock import patch

from bakeoff import models
from bakeoff.data.load import load
from bakeoff.study import so_far, warm
from bakeoff.study.compare import compare
from bakeoff.study.pool import Pool
from bakeoff.study.result import Comparison

SETS = (
    *("iris", "wine", "digits", "planted:motif", "planted:noisy_xor", "planted:linear"),
    *("breast_cancer", "planted:noise", "planted:event_order", "mnist1d"),
)
NETWORKS = ("linear", "mlp", "cnn", "gru", "transformer")
DATA_SEEDS = (0, 1)
STEPS, SEEDS = 600, 2
#: How far apart the seeds of the third comparison are.
OTHER_STARTS = 100


def to_the_last_step(task: Callable[..., Any], *arguments: Any) -> Any:
    """In a worker: a task of `bakeoff.study.work` without what stops trainings early."""
    from bakeoff.study import work

    with patch.multiple(work, HALVINGS=(), PATIENCE=None):
        return task(*arguments)


class Unstopped(Pool):
    """Workers in which no training ends before its last step."""

    def submit(self, task: Callable[..., Any], *arguments: Any, payload: Any = None) -> None:
        super().submit(to_the_last_step, task, *arguments, payload=payload)


def stops(name: str, seed: int, *, steps: int = STEPS) -> dict[str, Any]:
    """Both ways on one data set: who is best, and what the trainings took."""
    ways = (("without", Unstopped, seed), ("with", Pool, seed), ("again", Pool, seed + OTHER_STARTS))
    found = {way: _compare(kind, name, seed, starts, steps) for way, kind, starts in ways}
    without, saved = found["without"], found["with"]
    hopeless = set(saved["scores"]) - set(saved["hopeful"])
    return found | {
        "same_best": without["best"] == saved["best"],
        "same_again": found["again"]["best"] == saved["best"],
        "share_a_best": bool(set(without["best"]) & set(saved["best"])),
        "hopeless": sorted(hopeless),
        "hopeless_among_the_best": sorted(hopeless & {*without["best"], *saved["best"]}),
    }


def _compare(kind: type[Pool], name: str, seed: int, starts: int, steps: int) -> dict[str, Any]:
    """One comparison on the splits of `seed`, its trainings from `starts` on."""
    dataset = load(name, seed=seed)
    networks = [network for network in NETWORKS if models.card(network).takes(dataset.schema)]
    hopeful: set[str] = set()
    judge = so_far.contenders

    def remembered(*arguments: Any, **options: Any) -> set[str]:
        nonlocal hopeful
        hopeful = judge(*arguments, **options)
        return hopeful

    pool = kind(environment=warm.compiled_operators(wait=True))
    with tempfile.TemporaryDirectory() as folder, patch.object(so_far, "contenders", remembered):
        result = compare(dataset, networks, None, starts, out=folder, seeds=SEEDS, steps=steps, pool=pool)
    return _summary(result) | {"hopeful": sorted(hopeful)}


def _summary(result: Comparison) -> dict[str, Any]:
    verdict = result.verdict
    states = [trial.state for trial in result.trials]
    return {
        "best": [verdict.winner] if verdict.winner else sorted(verdict.tied),
        "leader": verdict.leader,
        "cheapest_good": verdict.cheapest_good,
        "scores": {entrant.name: entrant.score for entrant in result.entrants if entrant.score is not None},
        "training_seconds": sum(trial.seconds for trial in result.trials if trial.steps),
        "steps": sum(trial.steps for trial in result.trials),
        "states": {state: states.count(state) for state in sorted(set(states))},
    }


def table(records: list[dict[str, Any]]) -> str:
    """A row a comparison."""
    rows = [r for r in records if r["way"] == "stops" and "failed" not in r]
    if not rows:
        return "Not measured in this run."
    lines = [
        "| data | seed | best without savings | best with | best with, other starts | steps without | with "
        "| entrants that cannot win | of them among the best |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        without, saved = r["without"], r["with"]
        cells = [r["data"], r["family"], "/".join(without["best"]), "/".join(saved["best"])]
        cells += ["/".join(r["again"]["best"]) if "again" in r else "-"]
        cells += [f"{without['steps']:,}", f"{saved['steps']:,}", ", ".join(r["hopeless"]) or "-"]
        lines.append(f"| {' | '.join([*cells, ', '.join(r['hopeless_among_the_best']) or 'none'])} |")
    same, share = (sum(r[key] for r in rows) for key in ("same_best", "share_a_best"))
    again = [r["same_again"] for r in rows if "same_again" in r]
    steps = [sum(r[way]["steps"] for r in rows) for way in ("without", "with")]
    lines += [
        "",
        f"Of {len(rows)} comparisons {same} name the same best entrants with and without savings, and {share} at least "
        f"one entrant in common; of {len(again)} begun again from other starts {sum(again)} name the same. "
        f"The savings leave {100 * steps[1] / steps[0]:.0f} % of the steps.",
        "",
        _accuracies(rows),
    ]
    return "\n".join(lines)


def _accuracies(rows: list[dict[str, Any]]) -> str:
    """What the savings do to the networks' test accuracies, beside what other starts do."""

    def differences(one: str, other: str) -> list[float]:
        return [
            100 * (r[other]["scores"][name] - r[one]["scores"][name])
            for r in rows
            if other in r
            for name in NETWORKS
            if name in r[one]["scores"] and name in r[other]["scores"]
        ]

    saved, again = differences("without", "with"), differences("with", "again")
    error = stdev(saved) / len(saved) ** 0.5
    return (
        f"The test accuracy of a network with savings is {mean(saved):+.2f} points from the one without on average "
        f"over {len(saved)} networks (standard error {error:.2f}); the differences scatter by {stdev(saved):.1f} "
        f"points, those to other starts by {stdev(again):.1f}."
    )
