"""`SeedResults`: the trainings of one entrant on one form of the data, paired over seeds with those on another."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.messages.statement import Statement, because
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import TrialResult
from bakeoff.tasks.metrics.metric import NO_CONTEXT, Metric, MetricContext
from bakeoff.tasks.outputs import dense


@dataclass(frozen=True, eq=False)
class SeedResults:
    """The results of a job's trials, one a seed. They count only together, since they are paired over seeds.

    Attributes:
        results: in the order of the seeds; at least one.
    """

    results: tuple[TrialResult, ...]

    @property
    def steps(self) -> int:
        """Optimiser steps of each training, as planned."""
        return self.results[0].trial.steps

    @property
    def seconds(self) -> float:
        """Of all trainings together."""
        return sum(result.seconds for result in self.results)

    @property
    def complete(self) -> bool:
        """Whether every training was completed."""
        return all(result.counts for result in self.results)

    def on_validation(
        self, metric: Metric, truth: NDArray[Any], context: MetricContext = NO_CONTEXT
    ) -> float:
        """Mean score over seeds on the validation examples, by which networks are chosen; all must be complete."""
        found = [r.validation_outputs for r in self.results if r.validation_outputs is not None]
        return float(np.mean([metric.score(outputs, truth, context) for outputs in found]))

    @cached_property
    def outputs(self) -> tuple[NDArray[Any], ...]:
        """Test outputs [N, outputs], one array a seed; () where a training was not completed."""
        if not self.complete:
            return ()
        return tuple(dense(r.test_outputs) for r in self.results if r.test_outputs is not None)

    @cached_property
    def tested(self) -> Mapping[str, tuple[NDArray[Any], ...]]:
        """The same on changed test data, by the name of the change; only where all seeds were tested on it."""
        by_seed = [result.tested for result in self.results]
        shared = [name for name in by_seed[0] if all(name in tested for tested in by_seed)]
        return {name: tuple(dense(tested[name]) for tested in by_seed) for name in shared}

    @property
    def failure(self) -> Statement | None:
        """Why there are no outputs; None where there are."""
        broken = [result for result in self.results if not result.counts]
        if not broken:
            return None
        worst = min(broken, key=lambda result: result.state)
        if worst.state is TrialState.FAILED and worst.reason is not None:
            return worst.reason
        return because(f"state.{TrialState.FAILED if worst.state.counts else worst.state}")
