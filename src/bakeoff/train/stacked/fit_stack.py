"""All trainings of one architecture as few programs: `fit_stack`."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import nn

from bakeoff.system.memory import LARGEST_STACK_BYTES, stack_limit_bytes
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.result import Trained
from bakeoff.train.stacked.run import Build, StackRun
from bakeoff.train.stacked.stack_size import choose_width, couples_examples, seconds_per_step
from bakeoff.train.stacked.successive_rejects import losers
from bakeoff.train.tensors import TrainingData

__all__ = ["Trained", "fit_stack", "seconds_per_step"]

#: On a GPU, which other workers use too, a stack may take this fraction of the memory that is free.
GPU_PART = 4

Progress = Callable[[int, int, int], None]


def fit_stack(
    build: Build,
    data: TrainingData,
    replicas: Sequence[Replica],
    recipe: Recipe,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
    width: int | None = None,
    limit_bytes: int | None = None,
    reproducible: bool = False,
) -> tuple[Trained, ...]:
    """Train all replicas of one architecture, as stacks of `width`; the results are those of separate training.

    Args:
        build: seed -> fresh module, always of the same architecture.
        data: what to train and judge on; its device is where the stack lives.
        replicas: in any order.
        recipe: shared by all.
        deadline: in seconds of `time.monotonic()`; who is not finished then comes back with the state "stopped".
        progress: called with (steps done, all steps, replicas in training), summed over the stacks.
        width: replicas a stack; None chooses from a short timing and the memory limit.
        limit_bytes: memory that a stack may take; None: what is left of this worker's share (`memory`), on a GPU a part
            of what is free there.
        reproducible: choose the width by a rule instead of a timing, so that two calls give the same bits.

    Returns:
        One `Trained` a replica, in their order.
    """
    if not replicas:
        return ()
    alone = couples_examples(build(replicas[0].seed), data)
    if width is None:
        limit = _limit_on(data.device) if limit_bytes is None else limit_bytes
        width = choose_width(build, data, replicas, recipe, limit_bytes=limit, reproducible=reproducible)
    modules: dict[int, nn.Module] = {}
    done: dict[Replica, list[Trained]] = {}
    tally = _Tally(total=recipe.steps * len(replicas), listener=progress)
    for pack in _packs(replicas, width, alone=alone):
        if deadline is not None and time.monotonic() > deadline:
            for replica in (member for members in pack for member in members):
                done.setdefault(replica, []).append(_not_begun(replica))
            continue
        runs = [StackRun(build, data, members, recipe, modules=modules) for members in pack]
        _run_together(runs, recipe, deadline, tally)
        tally.finished += recipe.steps * sum(map(len, pack))
        for run in runs:
            for replica, results in run.results.items():
                done.setdefault(replica, []).extend(results)
    return tuple(done[replica].pop(0) for replica in replicas)


def _limit_on(device: torch.device) -> int:
    if device.type != "cuda":
        return stack_limit_bytes()
    free, _ = torch.cuda.mem_get_info(device)
    return min(LARGEST_STACK_BYTES, free // GPU_PART)


def _not_begun(replica: Replica) -> Trained:
    return Trained(
        replica=replica,
        state="stopped",
        reason="The time allowed was over.",
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
    """Steps of all replicas, those of finished packs included; who left counts as if all were taken."""

    total: int
    listener: Progress | None
    finished: int = 0

    def tell(self, step: int, runs: Sequence[StackRun]) -> None:
        if self.listener is not None:
            size = sum(len(run.rows) + sum(map(len, run.results.values())) for run in runs)
            self.listener(self.finished + step * size, self.total, sum(len(run.rows) for run in runs))


def _run_together(runs: Sequence[StackRun], recipe: Recipe, deadline: float | None, tally: _Tally) -> None:
    """Take some stacks through all steps, side by side from evaluation to evaluation: contests see all rivals."""
    rejections = set(recipe.rejection_steps)
    for step in recipe.evaluation_steps:
        for run in runs:
            run.advance(step, deadline=deadline)
            if run.rows:
                run.evaluate()
        if step in rejections:
            _reject(runs, step)
        tally.tell(step, runs)
        if not any(run.rows for run in runs):
            break
    for run in runs:
        run.finish()


def _reject(runs: Sequence[StackRun], step: int) -> None:
    standings = [(run, place, row) for run in runs for place, row in enumerate(run.rows)]
    out = losers([(row.replica, row.watch.best) for _, _, row in standings])
    reason = f"Other learning rates had a lower validation loss after {step} steps."
    for run in runs:
        places = [place for number, (its, place, _) in enumerate(standings) if number in out and its is run]
        run.leave(dict.fromkeys(places, ("outpaced", reason)))


def _packs(replicas: Sequence[Replica], width: int, *, alone: bool) -> list[list[list[Replica]]]:
    """Packs of stacks. A contest lies within a pack; the stacks of a pack run side by side.

    Args:
        width: largest stack.
        alone: whether only replicas of the same size may share a stack.
    """
    contests: dict[object, list[Replica]] = {}
    for place, replica in enumerate(replicas):
        contests.setdefault(replica.contest if replica.contest is not None else place, []).append(replica)
    units = sorted(contests.values(), key=lambda unit: unit[0].examples if alone else 0)
    packs: list[list[Replica]] = []
    for unit in units:
        fits = packs and len(packs[-1]) + len(unit) <= width
        if fits and not (alone and packs[-1][0].examples != unit[0].examples):
            packs[-1].extend(unit)
        else:
            packs.append(list(unit))
    return [_stacks(pack, width, alone=alone) for pack in packs]


def _stacks(pack: list[Replica], width: int, *, alone: bool) -> list[list[Replica]]:
    """Stacks of at most `width`, equal learning rates side by side."""
    ordered = sorted(pack, key=lambda replica: (replica.examples if alone else 0, replica.learning_rate))
    stacks = []
    for _, members in groupby(ordered, key=lambda replica: replica.examples if alone else 0):
        group = list(members)
        count = -(-len(group) // width)
        size = -(-len(group) // count)
        stacks += [group[start : start + size] for start in range(0, len(group), size)]
    return stacks
