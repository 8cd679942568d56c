"""Questions asked of a finished comparison: examples needed for a score, data or labels, which part needs data most."""

import warnings

import numpy as np

from bakeoff.cost.inputs import example_inputs
from bakeoff.cost.network_cost import cost_of
from bakeoff.data.dataset import Dataset
from bakeoff.errors import BakeoffWarning, OptionError
from bakeoff.inference.latency import latency_of
from bakeoff.inference.predictor import Predictor
from bakeoff.models import build
from bakeoff.study.analysis.answers import Answers
from bakeoff.study.analysis.goal import GoalAnswer, answer_goal, parse_goal
from bakeoff.study.analysis.label_noise import LabelNoise, label_noise
from bakeoff.study.analysis.limits import NO_LIMITS, BestThatFits, Limits, Needs, best_that_fits
from bakeoff.study.analysis.needs_data import NeedsData, needs_data
from bakeoff.study.results.comparison import Comparison
from bakeoff.study.results.records import EntrantResult
from bakeoff.tasks.metrics.registry import METRICS, MetricContext
from bakeoff.tasks.registry import task_of


def check_goal(goal: str, metric: str | None) -> None:
    """Before anything is trained: is it a goal at all, and one of the metric, where that is given?

    Raises:
        OptionError: it is not.
    """
    wanted = parse_goal(goal)
    if metric is not None and metric in METRICS:
        wanted.of(METRICS[metric])


def check_goal_on(dataset: Dataset, goal: str, metric: str | None) -> None:
    """As soon as the data are read: is the goal one of the metric that decides on them?

    Raises:
        OptionError: it is not.
    """
    context = MetricContext(seasonal_scale=dataset.seasonal_scale)
    task = task_of(dataset.schema)
    deciding = task.default_on(dataset, context) if metric is None else task.metric_named(metric, context)
    parse_goal(goal).of(deciding)


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
    return answer_goal(
        comparison.entrants, wanted, metric=comparison.metric, ceiling=ceiling, seed=comparison.seed
    )


def labels_of(comparison: Comparison) -> LabelNoise | None:
    """How many labels look wrong, by the answers of the two best entrants on the test examples.

    Returns:
        None where targets are no classes, fewer than two entrants beat the baseline's place, or examples are too few.
    """
    if not task_of(comparison.dataset.schema).has_probabilities:
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
    task = task_of(dataset.schema)
    known = {"group": dataset.groups, "class": task.classes_of(dataset.targets)}
    if by is not None and known.get(by) is None:
        have = [name for name, values in known.items() if values is not None]
        advice = f"use {' or '.join(have)}." if have else "name their column with --group."
        raise OptionError(f"These data have no {by} to score by: {advice}")
    by = by or next((name for name, values in known.items() if values is not None), None)
    leader = comparison.verdict.leader
    if by is None or leader is None or leader not in comparison.test_outputs:
        return None
    values = np.asarray(known[by])
    labels, counts = np.unique(values[comparison.training_indices], return_counts=True)
    return needs_data(
        task.plain_scores(comparison.test_outputs[leader], comparison.test_targets),
        values[comparison.test_indices],
        entrant=leader,
        names=task.class_names if by == "class" else None,
        trained=dict(zip(labels.tolist(), counts.tolist(), strict=True)),
        shares=task.scores_are_shares,
    )


def within_limits(comparison: Comparison, limits: Limits) -> BestThatFits | None:
    """Who is best among those that fit, beside the leader without limits, and what the limits cost.

    Each network is built again and timed on this machine, on one thread, at a batch of 1 and of 100 (about a second
    each). Entrants that are no networks have parameters and FLOPs where these are known; their latency is not
    measured.

    Returns:
        None where nobody was judged.
    """
    needs = {one.name: _needs(comparison, one) for one in comparison.entrants if one.judged}
    return best_that_fits(limits, needs, comparison.entrants, comparison.verdict, metric=comparison.metric)


def _needs(comparison: Comparison, result: EntrantResult) -> Needs:
    entrant = comparison.participants.get(result.name)
    counts = {"parameters": result.parameters, "flops": result.flops_per_example}
    if entrant is None or entrant.card is None:
        return Needs(**counts)
    schema = comparison.dataset.schema
    network = build(entrant.card, schema, width=entrant.width)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BakeoffWarning)  # said when the network entered the comparison
        memory = cost_of(network, *example_inputs(schema)).peak_inference_bytes
    predictor = Predictor.of(
        comparison.dataset, model=entrant.card, width=entrant.width, weights=network.state_dict()
    )
    one, hundred = (latency_of(predictor, comparison.dataset, batch) for batch in (1, 100))
    return Needs(
        **counts,
        memory_bytes=memory,
        latency_seconds=one.p95_seconds,
        median_seconds=one.median_seconds,
        batch_seconds=hundred.median_seconds,
        batch_p95_seconds=hundred.p95_seconds,
    )


def answers_of(comparison: Comparison, *, goal: str | None = None, limits: Limits = NO_LIMITS) -> Answers:
    """What is asked of every comparison, and the way to a goal and the best within limits where given.

    Raises:
        OptionError: the goal is not one of the deciding metric.
    """
    return Answers(
        labels=labels_of(comparison),
        parts=parts_of(comparison),
        goal=None if goal is None else goal_of(comparison, goal),
        limits=within_limits(comparison, limits) if limits.given else None,
    )


def _ranking(comparison: Comparison) -> list[str]:
    """Entrants other than baselines that were judged: the leader, then by validation score."""
    sign, leader = METRICS[comparison.metric].sign, comparison.verdict.leader
    judged = [one for one in comparison.entrants if one.judged and one.kind != "baseline"]
    able = [one for one in judged if one.name in comparison.test_outputs]
    able.sort(key=lambda one: (one.name != leader, -sign * (one.validation_score or one.score or 0.0)))
    return [one.name for one in able]
