"""Questions asked of a finished comparison: how many examples lead to a score, data or labels, which part needs "
"data most."""

from typing import Any

import numpy as np

from bakeoff.data.schema import Classes
from bakeoff.errors import OptionError
from bakeoff.study.analysis.goal import GoalAnswer, answer_goal, parse_goal
from bakeoff.study.analysis.label_noise import LabelNoise, label_noise
from bakeoff.study.analysis.needs_data import NeedsData, needs_data
from bakeoff.study.results.comparison import Comparison
from bakeoff.tasks.metrics.registry import METRICS, Floats
from bakeoff.tasks.registry import task_of


def goal_of(comparison: Comparison, goal: str) -> GoalAnswer:
    """How many training examples each entrant of a comparison needs to reach a score, if its curve goes on as it did.

    Args:
        comparison: a finished one.
        goal: as typed for `--goal`: "95%", or a value of the deciding metric such as "2.5".

    Raises:
        OptionError: the goal is not one of the deciding metric.
    """
    wanted = parse_goal(goal).of(METRICS[comparison.metric])
    labels = labels_of(comparison) if comparison.metric == "accuracy" else None
    ceiling = None if labels is None else labels.ceiling
    return answer_goal(comparison.entrants, wanted, metric=comparison.metric, ceiling=ceiling)


def labels_of(comparison: Comparison) -> LabelNoise | None:
    """How many labels look wrong, by the answers of the two best entrants on the test examples.

    Returns:
        None where targets are no classes, fewer than two entrants beat the baseline's place, or examples are too few.
    """
    if not isinstance(comparison.dataset.schema.target, Classes):
        return None
    answers = {name: np.exp(np.asarray(found)) for name, found in comparison.test_outputs.items()}
    return label_noise(answers, np.asarray(comparison.test_targets), _ranking(comparison))


def parts_of(comparison: Comparison, by: str | None = None) -> NeedsData | None:
    """The leader's score on each class or group, the worst first, and whether one is shown to need data most.

    Args:
        comparison: a finished one.
        by: "class" or "group"; None takes the groups where the data have them, else the classes.

    Returns:
        None where nobody was judged, or the data have neither.

    Raises:
        OptionError: the data have no classes, or no groups.
    """
    dataset = comparison.dataset
    known = {"group": dataset.groups, "class": _classes(comparison)}
    if by is not None and known.get(by) is None:
        have = [name for name, values in known.items() if values is not None]
        advice = f"use {' or '.join(have)}." if have else "name their column with --group."
        raise OptionError(f"These data have no {by} to score by: {advice}")
    by = by or next((name for name, values in known.items() if values is not None), None)
    leader = comparison.verdict.leader
    if by is None or leader is None or leader not in comparison.test_outputs:
        return None
    values = np.asarray(known[by])
    shares = isinstance(dataset.schema.target, Classes)
    labels, counts = np.unique(values[comparison.training_indices], return_counts=True)
    names = (
        dataset.schema.target.names if by == "class" and isinstance(dataset.schema.target, Classes) else None
    )
    return needs_data(
        _scores(comparison, leader),
        values[comparison.test_indices],
        entrant=leader,
        names=names,
        trained=dict(zip(labels.tolist(), counts.tolist(), strict=True)),
        shares=shares,
    )


def answers_json(comparison: Comparison) -> dict[str, Any]:
    """What is written beside the verdict: `labels` and `needs_data`, each None where it cannot be asked."""
    labels, parts = labels_of(comparison), parts_of(comparison)
    return {
        "labels": None if labels is None else labels.to_json(),
        "needs_data": None if parts is None else parts.to_json(),
    }


def _classes(comparison: Comparison) -> Any:
    return comparison.dataset.targets if isinstance(comparison.dataset.schema.target, Classes) else None


def _scores(comparison: Comparison, name: str) -> Floats:
    """[N], of each test example: 1 for a hit and 0 for a miss, or the mean absolute error of its values."""
    outputs, targets = comparison.test_outputs[name], comparison.test_targets
    if isinstance(comparison.dataset.schema.target, Classes):
        return 1 - task_of(comparison.dataset.schema).errors(outputs, targets)
    truth = np.asarray(targets, np.float64).reshape(len(outputs), -1)
    return np.asarray(np.abs(np.asarray(outputs, np.float64).reshape(truth.shape) - truth).mean(axis=1))


def _ranking(comparison: Comparison) -> list[str]:
    """Entrants other than baselines that were judged: the leader, then by validation score."""
    sign, leader = METRICS[comparison.metric].sign, comparison.verdict.leader
    judged = [one for one in comparison.entrants if one.judged and one.kind != "baseline"]
    able = [one for one in judged if one.name in comparison.test_outputs]
    able.sort(key=lambda one: (one.name != leader, -sign * (one.validation_score or one.score or 0.0)))
    return [one.name for one in able]
