"""How many examples lead to a score: asked of a finished comparison."""

from bakeoff.study.analysis.goal import GoalAnswer, answer_goal, parse_goal
from bakeoff.study.results.comparison import Comparison
from bakeoff.tasks.metrics.registry import METRICS


def check_goal(goal: str, metric: str | None) -> None:
    """Before anything is trained: is it a goal at all, and one of the metric, where that is given?

    Raises:
        OptionError: it is not.
    """
    wanted = parse_goal(goal)
    if metric is not None and metric in METRICS:
        wanted.of(METRICS[metric])


def goal_of(comparison: Comparison, goal: str) -> GoalAnswer:
    """How many training examples each entrant of a comparison needs to reach a score, if its curve goes on as it did.

    Args:
        comparison: a finished one.
        goal: as typed for `--goal`: "95%", or a value of the deciding metric such as "2.5".

    Raises:
        OptionError: the goal is not one of the deciding metric.
    """
    wanted = parse_goal(goal).of(METRICS[comparison.metric])
    return answer_goal(comparison.entrants, wanted, metric=comparison.metric)
