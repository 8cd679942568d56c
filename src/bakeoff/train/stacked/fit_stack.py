"""`fit_stack`: trains all replicas of one architecture as a few stacks."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import nn

from bakeoff.messages.statement import because
from bakeoff.system.memory import LARGEST_STACK_BYTES, stack_limit_bytes
from bakeoff.train.endings import TrialState
from bakeoff.train.folds import StackData
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.result import TrainingResult
from bakeoff.train.stacked.run import Build, StackedTraining
from bakeoff.train.stacked.stack_size import choose_stack_size, couples_examples, seconds_per_step
from bakeoff.train.stacked.successive_rejects import eliminated

__all__ = ["TrainingResult", "fit_stack", "seconds_per_step"]

#: On a GPU, which other workers use too, a stack may take the free memory divided by this.
GPU_PART = 4

Progress = Callable[[int, int, int], None]


def fit_stack(
    build: Build,
    data: StackData,
    replicas: Sequence[Replica],
    recipe: Recipe,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
    stack_size: int | None = None,
    limit_bytes: int | None = None,
    reproducible: bool = False,
) -> tuple[TrainingResult, ...]:
    """Train all replicas of one architecture, as stacks of `stack_size`; the results are those of separate training.

    Args:
        build: seed -> new module, always of the same architecture.
        data: to train and evaluate on; its device is that of the stack.
        replicas: in any order.
        recipe: of all replicas.
        deadline: in seconds of `time.monotonic()`; replicas that are not finished then get the state "stopped".
        progress: called with (steps done, all steps, replicas in training), summed over the stacks.
        stack_size: replicas of a stack; None chooses it by a short timing and the memory limit.
        limit_bytes: memory that a stack may take; None: what is left of this worker's share (`memory`), on a GPU a part
            of what is free there.
        reproducible: choose the size by a rule instead of a timing, so that two calls give the same bits.

    Returns:
        One `TrainingResult` a replica, in their order.
    """
    if not replicas:
        return ()
    first = build(replicas[0].seed)
    data = data.read_by(first)
    alone = couples_examples(first, data)
    if stack_size is None:
        limit = _limit_on(data.device) if limit_bytes is None else limit_bytes
        stack_size = choose_stack_size(
            build, data, replicas, recipe, limit_bytes=limit, reproducible=reproducible
        )
    modules: dict[int, nn.Module] = {}
    done: dict[Replica, list[TrainingResult]] = {}
    tally = _Tally(total=recipe.steps * len(replicas), listener=progress)
    for pack in _packs(replicas, stack_size, alone=alone):
        if deadline is not None and time.monotonic() > deadline:
            for replica in (member for members in pack for member in members):
                done.setdefault(replica, []).append(_not_started(replica))
            continue
        stacks = [StackedTraining(build, data, members, recipe, modules=modules) for members in pack]
        _run_together(stacks, recipe, deadline, tally)
        tally.finished += recipe.steps * sum(map(len, pack))
        for stack in stacks:
            for replica, results in stack.results.items():
                done.setdefault(replica, []).extend(results)
    return tuple(done[replica].pop(0) for replica in replicas)


def _limit_on(device: torch.device) -> int:
    if device.type != "cuda":
        return stack_limit_bytes()
    free, _ = torch.cuda.mem_get_info(device)
    return min(LARGEST_STACK_BYTES, free // GPU_PART)


def _not_started(replica: Replica) -> TrainingResult:
    return TrainingResult(
        replica=replica,
        state=TrialState.STOPPED,
        reason=because("allowed_over"),
        steps_done=0,
        best_step=0,
        seconds=0.0,
        validation_loss=math.inf,
        history=(),
        weights={},
        validation_outputs=None,
        test_outputs=None,
    )


@dataclass
class _Tally:
    """Counts the steps of all replicas for the progress; a replica that ended early counts as if it had taken all."""

    total: int
    listener: Progress | None
    finished: int = 0

    def report(self, step: int, stacks: Sequence[StackedTraining]) -> None:
        if self.listener is not None:
            size = sum(len(stack.rows) + sum(map(len, stack.results.values())) for stack in stacks)
            self.listener(self.finished + step * size, self.total, sum(len(stack.rows) for stack in stacks))


def _run_together(
    stacks: Sequence[StackedTraining], recipe: Recipe, deadline: float | None, tally: _Tally
) -> None:
    """Train some stacks in turn, each up to the next evaluation, so that all of a tuning group are compared."""
    rejections = set(recipe.rejection_steps)
    for step in recipe.evaluation_steps:
        for stack in stacks:
            stack.advance(step, deadline=deadline)
            if stack.rows:
                stack.evaluate()
        if step in rejections:
            _reject(stacks, step)
        tally.report(step, stacks)
        if not any(stack.rows for stack in stacks):
            break
    for stack in stacks:
        stack.finish()


def _reject(stacks: Sequence[StackedTraining], step: int) -> None:
    evaluated = [(stack, place, row) for stack in stacks for place, row in enumerate(stack.rows)]
    out = eliminated([(row.replica, row.watch.best) for _, _, row in evaluated])
    reason = because("outpaced", step=step)
    for stack in stacks:
        places = [place for number, (its, place, _) in enumerate(evaluated) if number in out and its is stack]
        stack.leave(dict.fromkeys(places, (TrialState.ELIMINATED, reason)))


def _packs(replicas: Sequence[Replica], stack_size: int, *, alone: bool) -> list[list[list[Replica]]]:
    """Packs of stacks; the stacks of a pack are trained in turn. All replicas of a tuning group are in one pack.

    Args:
        stack_size: the largest stack.
        alone: whether only replicas with the same number of examples may share a stack.
    """
    groups: dict[object, list[Replica]] = {}
    for place, replica in enumerate(replicas):
        groups.setdefault(replica.tuning_group if replica.tuning_group is not None else place, []).append(
            replica
        )
    units = sorted(groups.values(), key=lambda unit: unit[0].examples if alone else 0)
    packs: list[list[Replica]] = []
    for unit in units:
        fits = packs and len(packs[-1]) + len(unit) <= stack_size
        if fits and not (alone and packs[-1][0].examples != unit[0].examples):
            packs[-1].extend(unit)
        else:
            packs.append(list(unit))
    return [_stacks(pack, stack_size, alone=alone) for pack in packs]


def _stacks(pack: list[Replica], stack_size: int, *, alone: bool) -> list[list[Replica]]:
    """Stacks of at most `stack_size` replicas, in which equal learning rates are adjacent."""
    ordered = sorted(pack, key=lambda replica: (replica.examples if alone else 0, replica.learning_rate))
    stacks = []
    for _, members in groupby(ordered, key=lambda replica: replica.examples if alone else 0):
        group = list(members)
        count = -(-len(group) // stack_size)
        size = -(-len(group) // count)
        stacks += [group[start : start + size] for start in range(0, len(group), size)]
    return stacks
