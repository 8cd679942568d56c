"""The training of a network in a worker: the one place where the protocol becomes a recipe, whatever the data are.

A comparison trains on its data, `why` and the evidence on changed ones; all else is the same, and so it stands here.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.trial import Trial
from bakeoff.study.protocol import (
    BATCH_EXAMPLES,
    EVALUATIONS,
    FOLD_SEED_STEP,
    PATIENCE_EVALUATIONS,
    REJECTION_PARTS,
    UNCHANGED_EVALUATIONS,
)
from bakeoff.study.workers.executor import TaskContext

if TYPE_CHECKING:
    from torch import nn

    from bakeoff.data.schema import Schema
    from bakeoff.train.folds import StackData
    from bakeoff.train.recipe import Recipe, Replica
    from bakeoff.train.result import TrainingResult


def set_up_torch() -> None:
    """Set up torch in a worker: one thread, freed memory is reused, and subnormal numbers count as zero.

    Gradients become subnormal once a network has memorised its examples, and arithmetic with them is ten times slower.
    """
    import torch

    from bakeoff.train.kernels import native

    native.keep_memory()

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def builder(entrant: Entrant, schema: "Schema") -> "Callable[[int], nn.Module]":
    """Builds the entrant's network from a seed."""
    from bakeoff import models

    assert entrant.card is not None
    card = entrant.card
    return lambda seed: models.build(card, schema, width=entrant.width, seed=seed)


def train_stack(
    entrant: Entrant,
    data: "StackData",
    trials: Sequence[Trial],
    context: TaskContext,
    *,
    judge: str,
    reproducible: bool,
    is_tuning: bool = False,
) -> "tuple[TrainingResult, ...]":
    """Train one entrant's trials as one stack; results in the order of the trials. After `set_up_torch`.

    Args:
        data: on the entrant's device.
        trials: with equal steps.
        context: of the task that this is.
        judge: of the evaluations, see `bakeoff.train.recipe.Recipe`.
        reproducible: choose the stack's width by a rule and not by a timing.
        is_tuning: whether the learning rates compete in successive rejects.
    """
    from bakeoff.train.stacked.fit_stack import fit_stack

    return fit_stack(
        builder(entrant, data.schema),
        data,
        [_replica(trial, is_tuning=is_tuning) for trial in trials],
        _recipe(trials[0].steps, judge, is_tuning=is_tuning),
        deadline=context.deadline,
        progress=lambda done, total, alive: context.report(done, total),
        reproducible=reproducible,
    )


def _recipe(steps: int, judge: str, *, is_tuning: bool) -> "Recipe":
    from bakeoff.train.recipe import Recipe

    return Recipe(
        steps=steps,
        batch_size=BATCH_EXAMPLES,
        schedule="cosine",
        evaluations=EVALUATIONS,
        patience=PATIENCE_EVALUATIONS,
        settled=UNCHANGED_EVALUATIONS,
        rejections=REJECTION_PARTS if is_tuning else (),
        judge=judge,
    )


def _replica(trial: Trial, *, is_tuning: bool) -> "Replica":
    from bakeoff.train.recipe import Replica

    return Replica(
        learning_rate=float(trial.setting or 0),
        seed=trial.seed + FOLD_SEED_STEP * (trial.fold or 0),
        examples=trial.examples,
        tuning_group=f"fold {trial.fold}" if is_tuning else None,
        fold=trial.fold,
    )
