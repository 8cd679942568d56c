"""Tasks of the worker processes: profile a network, train a stack, fit a classical entrant. Runs nothing at import."""

import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.data.dataset import training_order
from bakeoff.errors import BakeoffError
from bakeoff.study.design import classical
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import (
    BATCH,
    EVALUATIONS,
    PATIENCE_EVALUATIONS,
    REJECTIONS,
    UNCHANGED_EVALUATIONS,
    Job,
)
from bakeoff.study.design.trial import State, Trial, TrialResult
from bakeoff.study.workers.local import SharedDataset, report_progress
from bakeoff.system.files import atomic_write
from bakeoff.system.memory import share_bytes

if TYPE_CHECKING:
    from bakeoff.train.tensors import TrainingData

#: Replicas of the stack that a profile times.
PROFILE_STACK_SIZE = 4
#: A network whose step takes more FLOPs than this (about half a second on one core) is timed with a single replica.
EXPENSIVE_FLOPS = 5e10
#: A network whose step takes longer than this on a GPU, in seconds a replica, is not timed on the CPU.
EXPENSIVE_SECONDS = 0.2
#: Without a clock nothing may depend on a timing: a network is trained on the GPU where a step takes more FLOPs.
WORTH_A_DEVICE = 2e10
#: Classical entrants hold all rows in memory; where that would be more than this, they fail with the figure as reason.
LARGEST_ROWS_BYTES = 1_500_000_000


def set_up_torch() -> None:
    """Set up torch in a worker: one thread, freed memory is reused, and subnormal numbers count as zero.

    Gradients become subnormal once a network has memorised its examples, and arithmetic with them is ten times slower.
    """
    import torch

    from bakeoff.train.kernels import native

    native.keep_memory()

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


@lru_cache(maxsize=2)
def _training_data(shared: SharedDataset, device: str = "cpu") -> "TrainingData":
    from bakeoff.train.tensors import TrainingData

    return TrainingData(shared.open(), device=device)


def profile(
    shared: SharedDataset, entrant: Entrant, reproducible: bool, board_path: str, slot: int
) -> Profile:
    """Parameters, FLOPs and time per step of a network; or, in `fault`, why it cannot take this data.

    Args:
        reproducible: where there are several devices, choose by a rule and not by a timing.
    """
    import torch

    from bakeoff import models
    from bakeoff.cost.catalogue_cache import counted
    from bakeoff.train import device
    from bakeoff.train.forward_check import check_forward
    from bakeoff.train.kernels import native

    set_up_torch()
    assert entrant.card is not None
    data = _training_data(shared)
    try:
        module = models.build(entrant.card, data.schema, width=entrant.width, seed=0)
        batch = data.train.at(torch.arange(min(2, len(data.train))))
        check_forward(module, batch.inputs, batch.lengths, data.outputs)
        cost = counted(module, entrant.card, entrant.width, data.schema)
        flops = BATCH * (cost.training_flops or 0)
        rivals = device.rivals(entrant.device)
        if reproducible:
            rivals = (rivals[-1] if flops > WORTH_A_DEVICE else rivals[0],)
        place, seconds = _fastest(
            shared, entrant, rivals, stack_size=1 if flops > EXPENSIVE_FLOPS else PROFILE_STACK_SIZE
        )
    except BakeoffError as error:
        return Profile(entrant=entrant.name, fault=str(error))
    return Profile(
        entrant=entrant.name,
        parameters=cost.parameters,
        flops_per_example=cost.flops,
        training_flops=cost.training_flops,
        seconds_per_step=seconds,
        operators=device.describe(place) or native.describe(),
        device=place,
    )


def _fastest(
    shared: SharedDataset, entrant: Entrant, devices: Sequence[str], *, stack_size: int
) -> tuple[str, float]:
    """The device on which a step of a stack of this size is shortest, and the seconds a replica there.

    A device that fails is ruled out, unless it is the only one. A GPU is tried before the CPU: one step of a network
    that is slow on the GPU may take all of the time on the CPU, which is then not timed.
    """
    from bakeoff.train.stacked.fit_stack import seconds_per_step

    found: dict[str, float] = {}
    for device in reversed(devices):
        if found and min(found.values()) > EXPENSIVE_SECONDS:
            break
        data = _training_data(shared, device)
        try:
            found[device] = seconds_per_step(_builder(entrant, data), data, stack_size) / stack_size
        except RuntimeError:
            if not found and device == devices[0]:
                raise
    best = min(found, key=lambda device: found[device])
    return best, found[best]


def _builder(entrant: Entrant, data: "TrainingData") -> Any:
    from bakeoff import models

    assert entrant.card is not None
    card = entrant.card
    return lambda seed: models.build(card, data.schema, width=entrant.width, seed=seed)


def train(
    shared: SharedDataset,
    entrant: Entrant,
    job: Job,
    known: Profile,
    deadline: float | None,
    weights: Sequence[str | None],
    reproducible: bool,
    judge: str,
    board_path: str,
    slot: int,
) -> list[TrialResult]:
    """Train a job's trials as one stack.

    Args:
        known: the network's profile, copied into the results.
        deadline: on the monotonic clock.
        weights: for each trial the file that its weights go to, or None.
        reproducible: choose the stack's width by a rule and not by a timing.
        judge: of the evaluations, see `Recipe`.
    """
    from safetensors.torch import save_file

    from bakeoff.train.recipe import Recipe, Replica
    from bakeoff.train.stacked.fit_stack import fit_stack

    set_up_torch()
    report = report_progress(board_path, slot)
    data = _training_data(shared, entrant.device)
    recipe = Recipe(
        steps=job.trials[0].steps,
        batch_size=BATCH,
        schedule="cosine",
        evaluations=EVALUATIONS,
        patience=PATIENCE_EVALUATIONS,
        settled=UNCHANGED_EVALUATIONS,
        rejections=REJECTIONS if job.is_tuning_group else (),
        judge=judge,
    )
    replicas = [
        Replica(
            learning_rate=float(trial.setting or 0),
            seed=trial.seed,
            examples=trial.examples,
            tuning_group="settings" if job.is_tuning_group else None,
        )
        for trial in job.trials
    ]
    trained = fit_stack(
        _builder(entrant, data),
        data,
        replicas,
        recipe,
        deadline=deadline,
        progress=lambda done, total, alive: report(done, total),
        reproducible=reproducible,
    )
    results = []
    for trial, one, path in zip(job.trials, trained, weights, strict=True):
        if path is not None and one.weights:
            with atomic_write(Path(path)) as unfinished:
                save_file({name: tensor.contiguous() for name, tensor in one.weights.items()}, unfinished)
        results.append(
            TrialResult(
                trial=trial,
                state=State(one.state),
                reason=one.reason or "",
                steps_done=one.steps_done,
                seconds=one.seconds,
                validation_loss=one.validation_loss,
                validation_outputs=one.validation_outputs,
                test_outputs=one.test_outputs,
                history=tuple(one.history),
                parameters=known.parameters,
                flops_per_example=known.flops_per_example,
            )
        )
    return results


def fit_classical(
    shared: SharedDataset, entrant: Entrant, job: Job, deadline: float | None, board_path: str, slot: int
) -> list[TrialResult]:
    """Fit a classical or baseline entrant's trials; those with the same examples and seed are fitted together."""
    report = report_progress(board_path, slot)
    dataset = shared.open()
    plain = classical.by_name(dataset.schema)[entrant.name]
    until = float("inf") if deadline is None else deadline
    results: dict[Trial, TrialResult] = {}
    places = list(dict.fromkeys((trial.examples, trial.seed) for trial in job.trials))
    for number, (examples, seed) in enumerate(places):
        report(number, len(places))
        trials = [trial for trial in job.trials if (trial.examples, trial.seed) == (examples, seed)]
        results |= _fit_place(plain, dataset, trials, until)
    report(len(places), len(places))
    return [results[trial] for trial in job.trials]


def _fit_place(
    plain: classical.Classical, dataset: Any, trials: Sequence[Trial], until: float
) -> dict[Trial, TrialResult]:
    examples, seed = trials[0].examples, trials[0].seed
    rows_bytes = 4 * examples * classical.row_size(dataset.schema)
    share = share_bytes()
    most = LARGEST_ROWS_BYTES if share is None else min(LARGEST_ROWS_BYTES, share)
    if plain.kind == "classical" and rows_bytes > most:
        reason = f"it would hold {rows_bytes / 1e9:.1f} GB of rows in memory"
        return {trial: TrialResult(trial=trial, state=State.FAILED, reason=reason) for trial in trials}
    started = time.monotonic()
    try:
        if started > until:
            raise classical.OutOfTimeError
        train_indices = training_order(dataset, seed=seed)[:examples]
        fits = plain.fit(dataset, train_indices, seed, [trial.setting for trial in trials], until)
    except classical.OutOfTimeError:
        spent = time.monotonic() - started
        reason = "its share of the time was over"
        return {
            t: TrialResult(trial=t, state=State.STOPPED, reason=reason, seconds=spent / len(trials))
            for t in trials
        }
    return {
        trial: TrialResult(
            trial=trial,
            state=State.FINISHED,
            seconds=fit.seconds,
            validation_outputs=fit.validation,
            test_outputs=fit.test,
            parameters=fit.parameters,
            flops_per_example=fit.flops_per_example,
        )
        for trial, fit in zip(trials, fits, strict=True)
    }


def write_champion(
    shared: SharedDataset, entrant: Entrant, weights: str, folder: str, board_path: str, slot: int
) -> None:
    """Write the champion's folder: weights, schema, scaling and how new data are read."""
    from safetensors.torch import load_file

    from bakeoff.inference.predictor import Predictor

    assert entrant.card is not None
    predictor = Predictor.of(
        shared.open(), model=entrant.card, width=entrant.width, weights=load_file(weights)
    )
    predictor.save(folder)
