"""When a training has had enough steps, by a made-up course of its evaluations."""

import math

import torch

from bakeoff.train.early_stopping import Watch
from bakeoff.train.recipe import Recipe

RIGHT, OTHER = torch.tensor([0, 1, 2, 0]), torch.tensor([0, 1, 2, 1])


def course(recipe: Recipe, *evaluations: tuple[float, torch.Tensor | None]) -> list[str | None]:
    """What is said after each evaluation, of which the first is always the best so far."""
    watch, said = Watch(), []
    for measure, answers in evaluations:
        watch.see(measure, answers)
        reason = watch.enough(recipe)
        said.append(None if reason is None else reason.text("en"))
    return said


def test_the_best_so_far_is_reported_and_a_tie_is_no_better() -> None:
    watch = Watch()
    assert [watch.see(measure, None) for measure in (2.0, 1.0, 1.0, math.nan, 0.5)] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert watch.best == 0.5


def test_patience_counts_from_the_last_better_one() -> None:
    said = course(Recipe(steps=10, patience=2), *[(measure, None) for measure in (3.0, 4.0, 2.0, 2.0, 2.5)])
    assert said == [None, None, None, None, "2 evaluations brought no better validation loss."]


def test_answers_that_no_longer_change_end_a_training_that_does_not_improve() -> None:
    recipe = Recipe(steps=10, settled=2)
    said = course(recipe, (1.0, RIGHT), (1.1, RIGHT), (1.2, OTHER), (1.2, OTHER), (1.2, OTHER))
    assert said == [None, None, None, None, "2 evaluations changed no answer on validation."]


def test_a_training_that_still_improves_goes_on_though_its_answers_are_the_same() -> None:
    recipe = Recipe(steps=10, settled=2)
    assert course(recipe, *[(loss, RIGHT) for loss in (1.0, 0.9, 0.8, 0.7, 0.6)]) == [None] * 5


def test_numbers_are_never_settled_and_without_limits_nobody_stops() -> None:
    worse = [(1.0 + step, None) for step in range(8)]
    assert course(Recipe(steps=10, settled=2), *worse) == [None] * 8
    assert course(Recipe(steps=10), *[(measure, RIGHT) for measure, _ in worse]) == [None] * 8
