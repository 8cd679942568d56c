"""Do the savings change a verdict? The same comparisons, without a clock, with them and without.

    python benchmarks/speed.py --part stops

Without: every learning rate is trained at full size to its last step. With: as `bakeoff compare --budget none` does it,
two of the four learning rates leave on the way, and a training stops when validation no longer improves or its answers
no longer change. Under a clock, entrants that can no longer win or tie are left out of what there is no time
for; whether one of those would have been among the best is seen too.

Both ways are replayed on the very same trainings, recorded to their last step once (`speed_recordings.py`), by the
functions that decide it in a comparison; the test of a replay is that `compare` itself gives its scores, to twelve
digits. The same comparison from other starts tells how much of a difference is chance.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from speed_recordings import NETWORKS, STEPS, Course, Recording, recorded, starts_of

from bakeoff.data.dataset import training_order
from bakeoff.study.analysis.uncertainty import Ranking, rank_entrants
from bakeoff.study.comparison.compare import compare
from bakeoff.study.comparison.settings import ComparisonSettings
from bakeoff.study.design import classical
from bakeoff.study.design.jobs import training_sizes
from bakeoff.study.protocol import (
    EVALUATIONS,
    LEARNING_RATES,
    PATIENCE_EVALUATIONS,
    REJECTION_PARTS,
    SEEDS,
    UNCHANGED_EVALUATIONS,
)
from bakeoff.study.schedule.racing import survivors
from bakeoff.tasks.registry import task_of
from bakeoff.train.early_stopping import Watch
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stacked.successive_rejects import eliminated

SETS = (
    *("iris", "wine", "breast_cancer", "diabetes", "spirals", "circles", "digits", "mnist1d"),
    *("planted:linear", "planted:noisy_xor", "planted:noise", "planted:motif", "planted:event_order"),
    "planted:lookup",
)
DATA_SEEDS = (0, 1)
#: Here `compare` itself is run too.
CHECKED = ("iris", "diabetes", "digits")


@dataclass(frozen=True, kw_only=True)
class Savings:
    """What ends trainings before their last step; nothing by default."""

    rejections: tuple[float, ...] = ()
    patience: int | None = None
    settled: int | None = None

    def recipe(self) -> Recipe:
        return Recipe(
            steps=STEPS,
            evaluations=EVALUATIONS,
            rejections=self.rejections,
            patience=self.patience,
            settled=self.settled,
        )


WAYS = {
    "without": Savings(),
    "with": Savings(rejections=REJECTION_PARTS, patience=PATIENCE_EVALUATIONS, settled=UNCHANGED_EVALUATIONS),
    "rejections": Savings(rejections=REJECTION_PARTS),
    "stops": Savings(patience=PATIENCE_EVALUATIONS, settled=UNCHANGED_EVALUATIONS),
}


def stops(data: str, seed: int, folder: Path) -> dict[str, Any]:
    """All ways on one dataset, from its starts and from others: who is best, by which rates, and the steps."""
    recording = recorded(data, seed, folder)
    starts = starts_of(seed)
    plain = _classical(recording, starts)
    found: dict[str, Any] = {"networks": recording.networks}
    for name, places in (("first", range(SEEDS)), ("again", range(SEEDS, 2 * SEEDS))):
        found[name] = {way: _replay(recording, plain, places, savings) for way, savings in WAYS.items()}
    if data in CHECKED and seed == DATA_SEEDS[0]:
        itself, replayed = _scores_of_compare(recording, seed), found["first"]["with"]["scores"]
        found["as_compare"] = all(
            isclose(itself[network] or 0, replayed[network], rel_tol=1e-12) for network in recording.networks
        )
    return found


def _replay(
    recording: Recording, plain: Mapping[str, Any], places: Sequence[int], savings: Savings
) -> dict[str, Any]:
    """The verdict of one comparison with these savings."""
    dataset, recipe = recording.dataset, savings.recipe()
    tests: dict[str, list[np.ndarray]] = {}
    validation: dict[str, np.ndarray] = {}
    rates, steps = {}, 0
    for network in recording.networks:
        rate, best, taken = _tuned(recording, network, places[0], recipe)
        rates[network] = LEARNING_RATES[rate]
        course = recording.course(network, rate, places[0])
        validation[network], tests[network] = course.validation[best], [course.test[best]]
        for place in places[1:]:
            course = recording.course(network, rate, place)
            best, last = _stopped(course, recipe)
            tests[network].append(course.test[best])
            taken += int(course.steps[last])
        steps += taken
    for name, entrant in plain.items():
        tests[name] = [entrant["test"][place] for place in places[: entrant["runs"]]]
        validation[name] = entrant["validation"][places[0]]
    truth = dataset.targets_at(dataset.splits.test)
    place = _standing(recording, tests, truth, plain)
    known = dataset.targets_at(dataset.splits.validation)
    still_in_race = survivors(
        {
            name: task_of(dataset.schema).errors(_outputs(recording, answers), known)
            for name, answers in validation.items()
        }
    )
    return {
        "best": sorted(place.candidates),
        "leader": place.leader,
        "scores": {name: estimate.score for name, estimate in place.scores.items()},
        "rates": rates,
        "steps": steps,
        "hopeless": sorted(set(tests) - still_in_race),
    }


def _stopped(course: Course, recipe: Recipe) -> tuple[int, int]:
    """Which evaluation is kept, and which is the last, of a training that may stop."""
    watch, best = Watch(), 0
    is_classes = course.validation.ndim == 2  # [E, N]; values have a third axis
    for number, measure in enumerate(course.measures):
        if watch.see(measure, torch.from_numpy(course.validation[number]) if is_classes else None):
            best = number
        if watch.enough(recipe):
            return best, number
    return best, len(course.measures) - 1


def _tuned(recording: Recording, network: str, place: int, recipe: Recipe) -> tuple[int, int, int]:
    """The rate that is chosen, its evaluation that is kept, and the steps that all rates together took."""
    courses = [recording.course(network, rate, place) for rate in range(len(LEARNING_RATES))]
    ends = [_stopped(course, recipe) for course in courses]
    last = [end for _, end in ends]
    for step in recipe.rejection_steps:
        number = int(np.flatnonzero(courses[0].steps == step)[0])
        racing = [rate for rate in range(len(courses)) if last[rate] > number]
        replicas = [
            Replica(learning_rate=LEARNING_RATES[rate], seed=0, examples=1, tuning_group="")
            for rate in racing
        ]
        measures = [float(courses[rate].measures[: number + 1].min()) for rate in racing]
        for loser in eliminated(list(zip(replicas, measures, strict=True))):
            last[racing[loser]] = number
    kept = [rate for rate in range(len(courses)) if last[rate] == ends[rate][1]]
    rate = max(kept, key=lambda rate: _preference(recording, courses[rate], ends[rate][0]))
    return rate, ends[rate][0], sum(int(course.steps[end]) for course, end in zip(courses, last, strict=True))


def _preference(recording: Recording, course: Course, number: int) -> tuple[float, float]:
    """What `metrics.preference` gives, by the answers and the loss of an evaluation."""
    truth = recording.dataset.targets_at(recording.dataset.splits.validation)
    score = recording.metric.score(_outputs(recording, course.validation[number]), truth)
    return recording.metric.sign * score, -float(course.losses[number])


def _outputs(recording: Recording, answers: np.ndarray) -> np.ndarray:
    """Outputs that give these answers, for metrics that look at nothing else."""
    if not recording.dataset.schema.is_classification:
        return answers
    return np.log(np.eye(recording.dataset.schema.outputs, dtype=np.float32)[answers] + 1e-6)


def _classical(recording: Recording, starts: Sequence[int]) -> dict[str, Any]:
    """The entrants that are no networks: answers on validation and test from each start, at the chosen setting."""
    dataset, found = recording.dataset, {}
    full = training_sizes(dataset)[-1]
    truth = dataset.targets_at(dataset.splits.validation)
    for entrant in classical.entrants(dataset.schema):
        fits = [
            entrant.fit(dataset, training_order(dataset, seed=seed)[:full], seed, entrant.settings, np.inf)
            for seed in starts
        ]
        chosen = {}
        for first in (0, SEEDS):
            task = task_of(dataset.schema)
            liked = [task.preference(recording.metric, fit.validation, truth) for fit in fits[first]]
            for place in range(first, first + SEEDS):
                chosen[place] = fits[place][liked.index(max(liked))]
        is_classes = dataset.schema.is_classification
        found[entrant.name] = {
            "kind": entrant.kind,
            "runs": 1 if entrant.kind == "baseline" else SEEDS,
            **{
                part: [
                    getattr(chosen[place], part).argmax(axis=1)
                    if is_classes
                    else getattr(chosen[place], part)
                    for place in range(len(starts))
                ]
                for part in ("validation", "test")
            },
        }
    return found


def _standing(
    recording: Recording,
    tests: Mapping[str, Sequence[np.ndarray]],
    truth: np.ndarray,
    plain: Mapping[str, Any],
) -> Ranking:
    return rank_entrants(
        {name: [_outputs(recording, answers) for answers in runs] for name, runs in tests.items()},
        truth,
        recording.metric,
        baselines=[name for name, entrant in plain.items() if entrant["kind"] == "baseline"],
        seed=recording.seed,
    )


def _scores_of_compare(recording: Recording, seed: int) -> dict[str, float | None]:
    """The networks' scores where `compare` trains them itself."""
    with tempfile.TemporaryDirectory() as folder:
        result = compare(
            recording.dataset,
            ComparisonSettings(
                models=recording.networks,
                budget_seconds=None,
                seed=seed,
                out=folder,
                seeds=SEEDS,
                steps=STEPS,
            ),
        )
    return {entrant.name: entrant.score for entrant in result.entrants if entrant.kind == "network"}


def table(records: list[dict[str, Any]]) -> str:
    """A row a dataset and its splits, and what follows from all of them."""
    rows = [r for r in records if r["way"] == "stops" and "failed" not in r]
    if not rows:
        return "Not measured in this run."
    lines = [
        "| data | seed | best without savings | best with | from other starts, without | with | steps without | with |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        best = ["/".join(r[name][way]["best"]) for name in ("first", "again") for way in ("without", "with")]
        best = [best[0], *("the same" if cell == best[0] else cell for cell in best[1:])]
        steps = [sum(r[name][way]["steps"] for name in ("first", "again")) for way in ("without", "with")]
        lines.append(f"| {' | '.join([r['data'], r['family'], *best, *(f'{count:,}' for count in steps)])} |")
    return "\n".join(
        [*lines, "", _verdicts(rows), "", _accuracies(rows), "", _hopeless(rows), "", _checked(rows)]
    )


def _verdicts(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many verdicts each saving changes, and chance."""
    pairs = [r[name] for r in rows for name in ("first", "again")]
    lines = [
        "| savings | comparisons | other entrants are best | the leader is ruled out | same rate chosen | steps |"
    ]
    lines.append("|---|---|---|---|---|---|")
    names = {"with": "all", "rejections": "learning rates that leave", "stops": "trainings that stop"}
    for way, name in names.items():
        lines.append(_row(name, [(pair["without"], pair[way]) for pair in pairs]))
    lines.append(
        _row("none, but other starts", [(r["first"]["without"], r["again"]["without"]) for r in rows])
    )
    return "\n".join(lines)


def _row(name: str, pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> str:
    changed = sum(one["best"] != other["best"] for one, other in pairs)
    ruled_out = sum(
        one["leader"] not in other["best"] or other["leader"] not in one["best"] for one, other in pairs
    )
    rates = [
        one["rates"][network] == other["rates"][network] for one, other in pairs for network in one["rates"]
    ]
    steps = [sum(pair[place]["steps"] for pair in pairs) for place in (0, 1)]
    cells = [name, str(len(pairs)), str(changed), str(ruled_out), f"{sum(rates)} of {len(rates)}"]
    return f"| {' | '.join([*cells, f'{100 * steps[1] / steps[0]:.0f} %'])} |"


def _accuracies(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the savings do to the networks' test accuracies, beside what other starts do."""

    def differences(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> list[float]:
        return [
            100 * (other["scores"][name] - one["scores"][name])
            for one, other in pairs
            for name in NETWORKS
            if name in one["rates"]
        ]

    rows = [r for r in rows if r["data"] != "diabetes"]
    saved = differences([(r[n]["without"], r[n]["with"]) for r in rows for n in ("first", "again")])
    again = differences([(r["first"]["without"], r["again"]["without"]) for r in rows])
    return (
        f"The test accuracy of a network with savings is {mean(saved):+.3f} points from the one without on average "
        f"over {len(saved)} networks (standard error {stdev(saved) / len(saved) ** 0.5:.3f}); the differences scatter "
        f"by {stdev(saved):.2f} points, those to other starts by {stdev(again):.2f}."
    )


def _hopeless(rows: Sequence[Mapping[str, Any]]) -> str:
    """Whether one of those that a clock would have left out is among the best."""
    pairs = [r[name] for r in rows for name in ("first", "again")]
    out = [(name, pair) for pair in pairs for name in pair["with"]["hopeless"]]
    wrong = [name for name, pair in out if name in pair["with"]["best"] or name in pair["without"]["best"]]
    return (
        f"Under a clock {len(out)} entrants of these {len(pairs)} comparisons would have been left out, since "
        f"validation says that they can no longer win or tie; {len(wrong) or 'none'} of them "
        f"{'are' if len(wrong) > 1 else 'is'} among the best."
    )


def _checked(rows: Sequence[Mapping[str, Any]]) -> str:
    checked = [r for r in rows if "as_compare" in r]
    same = [r["data"] for r in checked if r["as_compare"]]
    return (
        f"`compare` itself was run with savings on {', '.join(r['data'] for r in checked) or 'none'}: it gives the "
        f"replayed scores of all networks, to twelve digits, on {', '.join(same) or 'none'}."
    )
