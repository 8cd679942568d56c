"""The section on the goal: what the answer says, row by row, and nothing more."""

from dataclasses import replace

from bakeoff.api.questions import goal_of
from bakeoff.report.content.goal import goal_part
from bakeoff.report.html.comparison_report import report_html
from bakeoff.study.analysis.answers import Answers
from bakeoff.study.analysis.goal import GoalAnswer, GoalPath
from report_comparisons import digits_comparison, entrant_results

PATHS = (
    GoalPath(
        entrant="cnn",
        outlook="reached",
        shown=False,
        examples=1150.0,
        more_examples=0.0,
        training_seconds=0.5,
    ),
    GoalPath(
        entrant="gru", outlook="likely", examples=4234.0, low=2_600.0, high=9_040.0, more_examples=3084.0
    ),
    GoalPath(entrant="mlp", outlook="perhaps", low=5_000.0, high=float("inf")),
    GoalPath(entrant="linear", outlook="not_there"),
    GoalPath(entrant="rnn", outlook="withheld", withheld="too_noisy"),
)
ANSWER = GoalAnswer(metric="accuracy", goal=0.995, examples=1150, paths=PATHS)


def test_each_row_says_what_the_answer_says_and_leaves_the_unknown_empty() -> None:
    part = goal_part(entrant_results(), ANSWER)
    assert part.goal.replace("\N{NO-BREAK SPACE}", " ") == "accuracy 99.5 %"
    shown = [(row.name, row.examples, row.interval, row.more, row.seconds) for row in part.rows]
    assert shown == [
        ("cnn", "1,150", "", "0", "0.5 s"),
        ("gru", "4,200", "2,600 to 9,000", "3,050", ""),
        ("mlp", "", "5,000 to beyond ×10", "", ""),
        ("linear", "", "", "", ""),
        ("rnn", "", "", "", ""),
    ]


def test_a_goal_reached_by_chance_is_not_shown_as_reached() -> None:
    unsure = goal_part(entrant_results(), ANSWER).rows[0].outlook
    sure = replace(ANSWER, paths=(replace(PATHS[0], shown=True),))
    assert goal_part(entrant_results(), sure).rows[0].outlook == "there already" != unsure


def test_the_report_has_the_section_where_a_goal_was_asked_for_and_else_not() -> None:
    comparison = digits_comparison()
    answer = goal_of(comparison, "99.5%")
    asked = report_html(comparison, answers=Answers(goal=answer))
    assert 'id="goal"' in asked
    assert 'href="#goal"' in asked
    for path in answer.paths:
        assert path.entrant in asked[asked.index('id="goal"') : asked.index('id="cost"')]
    assert 'id="goal"' not in report_html(comparison)
