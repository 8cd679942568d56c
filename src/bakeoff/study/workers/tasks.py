"""Tasks of the worker processes: profile a network, train a stack, fit a classical entrant. Runs nothing at import."""

import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import training_order
from bakeoff.errors import BakeoffError
from bakeoff.messages.statement import because, reason_of
from bakeoff.study.design import classical
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import JobKind
from bakeoff.study.design.matched_budgets import Widths, equal_widths
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.protocol import (
    BATCH_EXAMPLES,
    EXPENSIVE_STEP_FLOPS,
    EXPENSIVE_STEP_SECONDS,
    GPU_STEP_FLOPS,
    LARGEST_ROWS_BYTES,
    PROFILE_REPLICAS,
)
from bakeoff.study.workers.executor import SharedDataset, TaskContext
from bakeoff.study.workers.requests import (
    ChampionRequest,
    ClassicalRequest,
    ProfileRequest,
    TrainingRequest,
    WidthsRequest,
)
from bakeoff.study.workers.training import builder, set_up_torch, train_stack
from bakeoff.system.files import atomic_write
from bakeoff.system.memory import share_bytes
from bakeoff.tasks.outputs import Outputs

if TYPE_CHECKING:
    from bakeoff.train.tensors import TrainingData


@lru_cache(maxsize=2)
def _training_data(shared: SharedDataset, device: str = "cpu") -> "TrainingData":
    from bakeoff.train.tensors import TrainingData

    return TrainingData(shared.open(), device=device)


def match_widths(request: WidthsRequest, context: TaskContext) -> Widths:
    """The widths of `equal_widths`, which builds networks and so imports torch."""
    return equal_widths(request.schema, request.entrants)


def profile(request: ProfileRequest, context: TaskContext) -> Profile:
    """Parameters, FLOPs and time per step of a network; or, in `fault`, why it cannot take this data."""
    import torch

    from bakeoff import models
    from bakeoff.cost.catalogue_cache import counted
    from bakeoff.train import device
    from bakeoff.train.forward_check import check_forward
    from bakeoff.train.kernels import native

    set_up_torch()
    shared, entrant = request.dataset, request.entrant
    assert entrant.card is not None
    data = _training_data(shared)
    try:
        module = models.build(entrant.card, data.schema, width=entrant.width, seed=0)
        batch = data.train.at(torch.arange(min(2, len(data.train))))
        check_forward(module, batch.inputs, batch.lengths, data.outputs)
        cost = counted(module, entrant.card, entrant.width, data.schema)
        flops = BATCH_EXAMPLES * (cost.training_flops or 0)
        rivals = device.rivals(entrant.device)
        if request.reproducible:
            rivals = (rivals[-1] if flops > GPU_STEP_FLOPS else rivals[0],)
        place, seconds = _fastest(
            shared, entrant, rivals, stack_size=1 if flops > EXPENSIVE_STEP_FLOPS else PROFILE_REPLICAS
        )
    except BakeoffError as error:
        return Profile(entrant=entrant.name, fault=reason_of(error))
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
        if found and min(found.values()) > EXPENSIVE_STEP_SECONDS:
            break
        data = _training_data(shared, device)
        try:
            found[device] = seconds_per_step(builder(entrant, data.schema), data, stack_size) / stack_size
        except RuntimeError:
            if not found and device == devices[0]:
                raise
    best = min(found, key=lambda device: found[device])
    return best, found[best]


def train(request: TrainingRequest, context: TaskContext) -> list[TrialResult]:
    """Train a job's trials as one stack."""
    from safetensors.torch import save_file

    set_up_torch()
    entrant, job = request.entrant, request.job
    trained = train_stack(
        entrant,
        _training_data(request.dataset, entrant.device),
        job.trials,
        context,
        judge=request.judge,
        reproducible=request.reproducible,
        is_tuning=job.kind is JobKind.TUNING,
    )
    results = []
    for trial, one, path in zip(job.trials, trained, request.weights, strict=True):
        if path is not None and one.weights:
            with atomic_write(Path(path)) as unfinished:
                save_file({name: tensor.contiguous() for name, tensor in one.weights.items()}, unfinished)
        results.append(
            TrialResult(
                trial=trial,
                state=TrialState(one.state),
                reason=one.reason,
                steps_done=one.steps_done,
                seconds=one.seconds,
                validation_loss=one.validation_loss,
                validation_outputs=_outputs(one.validation_outputs),
                test_outputs=_outputs(one.test_outputs),
                history=tuple(one.history),
                parameters=request.profile.parameters,
                flops_per_example=request.profile.flops_per_example,
            )
        )
    return results


def _outputs(array: NDArray[np.float32] | None) -> Outputs | None:
    return None if array is None else Outputs.of(array)


def fit_classical(request: ClassicalRequest, context: TaskContext) -> list[TrialResult]:
    """Fit a classical or baseline entrant's trials; those with the same examples and seed are fitted together."""
    job, dataset = request.job, request.dataset.open()
    plain = classical.by_name(dataset.schema)[request.entrant.name]
    until = float("inf") if context.deadline is None else context.deadline
    results: dict[Trial, TrialResult] = {}
    places = list(dict.fromkeys((trial.examples, trial.seed) for trial in job.trials))
    for number, (examples, seed) in enumerate(places):
        context.report(number, len(places))
        trials = [trial for trial in job.trials if (trial.examples, trial.seed) == (examples, seed)]
        results |= _fit_place(plain, dataset, trials, until)
    context.report(len(places), len(places))
    return [results[trial] for trial in job.trials]


def _fit_place(
    plain: classical.Classical, dataset: Any, trials: Sequence[Trial], until: float
) -> dict[Trial, TrialResult]:
    examples, seed = trials[0].examples, trials[0].seed
    rows_bytes = 4 * examples * classical.row_size(dataset.schema)
    share = share_bytes()
    most = LARGEST_ROWS_BYTES if share is None else min(LARGEST_ROWS_BYTES, share)
    if plain.kind == "classical" and rows_bytes > most:
        reason = because("memory", size=rows_bytes / 1e9)
        return {trial: TrialResult(trial=trial, state=TrialState.FAILED, reason=reason) for trial in trials}
    started = time.monotonic()
    try:
        if started > until:
            raise classical.OutOfTimeError
        train_indices = training_order(dataset, seed=seed)[:examples]
        fits = plain.fit(dataset, train_indices, seed, [trial.setting for trial in trials], until)
    except classical.OutOfTimeError:
        spent = time.monotonic() - started
        reason = because("share_over")
        return {
            t: TrialResult(trial=t, state=TrialState.STOPPED, reason=reason, seconds=spent / len(trials))
            for t in trials
        }
    return {
        trial: TrialResult(
            trial=trial,
            state=TrialState.FINISHED,
            seconds=fit.seconds,
            validation_outputs=Outputs.of(fit.validation),
            test_outputs=Outputs.of(fit.test),
            parameters=fit.parameters,
            flops_per_example=fit.flops_per_example,
        )
        for trial, fit in zip(trials, fits, strict=True)
    }


def write_champion(request: ChampionRequest, context: TaskContext) -> None:
    """Write the champion's folder: weights, schema, scaling and how new data are read."""
    from safetensors.torch import load_file

    from bakeoff.inference.predictor import Predictor

    entrant, weights = request.entrant, load_file(request.weights)
    assert entrant.card is not None
    predictor = Predictor.of(request.dataset.open(), model=entrant.card, width=entrant.width, weights=weights)
    predictor.save(request.folder)
