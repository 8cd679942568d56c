"""`SingleTraining`: the training of one network that uses the machine alone.

It reads the same batches and returns the same `TrainingResult` as a replica of a stack. It has three hooks:
`change_batch` (augmentation), `after_step` (averages of the weights) and `judged` (the weights that are evaluated and
returned). `state` and `restore` transfer everything that a resumed training needs, as tensors and JSON.
"""

import contextlib
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bakeoff.errors import BakeoffWarning
from bakeoff.messages.statement import Statement, because
from bakeoff.models.layers.graphs import GraphBatch
from bakeoff.models.layers.views import arguments, takes_graphs
from bakeoff.system.patches import PROCESS_LOCK
from bakeoff.train.batches import StackedBatches
from bakeoff.train.endings import TrialState
from bakeoff.train.kernels import compilation
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.replicas.process_state import dropout_seed
from bakeoff.train.result import TrainingResult
from bakeoff.train.single.cuda_graphs import GraphedStep
from bakeoff.train.single.placement import Placement
from bakeoff.train.stacked.run import CHECK_EVERY, EVALUATION_ROWS, Build
from bakeoff.train.tensors import Batch, Examples, TrainingData, read_ahead

ChangeBatch = Callable[[Batch, int], Batch]
AfterStep = Callable[[nn.Module, int], None]


class SingleTraining:
    """The training of one network.

    Args:
        build: seed -> new module.
        data: to train on; its device must be that of the placement.
        replica: learning rate, seed and number of examples.
        recipe: the rest; its rejections are not used.
        placement: device and precision.
        change_batch: (batch on the device, step) -> the batch to train on.
        after_step: called with the module and the number of finished steps.
        judged: the module to evaluate and keep; None is the one in training.
        loss: (outputs float32 [B, K], targets) -> mean loss; None is cross-entropy or mean squared error.
        groups: the module's parameters as `torch.optim` takes them; None is all of them, with the recipe's decay.
        pieces: each batch goes through the network in so many parts, whose gradients are added up (less memory).
    """

    def __init__(
        self,
        build: Build,
        data: TrainingData,
        replica: Replica,
        recipe: Recipe,
        *,
        placement: Placement,
        change_batch: ChangeBatch | None = None,
        after_step: AfterStep | None = None,
        judged: Callable[[], nn.Module] | None = None,
        loss: Callable[[Tensor, Tensor], Tensor] | None = None,
        groups: Callable[[nn.Module], list[dict[str, Any]]] | None = None,
        pieces: int = 1,
    ) -> None:
        assert data.device.type == placement.device.type, "the data must be where the network is"
        self.replica, self.recipe, self.placement = replica, recipe, placement
        self.module = placement.prepare(build(replica.seed)).train()
        self.data = data = data.read_by(self.module)
        self._called: Any = self.module
        if placement.compile and compilation.torch_compiles_in_private():
            self._called = torch.compile(self.module)
        elif placement.compile:
            warnings.warn(
                "The network is not compiled: others can write into the folder where PyTorch keeps compiled code and "
                "loads it from. Remove the folder 'torchinductor_...' beside the temporary files, or set TMPDIR to a "
                "folder of your own.",
                BakeoffWarning,
                stacklevel=2,
            )
        self._change_batch, self._after_step = change_batch, after_step
        self._judged = judged or (lambda: self.module)
        self._loss = loss or data.task.training_loss()
        self._rate = torch.tensor(replica.learning_rate, device=placement.device)
        # Batches of graphs are of many sizes, and a recorded step is of one.
        graphs = placement.graphs and placement.half is not torch.float16 and not takes_graphs(self.module)
        self.optimiser = torch.optim.AdamW(
            self.module.parameters() if groups is None else groups(self.module),
            lr=self._rate if graphs else replica.learning_rate,
            weight_decay=recipe.weight_decay,
            fused=placement.device.type in ("cpu", "cuda"),
            capturable=graphs,
        )
        self._scaler = torch.amp.GradScaler(placement.device.type, enabled=placement.half is torch.float16)
        self._graph = GraphedStep(self._update) if graphs else None
        subset = data.subset(seed=replica.seed, examples=replica.examples)
        self._batches = StackedBatches([subset], [replica.seed], recipe.batch_size)
        self._pieces = pieces
        self.steps_done, self.seconds, self._waited = 0, 0.0, 0
        self.best_loss, self.best_step = math.inf, 0
        self.history: list[tuple[int, float]] = []
        self.best: dict[str, Tensor] = {}
        self._losses = torch.zeros((), device=placement.device)
        with PROCESS_LOCK, torch.random.fork_rng():
            torch.manual_seed(dropout_seed(replica.seed))
            self._random = [read() for read, _ in _generators(placement.device)]

    def run(
        self, *, deadline: float | None = None, progress: Callable[[int, int, int], None] | None = None
    ) -> TrainingResult:
        """Take all remaining steps, with their evaluations. `deadline` and `progress` are as in `fit_stack`."""
        for step in self.recipe.evaluation_steps:
            if step <= self.steps_done:
                continue
            if not self.advance(step, deadline=deadline):
                if deadline is not None and time.monotonic() > deadline:
                    return self.result(TrialState.STOPPED, because("allowed_over"))
                return self.result(TrialState.DIVERGED, because("not_finite", steps=self.steps_done))
            loss = self.evaluate()
            if progress is not None:
                progress(step, self.recipe.steps, 1)
            if not math.isfinite(loss):
                return self.result(TrialState.DIVERGED, because("validation_not_finite", steps=step))
            if (
                self.recipe.patience is not None
                and self._waited >= self.recipe.patience
                and step < self.recipe.steps
            ):
                return self.result(TrialState.EARLY, because("patience", count=self._waited))
        return self.result(TrialState.FINISHED, because("all_steps"))

    def advance(self, until: int, *, deadline: float | None = None) -> bool:
        """Take steps until `until` are done; False where the deadline came first or the loss is no longer finite."""
        started = time.monotonic()
        self.module.train()
        try:
            with self.placement.in_use(), self._own_random_numbers():
                places = (self._next_positions() for _ in range(until - self.steps_done))
                for batch in read_ahead(self.data.train, places):
                    if deadline is not None and time.monotonic() > deadline:
                        return False
                    self._step(batch)
                    if self.steps_done % CHECK_EVERY == 0 and not math.isfinite(float(self._losses)):
                        return False
            return math.isfinite(float(self._losses))
        finally:
            self.seconds += time.monotonic() - started

    @contextlib.contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """Inside, torch's global generators continue those of this training (for dropout); then they are put back.

        No lock is held, since that may take hours (see `bakeoff.system.patches`): beside others, train in a process.
        """
        places = _generators(self.placement.device)
        outer = [read() for read, _ in places]
        for (_, write), state in zip(places, self._random, strict=True):
            write(state)
        try:
            yield
        finally:
            self._random = [read() for read, _ in places]
            for (_, write), state in zip(places, outer, strict=True):
                write(state)

    def _next_positions(self) -> Tensor:
        positions, _ = self._batches.next()
        return positions.view(-1)

    def _step(self, batch: Batch) -> None:
        if self._change_batch is not None:
            batch = self._change_batch(batch, self.steps_done)
        rate = self.replica.learning_rate * self.recipe.rate(self.steps_done)
        self._rate.fill_(rate)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate if self._graph is not None else rate
        loss = self._update(batch) if self._graph is None else self._graph(batch)
        self._losses = self._losses + loss
        self.steps_done += 1
        if self._after_step is not None:
            self._after_step(self.module, self.steps_done)

    def _update(self, batch: Batch) -> Tensor:
        """Forward, backward and the optimiser's step; the loss."""
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.placement.device)
        for piece, share in _parts(batch, self._pieces):
            loss = self._loss(piece.answers(self._outputs(self._called, piece)), piece.targets) * share
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total = total + loss.detach()
        if self.recipe.clip_norm is not None:
            self._scaler.unscale_(self.optimiser)
            nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.clip_norm)
        self._scaler.step(self.optimiser)
        self._scaler.update()
        return total

    def drain_losses(self) -> float:
        """The sum of the training losses of all steps since the last call."""
        total = float(self._losses)
        self._losses = torch.zeros_like(self._losses)
        return total

    def _outputs(self, called: Any, batch: Batch) -> Tensor:
        inputs = self.placement.arranged(batch.inputs, self.module)
        with self.placement.autocast():
            outputs: Tensor = called(*arguments(self.module, inputs, batch.lengths))
        return outputs.float() if outputs.dtype in (torch.bfloat16, torch.float16) else outputs

    def evaluate(self) -> float:
        """The validation loss of the weights from `judged`, which are saved if it is the best so far."""
        started = time.monotonic()
        judged = self._judged()
        loss, _ = self._outputs_on(judged, self.data.validation)
        self.history.append((self.steps_done, loss))
        self._waited += 1
        if loss < self.best_loss:
            self.best_loss, self.best_step, self._waited = loss, self.steps_done, 0
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in judged.state_dict().items()}
        self.seconds += time.monotonic() - started
        return loss

    @torch.no_grad()
    def _outputs_on(self, module: nn.Module, examples: Examples) -> tuple[float, Tensor]:
        """Mean loss on a split, and all outputs [N, K] on the CPU."""
        was = module.training
        module.eval()
        total, outputs = 0.0, []
        places = self.data.evaluation_places(examples, EVALUATION_ROWS)
        plain = self.data.task.training_loss()
        with self.placement.in_use():
            for batch in read_ahead(examples, places):
                part = batch.answers(self._outputs(module, batch))
                total += float(plain(part, batch.targets)) * len(part)
                outputs.append(part.cpu())
        module.train(was)
        return total / len(examples), torch.cat(outputs)

    def result(self, state: TrialState, reason: Statement) -> TrainingResult:
        """The result of this training as it is now, with the outputs of the best weights."""
        known = self.best_step > 0
        validation = test = None
        weights = self.best or {
            name: tensor.detach().cpu() for name, tensor in self.module.state_dict().items()
        }
        if known:
            module = self._judged()
            now = {name: tensor.clone() for name, tensor in module.state_dict().items()}
            module.load_state_dict(self.best)
            validation, test = (
                self._in_unit(self._outputs_on(module, part)[1])
                for part in (self.data.validation, self.data.test)
            )
            module.load_state_dict(now)
        return TrainingResult(
            replica=self.replica,
            state=state,
            reason=reason,
            steps_done=self.steps_done,
            best_step=self.best_step,
            seconds=self.seconds,
            validation_loss=self.best_loss,
            history=tuple(self.history),
            weights={name: tensor.clone() for name, tensor in weights.items()},
            validation_outputs=validation,
            test_outputs=test,
        )

    def _in_unit(self, outputs: Tensor) -> np.ndarray:
        return self.data.stored(outputs)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that a continued training needs: tensors by name, and facts for JSON."""
        tensors = {f"module.{name}": tensor for name, tensor in self.module.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for index, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": tensor for name, tensor in slots.items()}
        facts = {
            "steps_done": self.steps_done,
            "seconds": self.seconds,
            "waited": self._waited,
            "best_loss": self.best_loss if math.isfinite(self.best_loss) else None,
            "best_step": self.best_step,
            "history": self.history,
            "scaler": self._scaler.state_dict(),
        }
        tensors |= {f"random.{index}": state for index, state in enumerate(self._random)}
        return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}, facts

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Continue where `state` was taken; this training must be newly made with the same arguments."""
        assert self.steps_done == 0, "restore into a new training"
        parts: dict[str, dict[str, Tensor]] = {"module": {}, "best": {}, "optimiser": {}}
        for name, tensor in tensors.items():
            kind, _, rest = name.partition(".")
            if kind in parts:
                parts[kind][rest] = tensor
        self.module.load_state_dict(parts["module"])
        self.best = parts["best"]
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimiser"].items():
            index, _, slot = name.partition(".")
            slots.setdefault(int(index), {})[slot] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": slots, "param_groups": groups})
        for parameter, own in self.optimiser.state.items():  # the fused update ignores strides
            for slot, tensor in own.items():
                if tensor.shape == parameter.shape:
                    own[slot] = torch.empty_like(parameter).copy_(tensor)
        self._scaler.load_state_dict(facts["scaler"])
        for _ in range(facts["steps_done"]):
            self._batches.next()
        self.steps_done, self.seconds, self._waited = facts["steps_done"], facts["seconds"], facts["waited"]
        self.best_loss = math.inf if facts["best_loss"] is None else facts["best_loss"]
        self.best_step = facts["best_step"]
        self.history = [(int(step), float(loss)) for step, loss in facts["history"]]
        self._random = [tensors[f"random.{index}"] for index in range(len(self._random))]


def _parts(batch: Batch, pieces: int) -> Iterator[tuple[Batch, float]]:
    """The batch in at most `pieces` parts, and the share of its examples in each.

    No part has a single example, on which batch normalisation fails.
    """
    examples = len(batch.targets)
    pieces = min(pieces, max(examples // 2, 1))
    if pieces == 1 or batch.places is not None:  # examples with many predictions each are not taken apart
        yield batch, 1.0
        return
    inputs: Sequence[Tensor | GraphBatch] = batch.inputs.tensor_split(pieces)
    lengths = [None] * pieces if batch.lengths is None else batch.lengths.tensor_split(pieces)
    for piece, targets, length in zip(inputs, batch.targets.tensor_split(pieces), lengths, strict=True):
        yield Batch(piece, targets, length), len(targets) / examples


def _generators(device: torch.device) -> list[tuple[Callable[[], Tensor], Callable[[Tensor], object]]]:
    """(read, write) of the state of each of torch's global generators in use."""
    known: list[tuple[Callable[[], Tensor], Callable[[Tensor], object]]] = [
        (torch.get_rng_state, torch.set_rng_state)
    ]
    if device.type == "cuda":
        known.append((torch.cuda.get_rng_state, torch.cuda.set_rng_state))
    return known
