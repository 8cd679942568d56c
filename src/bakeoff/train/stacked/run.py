"""The training of one stack: steps, evaluations, the best weights, and the removal of replicas that end."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from bakeoff.messages.statement import Statement, because
from bakeoff.models.layers.graphs import GraphBatch
from bakeoff.train.batches import StackedBatches
from bakeoff.train.early_stopping import Watch
from bakeoff.train.endings import TrialState
from bakeoff.train.families.registry import compile_program, stack_networks
from bakeoff.train.folds import StackData
from bakeoff.train.kernels.chain import Program
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.replicas.module import NetworkStack
from bakeoff.train.result import TrainingResult
from bakeoff.train.stacked.losses import gradients_of, loss_and_gradient, losses_of_rows
from bakeoff.train.stacked.optimiser import BETAS, EPSILON, StackedAdamW, clip
from bakeoff.train.tensors import Batch, Examples, Resident, read_ahead

#: Steps between two checks that the losses are finite.
CHECK_EVERY = 20
#: Examples of the validation and test splits that go through the stack at once.
EVALUATION_ROWS = 250
#: Planned seconds of one call of the compiled code; the deadline is checked between calls.
CALL_SECONDS = 0.05

Build = Callable[[int], nn.Module]


@dataclass
class _ReplicaState:
    """The state of one replica of the stack."""

    replica: Replica
    seconds: float = 0.0
    best_loss: float = math.inf
    best_step: int = 0
    watch: Watch = field(default_factory=Watch)
    history: list[tuple[int, float]] = field(default_factory=list)


class StackedTraining:
    """Trains some replicas as one stack.

    Args:
        build: seed -> new module.
        data: to train on.
        replicas: in an order in which equal learning rates are adjacent, since adjacent equal rates share one update.
        recipe: of all replicas.
        modules: built before, by seed; new ones are added. None builds all.
    """

    def __init__(
        self,
        build: Build,
        data: StackData,
        replicas: Sequence[Replica],
        recipe: Recipe,
        *,
        modules: dict[int, nn.Module] | None = None,
    ) -> None:
        self.recipe = recipe
        self.rows = [_ReplicaState(replica) for replica in replicas]
        self.results: dict[Replica, list[TrainingResult]] = {}
        made = {} if modules is None else modules
        networks = [
            made.get(replica.seed) or made.setdefault(replica.seed, build(replica.seed))
            for replica in replicas
        ]
        assert data.dataset.offsets is None, "examples with several predictions are trained alone"
        self.data = data = data.read_by(networks[0])
        seeds = [replica.seed for replica in replicas]
        self.network = stack_networks(networks, seeds, dtype=data.dtype, device=data.device)
        self._parameters = list(self.network.parameters.values())
        self.optimiser = StackedAdamW(
            self._parameters, [r.learning_rate for r in replicas], recipe.weight_decay
        )
        subsets = [data.subset(seed=r.seed, examples=r.examples, fold=r.fold) for r in replicas]
        self.batches = StackedBatches(subsets, seeds, recipe.batch_size)
        self.steps_done = 0
        self._best: dict[str, Tensor] = {}
        self._best_outputs = torch.zeros(0)
        self._losses: Tensor | None = None  # [R], sum over the steps since the last check
        self.network.program = compile_program(self.network, data)
        self._seconds_a_step = CALL_SECONDS  # of all replicas, in the last call

    @property
    def replicas(self) -> list[Replica]:
        """The replicas still in training."""
        return [row.replica for row in self.rows]

    def advance(self, until: int, *, deadline: float | None = None) -> None:
        """Take steps until `until` are done, or the deadline; replicas that diverge or run out of time are removed."""
        self.network.template.train()
        while self.rows and self.steps_done < until:
            started = time.monotonic()
            in_time = self._steps(min(until, self.steps_done + CHECK_EVERY), deadline)
            self._share_time(started)
            if not in_time:
                self._all_leave(TrialState.STOPPED, because("allowed_over"))
            else:
                self._drop_diverged()

    def _steps(self, until: int, deadline: float | None) -> bool:
        """Take steps until `until` are done; False where the deadline came first."""
        if self.network.program is not None:
            return self._steps_in_few_calls(self.network.program, until, deadline)
        drawn = [self.batches.next() for _ in range(until - self.steps_done)]
        places = (positions.view(-1) for positions, _ in drawn)
        for (positions, counts), batch in zip(drawn, read_ahead(self.data.train, places), strict=True):
            if deadline is not None and time.monotonic() > deadline:
                return False
            self._step(batch, positions.shape[0], counts)
        return True

    def _steps_in_few_calls(self, program: Program, until: int, deadline: float | None) -> bool:
        """The same by the compiled code, many steps in one call."""
        own = dict(zip(self.network.parameters, self.optimiser.state(), strict=True))
        state = [own[name] for name in program.names]
        rates = torch.tensor(self.optimiser.learning_rates, dtype=torch.float64)
        for batch, positions, counts in self._calls(until):
            started = time.monotonic()
            if deadline is not None and started > deadline:
                return False
            steps = len(positions)
            schedule = [self.recipe.rate(self.steps_done + step) for step in range(steps)]
            losses = program.train(
                batch.array,
                batch.targets,
                positions,
                counts,
                torch.outer(torch.tensor(schedule, dtype=torch.float64), rates),
                state,
                batch.lengths,
                steps_taken=self.optimiser.finished,
                weight_decay=self.recipe.weight_decay,
                clip_norm=self.recipe.clip_norm,
                betas=BETAS,
                epsilon=EPSILON,
            )
            self.optimiser.took(steps)
            self.steps_done += steps
            self._losses = losses if self._losses is None else self._losses + losses
            self._seconds_a_step = (time.monotonic() - started) / steps
        return True

    def _calls(self, until: int) -> Iterator[tuple[Batch, Tensor, Tensor]]:
        """For each call of the compiled code: examples, positions in them [steps, R, B] and counts [steps, R]."""
        examples = self.data.train
        while isinstance(examples, Resident) and self.steps_done < until:
            most = max(1, int(CALL_SECONDS / self._seconds_a_step))
            positions, counts = self.batches.take(min(until - self.steps_done, most))
            yield examples.everything, positions, counts
        if isinstance(examples, Resident):
            return
        drawn = [self.batches.take(1) for _ in range(until - self.steps_done)]
        gathered = read_ahead(examples, (positions.view(-1) for positions, _ in drawn))
        for batch, (positions, counts) in zip(gathered, drawn, strict=True):
            yield batch, torch.arange(positions.numel()).view(positions.shape), counts

    def _step(self, batch: Batch, replicas: int, counts: Tensor) -> None:
        def stacked(part: Tensor) -> Tensor:
            return part.view(replicas, -1, *part.shape[1:])

        inputs, lengths, targets = batch.inputs, batch.lengths, stacked(batch.targets)
        outputs = self.network.forward(
            inputs.tensor_split(replicas) if isinstance(inputs, GraphBatch) else stacked(inputs),
            None if lengths is None else stacked(lengths),
            counts,
        )
        losses, slope = loss_and_gradient(outputs.detach(), targets, counts)
        gradients = gradients_of(outputs, slope, self._parameters)
        if self.recipe.clip_norm is not None:
            clip(gradients, self.recipe.clip_norm)
        self.optimiser.step(gradients, self.recipe.rate(self.steps_done))
        self._losses = losses if self._losses is None else self._losses + losses
        self.steps_done += 1

    def _drop_diverged(self) -> None:
        """Remove replicas whose losses since the last check are not all finite."""
        assert self._losses is not None
        rows = (~torch.isfinite(self._losses)).nonzero().view(-1).tolist()
        self._losses = None
        reason = because("no_longer_finite", steps=self.steps_done)
        self.leave(dict.fromkeys(rows, (TrialState.DIVERGED, reason)))

    def _share_time(self, started: float) -> None:
        now = time.monotonic()
        for row in self.rows:
            row.seconds += (now - started) / len(self.rows)

    def evaluate(self) -> None:
        """Measure the validation losses, save the best weights so far, and remove replicas that may stop."""
        started = time.monotonic()
        losses, outputs = evaluate(self.network, self.data, self.data.validation, self._validation_rows)
        measures = self._measures(losses, outputs)
        if not self._best:
            self._best = {name: tensor.detach().clone() for name, tensor in self.network.tensors.items()}
            self._best_outputs = outputs
        answers = None if self.data.target_scaling is not None else outputs.argmax(dim=2)
        better, diverged, enough = [], [], {}
        for index, (row, loss, measure) in enumerate(zip(self.rows, losses, measures, strict=True)):
            row.history.append((self.steps_done, loss))
            if not math.isfinite(loss):
                diverged.append(index)
                continue
            own = None if answers is None else answers[index, self._validation_rows[index]]
            if row.watch.see(measure, own):
                row.best_loss, row.best_step = loss, self.steps_done
                better.append(index)
            if reason := row.watch.enough(self.recipe):
                enough[index] = reason
        for name, tensor in self.network.tensors.items():
            self._best[name][better] = tensor.detach()[better]
        self._best_outputs[better] = outputs[better]
        self._share_time(started)
        if self.steps_done == self.recipe.steps:
            enough = {}
        not_finite = because("validation_not_finite", steps=self.steps_done)
        self.leave(
            {index: (TrialState.EARLY, reason) for index, reason in enough.items()}
            | dict.fromkeys(diverged, (TrialState.DIVERGED, not_finite))
        )

    def _measures(self, losses: Sequence[float], outputs: Tensor) -> list[float]:
        """The measure that the recipe judges by, of each replica: lower is better."""
        if self.recipe.judge == "loss" or self.data.target_scaling is not None:
            return list(losses)
        wrong = (outputs.argmax(dim=2).cpu() != self.data.validation_targets()).double()
        errors = [float(row[own].mean()) for row, own in zip(wrong, self._validation_rows, strict=True)]
        return [error + 1e-3 * loss for error, loss in zip(errors, losses, strict=True)]

    @property
    def _validation_rows(self) -> list[slice]:
        """Which rows of the validation outputs are each replica's own."""
        return [self.data.validation_rows(row.replica.fold) for row in self.rows]

    def finish(self) -> None:
        """Record all remaining replicas as finished."""
        self._all_leave(TrialState.FINISHED, because("all_steps"))

    def _all_leave(self, state: TrialState, reason: Statement) -> None:
        self.leave(dict.fromkeys(range(len(self.rows)), (state, reason)))

    def leave(self, why: Mapping[int, tuple[TrialState, Statement]]) -> None:
        """Record and remove these rows of the stack, each with its (state, reason); the others are not affected."""
        if not why:
            return
        for trained in self._record(why):
            self.results.setdefault(trained.replica, []).append(trained)
        staying = [row for row in range(len(self.rows)) if row not in why]
        self.rows = [self.rows[row] for row in staying]
        if not staying:
            return
        self.network.keep(staying)
        self._parameters = list(self.network.parameters.values())
        self.optimiser.keep(staying, self._parameters)
        self.batches.keep(staying)
        self._best = {name: tensor[staying] for name, tensor in self._best.items()}
        self._best_outputs = self._best_outputs[staying] if self._best else self._best_outputs

    def _record(self, why: Mapping[int, tuple[TrialState, Statement]]) -> list[TrainingResult]:
        started, rows = time.monotonic(), sorted(why)
        saved = self._best or self.network.tensors
        tensors = {name: tensor[rows] for name, tensor in saved.items()}
        tests = None
        if any(self.rows[row].best_step for row in rows):
            tests = evaluate(self.network.with_tensors(tensors), self.data, self.data.test)[1]
        seconds = (time.monotonic() - started) / len(rows)
        records = []
        for place, index in enumerate(rows):
            row, (state, reason) = self.rows[index], why[index]
            known, fold = row.best_step > 0, row.replica.fold
            chosen = self._best_outputs[index, self.data.validation_rows(fold)] if known else None
            test = tests[place, self.data.test_rows(fold)] if known and tests is not None else None
            records.append(
                TrainingResult(
                    replica=row.replica,
                    state=state,
                    reason=reason,
                    steps_done=self.steps_done,
                    best_step=row.best_step,
                    seconds=row.seconds + seconds,
                    validation_loss=row.best_loss,
                    history=tuple(row.history),
                    weights=self.network.state_dict(place, tensors),
                    validation_outputs=None if chosen is None else self._in_unit(chosen, fold),
                    test_outputs=None if test is None else self._in_unit(test, fold),
                )
            )
        return records

    def _in_unit(self, outputs: Tensor, fold: int | None) -> np.ndarray:
        return self.data.stored(outputs, fold)


@torch.no_grad()
def evaluate(
    network: NetworkStack, data: StackData, examples: Examples, rows: Sequence[slice] | None = None
) -> tuple[list[float], Tensor]:
    """Each replica's mean loss on a split, and all outputs [R, N, outputs], with the network in evaluation mode.

    Args:
        rows: of the split, each replica's own, on which alone its loss is measured; all where None.
    """
    training = network.template.training
    network.template.eval()
    outputs, losses = [], []
    places = torch.arange(len(examples)).split(EVALUATION_ROWS)  # type: ignore[no-untyped-call]
    for batch in read_ahead(examples, places):
        part = network.outputs_of(batch.inputs, batch.lengths)
        losses.append(losses_of_rows(part, batch.targets))
        outputs.append(part)
    network.template.train(training)
    everything = torch.cat(outputs, dim=1)
    if rows is None or all(own == slice(None) for own in rows):
        sums = torch.stack([block.sum(dim=1).cpu().double() for block in losses]).sum(dim=0)
        return (sums / len(examples)).tolist(), everything
    each = torch.cat(losses, dim=1).cpu().double()
    return [float(row[own].mean()) for row, own in zip(each, rows, strict=True)], everything
