"""Tasks of the worker processes: profile a network, train or test it, fit a classical entrant.

A trial is trained on the data of its intervention, where it has one: a comparison, its evidence and `why` share these
tasks. Runs nothing at import.
"""

import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bakeoff.data.dataset import training_order
from bakeoff.errors import BakeoffError, StoreError, printable
from bakeoff.messages.statement import Statement, because, reason_of
from bakeoff.study.design import classical
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.design.jobs import JobKind
from bakeoff.study.design.matched_budgets import Widths, equal_widths
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import SeededIntervention, Trial, TrialResult
from bakeoff.study.protocol import (
    BATCH_EXAMPLES,
    EXPENSIVE_STEP_FLOPS,
    EXPENSIVE_STEP_SECONDS,
    GPU_STEP_FLOPS,
    LARGEST_ROWS_BYTES,
    PROFILE_REPLICAS,
)
from bakeoff.study.workers.changed_data import ChangedTests, changed_dataset, test_networks
from bakeoff.study.workers.executor import SharedDataset, TaskContext
from bakeoff.study.workers.requests import (
    ChampionRequest,
    ChangedTestRequest,
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
    from bakeoff.train.result import TrainingResult
    from bakeoff.train.tensors import TrainingData


@lru_cache(maxsize=2)
def _training_data(
    shared: SharedDataset, device: str = "cpu", change: SeededIntervention | None = None
) -> "TrainingData":
    from bakeoff.train.tensors import TrainingData

    return TrainingData(changed_dataset(shared, change), device=device)


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
    """Train a network's trials; those on the same data are one stack.

    Where a stack has a trial that was not completed, those after it are not begun: scores are paired over all seeds.
    """
    set_up_torch()
    results: dict[Trial, TrialResult] = {}
    for trials in _by_data(request.job.trials):
        if all(result.counts for result in results.values()):
            results |= _train_on_one_form(request, trials, context)
    return [results.get(trial) or _stopped(trial, because("state.stopped")) for trial in request.job.trials]


def _by_data(trials: Iterable[Trial]) -> list[list[Trial]]:
    """The trials in groups of equal data, in order."""
    groups: dict[SeededIntervention | None, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.intervention, []).append(trial)
    return list(groups.values())


def _stopped(trial: Trial, reason: Statement, seconds: float = 0.0) -> TrialResult:
    return TrialResult(trial=trial, state=TrialState.STOPPED, reason=reason, seconds=seconds)


def _train_on_one_form(
    request: TrainingRequest, trials: Sequence[Trial], context: TaskContext
) -> dict[Trial, TrialResult]:
    change, entrant, job = trials[0].intervention, request.entrant, request.job
    if change is not None and context.deadline is not None and time.monotonic() > context.deadline:
        # Making the changed data takes time as well.
        return {trial: _stopped(trial, because("state.stopped")) for trial in trials}
    trained = train_stack(
        entrant,
        _training_data(request.dataset, entrant.device, change),
        trials,
        context,
        judge=request.judge,
        reproducible=request.reproducible,
        is_tuning=job.kind is JobKind.TUNING,
    )
    paths = dict(zip(job.trials, request.weights, strict=True))
    for trial, one in zip(trials, trained, strict=True):
        _write_weights(one, paths[trial])
    tested = _tested(request, trials, trained, context)
    return {
        trial: _result(trial, one, request.profile, tested.of_network(place))
        for place, (trial, one) in enumerate(zip(trials, trained, strict=True))
    }


def _result(
    trial: Trial, trained: "TrainingResult", profile: Profile | None, tested: dict[str, Outputs]
) -> TrialResult:
    validation, test = trained.validation_outputs, trained.test_outputs
    return TrialResult(
        trial=trial,
        state=TrialState(trained.state),
        reason=trained.reason,
        steps_done=trained.steps_done,
        seconds=trained.seconds,
        validation_loss=trained.validation_loss,
        validation_outputs=None if validation is None else Outputs.of(validation),
        test_outputs=None if test is None else Outputs.of(test),
        history=tuple(trained.history),
        parameters=None if profile is None else profile.parameters,
        flops_per_example=None if profile is None else profile.flops_per_example,
        tested=tested,
    )


def _write_weights(trained: "TrainingResult", path: str | None) -> None:
    """Raises `StoreError` where they cannot be written."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    if path is None or not trained.weights:
        return
    try:
        with atomic_write(Path(path)) as unfinished:
            save_file({name: tensor.contiguous() for name, tensor in trained.weights.items()}, unfinished)
    except SafetensorError as error:  # its own class, also for a full disk
        raise StoreError(
            f"The weights of the run cannot be written to '{printable(path, most=500)}' "
            f"({printable(str(error))}): free some space, or name another place with --out."
        ) from error


def _tested(
    request: TrainingRequest,
    trials: Sequence[Trial],
    trained: Sequence["TrainingResult"],
    context: TaskContext,
) -> ChangedTests:
    """The trained networks tested on the changes that the job names, where all of them were completed."""
    complete = all(TrialState(one.state).counts and one.test_outputs is not None for one in trained)
    return test_networks(
        changed_dataset(request.dataset, trials[0].intervention),
        request.entrant,
        [(trial, one.weights) for trial, one in zip(trials, trained, strict=True)],
        request.job.test_on if complete else (),
        context.deadline,
    )


def test_trained(request: ChangedTestRequest, context: TaskContext) -> list[TrialResult]:
    """Test networks on changed data, whose trainings lie in files; "stopped" where there was no time for all of it."""
    from safetensors.torch import load_file

    trials = request.job.trials
    tested = test_networks(
        request.dataset.open(),
        request.entrant,
        [(trial, load_file(path)) for trial, path in zip(trials, request.weights, strict=True)],
        request.job.test_on,
        context.deadline,
    )
    state = TrialState.FINISHED if tested.complete else TrialState.STOPPED
    return [
        TrialResult(trial=trial, state=state, tested=tested.of_network(place))
        for place, trial in enumerate(trials)
    ]


def fit_classical(request: ClassicalRequest, context: TaskContext) -> list[TrialResult]:
    """Fit a classical or baseline entrant's trials; those on the same examples with one seed are fitted together."""
    places: dict[tuple[SeededIntervention | None, int, int], list[Trial]] = {}
    for trial in request.job.trials:
        places.setdefault((trial.intervention, trial.examples, trial.seed), []).append(trial)
    results: dict[Trial, TrialResult] = {}
    for number, trials in enumerate(places.values()):
        context.report(number, len(places))
        results |= _fit_place(request, trials, context.deadline)
    context.report(len(places), len(places))
    return [results[trial] for trial in request.job.trials]


def _fit_place(
    request: ClassicalRequest, trials: Sequence[Trial], deadline: float | None
) -> dict[Trial, TrialResult]:
    size = 4 * trials[0].examples * classical.row_size(request.dataset.schema)
    if request.entrant.kind == "classical" and size > _most_bytes():
        reason = because("memory", size=size / 1e9)
        return {trial: TrialResult(trial=trial, state=TrialState.FAILED, reason=reason) for trial in trials}
    until = float("inf") if deadline is None else deadline
    started = time.monotonic()
    try:
        if started > until:
            raise classical.OutOfTimeError
        dataset = changed_dataset(request.dataset, trials[0].intervention)
        plain = classical.by_name(dataset.schema)[request.entrant.name]
        order = training_order(dataset, seed=trials[0].seed)[: trials[0].examples]
        fits = plain.fit(dataset, order, trials[0].seed, [trial.setting for trial in trials], until)
    except classical.OutOfTimeError:
        spent = (time.monotonic() - started) / len(trials)
        return {trial: _stopped(trial, because("share_over"), spent) for trial in trials}
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


def _most_bytes() -> float:
    """What a classical entrant may hold in memory."""
    share = share_bytes()
    return LARGEST_ROWS_BYTES if share is None else min(LARGEST_ROWS_BYTES, share)


def write_champion(request: ChampionRequest, context: TaskContext) -> None:
    """Write the champion's folder: weights, schema, scaling and how new data are read."""
    from safetensors.torch import load_file

    from bakeoff.inference.predictor import Predictor

    entrant, weights = request.entrant, load_file(request.weights)
    assert entrant.card is not None
    predictor = Predictor.of(request.dataset.open(), model=entrant.card, width=entrant.width, weights=weights)
    predictor.save(request.folder)
